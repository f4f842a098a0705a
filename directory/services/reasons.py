"""Texts that officers give with what they do: why, what is wrong, what came of it."""

from __future__ import annotations

from comity.errors import MalformedInput, Violation

MAX_TEXT_CHARS = 1_000  # some ten lines; what is longer belongs into the entry or a notice


def require_text(text: str, field: str) -> None:
    """Requires a text to be there, and to be printable lines.

    Raises: MalformedInput.
    """
    if not text.strip():
        raise MalformedInput(violations=[Violation(field, "is missing")])
    if len(text) > MAX_TEXT_CHARS:
        said = f"is longer than {MAX_TEXT_CHARS:,} characters"
        raise MalformedInput(violations=[Violation(field, said)])
    if not text.replace("\n", "").isprintable():
        raise MalformedInput(violations=[Violation(field, "holds control characters")])
