"""What narrows a look-up: the same names in `find` and `export`, and codes as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from comity.v1.directory_pb2 import AuthorityFilter

TextArgument = Annotated[
    str, typer.Argument(help="What is known of the name, in any script.", show_default=False)
]
CountryOption = Annotated[list[str] | None, typer.Option(help="Such as BR; repeat.")]
CompetenceOption = Annotated[list[str] | None, typer.Option(help="Such as extradition; repeat.")]
InstrumentOption = Annotated[
    str, typer.Option("--for", help="Such as 'UNTOC 16'.", show_default=False)
]
SpokenOption = Annotated[list[str] | None, typer.Option(help="That is spoken there.")]
ChannelOption = Annotated[
    list[str] | None, typer.Option(help="By which requests are accepted, such as direct.")
]
FreshnessOption = Annotated[
    list[str] | None, typer.Option(help="fresh, due, stale or unverified; repeat.")
]
ReachableOption = Annotated[bool, typer.Option("--reachable", help="Now.")]


def filter_from(
    text: str,
    *,
    country: Sequence[str] | None,
    competence: Sequence[str] | None,
    instrument: str,
    language: Sequence[str] | None,
    channel: Sequence[str] | None,
    freshness: Sequence[str] | None,
    reachable: bool,
) -> AuthorityFilter:
    """What was typed as the contract has it; empty where nothing was."""
    from comity.v1.authorities_pb2 import Channel, Freshness
    from comity.v1.directory_pb2 import AuthorityFilter

    code, article = instrument_from(instrument)
    return AuthorityFilter(
        countries=country or (),
        competences=[competence_from(each) for each in competence or ()],
        instrument=code,
        article=article,
        languages=language or (),
        channels=[code_from(each, Channel, "CHANNEL_") for each in channel or ()],
        freshness=[code_from(each, Freshness, "FRESHNESS_") for each in freshness or ()],
        reachable_now=reachable,
        text=text,
    )


def instrument_from(text: str) -> tuple[str, str]:
    """Instrument and article of such as 'UNTOC 16'."""
    code, _, article = text.strip().partition(" ")
    return code.upper(), article.strip()


def competence_from(text: str) -> Any:
    """A competence by its name, with hyphens or spaces."""
    from comity.v1.authorities_pb2 import Competence

    return code_from(text, Competence, "COMPETENCE_")


def purpose_from(text: str) -> Any:
    """A purpose by its name; none for nothing."""
    from comity.v1.ledger_pb2 import LookUpPurpose

    return code_from(text, LookUpPurpose, "LOOK_UP_PURPOSE_") if text else 0


def code_from(text: str, codes: Any, prefix: str) -> Any:
    """A code of the contract by its name, with hyphens or spaces."""
    name = text.strip().upper().replace("-", "_").replace(" ", "_")
    known = {each.removeprefix(prefix): number for each, number in codes.items() if number}
    if name not in known:
        names = ", ".join(each.lower().replace("_", "-") for each in known)
        raise typer.BadParameter(f"{text!r} is not one of {names}.")
    return known[name]
