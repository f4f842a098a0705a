"""What the command line writes. Foreign text never reaches a terminal as it came.

Characters that are not seen are shown by their number, ‹U+200F›: none can move the cursor, colour
or turn a line, and none hides. Each foreign text keeps to its own direction. Nothing here is
markup: a bracket is a bracket.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from agency_client.failures import InboxFailed
    from comity.errors import ComityError

_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
# Not seen, although they are marks, letters or symbols to Unicode: the joiner of graphemes, fillers
# of Hangul, inherent vowels of Khmer, selectors of variants, the blank of Braille.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_SPACES = re.compile(" {2,}")


def safe(text: str) -> str:
    """A foreign text as one line that cannot do anything to a terminal.

    Runs of spaces, which the list of the United Nations has in names, are shown as one.
    """
    cleaned = _SPACES.sub(" ", "".join(_safe_character(character) for character in text))
    return cleaned if cleaned.isascii() else f"{_ISOLATE}{cleaned}{_END_ISOLATE}"


def _safe_character(character: str) -> str:
    if character.isprintable() and not _UNSEEN.match(character):
        return character
    is_space = character in "\n\t" or unicodedata.category(character) == "Zs"
    return " " if is_space else f"‹U+{ord(character):04X}›"


def write(line: str = "") -> None:
    """A line of the result."""
    sys.stdout.write(_shown_on(sys.stdout, line) + "\n")


def _shown_on(stream: TextIO, line: str) -> str:
    """A line as a terminal is to have it; without isolates, which programs trip over, elsewhere.

    Those of foreign texts were replaced by `safe`: any that are left are its own.
    """
    if line.isascii() or stream.isatty():
        return line
    return line.replace(_ISOLATE, "").replace(_END_ISOLATE, "")


def write_json(value: Message | dict[str, Any]) -> None:
    """A JSON document on one line of the result; bytes of messages are base64."""
    document = value if isinstance(value, dict) else json_from(value)
    text = json.dumps(document, ensure_ascii=False)
    # Almost always there is nothing to escape.
    sys.stdout.write((text if text.isprintable() else _escaped(text)) + "\n")


def _escaped(text: str) -> str:
    """The same JSON without a character that could do anything to a terminal.

    Those that are left after `json.dumps` stand inside strings, where an escape means the same.
    """
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def json_from(message: Message) -> dict[str, Any]:
    """The protobuf JSON mapping of a message."""
    from google.protobuf.json_format import MessageToDict

    document: dict[str, Any] = MessageToDict(message)
    return document


def flush() -> None:
    """Hands over the lines of the result that were written."""
    sys.stdout.flush()


def say(line: str) -> None:
    """A line beside the result, for people."""
    sys.stderr.write(_shown_on(sys.stderr, line) + "\n")
    sys.stderr.flush()


def print_error(error: ComityError | InboxFailed) -> None:
    """An error with everything at fault. What the hub has sent goes with its reason."""
    from agency_client.draft_form import json_path
    from agency_client.failures import InboxFailed
    from comity.v1.errors_pb2 import Reason

    if isinstance(error, InboxFailed):
        say(f"comity: {safe(error.message)}")
        return
    reason = Reason.Name(error.reason).removeprefix("REASON_")
    say(f"comity: {safe(error.message)}{f' [{reason}]' if error.is_from_hub else ''}")
    for violation in error.violations:
        field = json_path(violation.field) if error.is_from_hub else violation.field
        say(f"  {safe(field)}: {safe(violation.description)}")


def json_from_error(error: ComityError) -> dict[str, Any]:
    """An error as a JSON document, with everything at fault."""
    from comity.v1.errors_pb2 import Reason

    return {
        "reason": Reason.Name(error.reason).removeprefix("REASON_"),
        "message": error.message,
        "violations": [{"field": v.field, "description": v.description} for v in error.violations],
    }


class Progress:
    """A progress bar on a terminal, and silence elsewhere."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar = bar
        self._task = task

    def at(self, done: int, total: int) -> None:
        """Shows how far it is."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)

    def step(self) -> None:
        """Shows that one more is done."""
        if self._bar is not None:
            self._bar.advance(self._task)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Progress]:
    """Shows how far a long work is."""
    if not sys.stderr.isatty():
        yield Progress(None, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        yield Progress(bar, bar.add_task(title, total=total))
