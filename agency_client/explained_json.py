"""JSON that explains itself: keys that begin with "//", and places that are left empty.

JSON has no comments, so a template writes `"//charge": "What it is called."` beside `"charge"`.
Such keys are dropped wherever they stand, and may stand twice. In a document whose first level has
one, what was left empty (null, "", [], {}) is left out, so that nobody has to delete what does not
apply. Called for drafts; never touches a disk.
"""

from __future__ import annotations

import json
from typing import Any

EXPLAINS = "//"


def parse_explained(text: str) -> Any:
    """The value of a JSON document without its explanations.

    Raises: ValueError where it is no JSON, or a key that is no explanation stands twice;
    RecursionError.
    """
    is_explained = False

    def without_explanations(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal is_explained
        kept = [(key, value) for key, value in pairs if not key.startswith(EXPLAINS)]
        # Objects end from the inside out: the last one to be asked is the document itself.
        is_explained = len(kept) < len(pairs)
        found = dict(kept)
        if len(found) < len(kept):
            twice = next(key for key in found if sum(key == name for name, _ in kept) > 1)
            raise ValueError(f"the key {json.dumps(twice)[:80]} stands twice")
        return found

    document = json.loads(text, object_pairs_hook=without_explanations)
    return _filled(document) if is_explained else document


def _filled(value: Any) -> Any:
    """A value without what is empty in it."""
    if isinstance(value, dict):
        filled = {key: _filled(inner) for key, inner in value.items()}
        return {key: inner for key, inner in filled.items() if not _is_empty(inner)}
    if isinstance(value, list):
        return [inner for inner in map(_filled, value) if not _is_empty(inner)]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
