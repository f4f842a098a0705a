"""A received notice as a file of the agency's own, with its handling on top.

The file is a copy: it is erased by whoever keeps it when the notice is recalled, and says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from agency_client.disk import PRIVATE_MODE
from agency_client.field_text import Safe, code_words
from agency_client.inbox import HeldNotice
from agency_client.notice_text.values import calendar_text
from agency_client.references import received_notice
from comity.errors import MalformedInput
from comity.v1.notices_pb2 import Confidentiality, Handling, HandlingCode, Pap, Tlp


def handling_head(held: HeldNotice, terms: Iterable[str], safe: Safe) -> list[str]:
    """What stands on top of a file: what holds for it, whose it is, and what a recall demands."""
    handling = received_notice(held).handling
    whom = ", ".join(sorted(terms))
    return [
        f"HANDLING: {'; '.join(_codes(handling, safe)) or 'none stated'}",
        f"Copy of notice {held.notice_id} of {held.originator}"
        f"{f', for {whom}' if whom else ', for this agency alone'}.",
        f"Keep no copy after {calendar_text(handling.retain_until)}."
        if handling.HasField("retain_until")
        else "Keep no copy longer than the notice stands.",
        "It is to be deleted when the notice ends or is recalled.",
        "",
    ]


def _codes(handling: Handling, safe: Safe) -> list[str]:
    said = [code_words(HandlingCode.DESCRIPTOR, code).upper() for code in handling.codes]
    for enum, value in (
        (Tlp, handling.tlp),
        (Pap, handling.pap),
        (Confidentiality, handling.confidentiality),
    ):
        if value:
            said.append(code_words(enum.DESCRIPTOR, value).upper())
    return [*said, safe(handling.restrictions)] if handling.restrictions else said


def write_private(path: Path, lines: Iterable[str]) -> None:
    """Writes lines as a file for its owner alone; one that exists is left as it is.

    Raises: MalformedInput.
    """
    try:
        opener = partial(os.open, mode=PRIVATE_MODE)
        with open(path, "x", encoding="utf-8", opener=opener) as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise MalformedInput(f"{path} cannot be written: {error.strerror}.") from error
