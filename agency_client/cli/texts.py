"""Words that an officer gives on the command line: in one language, or `CODE=TEXT` in several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from comity.v1.notices_pb2 import LocalizedText

_TAGGED = re.compile(r"([a-z]{2,3}(?:-[A-Z][a-z]{3})?)=(.*)", re.DOTALL)

LanguageOption = Annotated[
    str, typer.Option(metavar="CODE", help="The language of words that name none (CODE=TEXT).")
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="AGENCY",
        help="The notice's originator, where the id alone does not say.",
        show_default=False,
    ),
]


def localized(option: str, texts: Sequence[str] | None, language: str) -> list[LocalizedText]:
    """Texts as options have them; the first is the original. An empty or doubled one is a usage
    error."""
    from comity.v1.notices_pb2 import LocalizedText

    found: list[LocalizedText] = []
    for text in texts or ():
        tagged = _TAGGED.fullmatch(text)
        code, words = (tagged[1], tagged[2]) if tagged else (language, text)
        if not words.strip():
            raise typer.BadParameter(f"{option}: says nothing.")
        if any(one.language == code for one in found):
            raise typer.BadParameter(f"{option}: two texts in {code!r}; CODE=TEXT names another.")
        found.append(LocalizedText(language=code, text=words, original=not found))
    return found


def stated_time(option: str, text: str) -> datetime:
    """A time as RFC 3339 with its offset, or a day, which ends at midnight UTC.

    What is neither is a usage error.
    """
    from datetime import UTC, datetime, time

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        said = f"{option}: {text!r} is no time such as 2027-05-01 or 2027-05-01T12:00:00Z."
        raise typer.BadParameter(said) from None
    if "T" not in text and " " not in text:
        return datetime.combine(moment.date(), time(23, 59, 59), tzinfo=UTC)
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{option}: {text!r} says no offset; Z is UTC.")
    return moment


def stated_agency(originator: str | None) -> str | None:
    """What --from names; a usage error where it is no agency."""
    from agency_client.cli.application import argument
    from comity.identity import parse_agency_id

    return None if originator is None else argument("--from", originator, parse_agency_id)
