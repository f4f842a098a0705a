"""Stands in until the branch with the forms of content is merged."""

from __future__ import annotations

from comity.errors import Violation
from comity.v1 import notices_pb2 as pb


def may_pass_on_to(handling: pb.Handling, agency: str) -> bool:
    """Whether an addressee may pass a notice on to an agency without asking."""
    if agency in handling.onward_agencies or agency[:2] in handling.onward_countries:
        return True
    return pb.HANDLING_CODE_H2 not in handling.codes


def is_as_strict(new: pb.Handling, source: pb.Handling) -> list[Violation]:
    """What a notice's handling lacks of a source's conditions."""
    missing = set(source.codes) - set(new.codes)
    return [Violation("handling.codes", "lacks a code of the source")] if missing else []
