"""`comity release ask`, `decide`, `list`: restrictions lifted by a notice's originator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    IdArgument,
    JsonOption,
    ProfileOption,
    command,
    opened_agency,
    release_app,
)
from agency_client.cli.output import json_from, safe, say, write, write_json
from agency_client.cli.submitting import report_receipted
from agency_client.cli.texts import (
    FromOption,
    LanguageOption,
    localized,
    stated_agency,
    stated_time,
)

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from comity.acts import ParsedAct


@release_app.command()
@command
async def ask(
    notice_id: IdArgument,
    reason: Annotated[
        list[str], typer.Option(metavar="TEXT", help="Why; CODE=TEXT in further languages.")
    ],
    originator: FromOption = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TERM",
            help="An agency or country to pass the notice on to.",
            show_default=False,
        ),
    ] = None,
    judicial_use: Annotated[
        bool, typer.Option("--judicial-use", help="For use in judicial proceedings.")
    ] = False,
    language: LanguageOption = "en",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a notice's originator to lift a restriction."""
    from agency_client.references import find_reference
    from agency_client.submission import Submitting, saying_that_nothing_is_kept

    named, terms = stated_agency(originator), stated_terms("--to", to or ())
    texts = localized("--reason", reason, language)
    if not terms and not judicial_use:
        raise typer.BadParameter("--to or --judicial-use has to say what it is for.")
    async with opened_agency(profile) as agency:
        with saying_that_nothing_is_kept():
            notice = await find_reference(agency, notice_id, named)
            signer = await agency.officer_signer()
        request = signer.release_request(
            notice, onward_to=terms, judicial_use=judicial_use, reason=texts
        )
        receipted = await Submitting(agency).send(request)
    report_receipted([receipted], json=json, to=None, receipt=None)


def stated_terms(option: str, texts: list[str] | tuple[str, ...]) -> list[str]:
    """Agencies and countries, also divided by commas; anything else is a usage error."""
    from comity.identity import is_agency_id, is_country_code

    terms = [part.strip() for text in texts for part in text.split(",")]
    wrong = [term for term in terms if not is_agency_id(term) and not is_country_code(term)]
    if wrong:
        said = ", ".join(repr(term) for term in wrong)
        raise typer.BadParameter(f"{option}: {said} is no agency id or country code.")
    return terms


@release_app.command()
@command
async def decide(
    notice_id: IdArgument,
    request_act: Annotated[
        str, typer.Argument(metavar="REQUEST", help="The request, as 'release list' names it.")
    ],
    grant: Annotated[
        bool | None, typer.Option("--grant/--refuse", help="Which of both.", show_default=False)
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="What holds for the release; where it is refused, why.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The release is valid until then.", show_default=False),
    ] = None,
    language: LanguageOption = "en",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Grant or refuse what an addressee of one's own notice has asked for."""
    from agency_client.act_signing import NoticeReference
    from agency_client.submission import Submitting, saying_that_nothing_is_kept

    if grant is None:
        raise typer.BadParameter("say --grant or --refuse.")
    conditions = localized("--condition", condition, language)
    if not grant and not conditions:
        raise typer.BadParameter("--condition has to say why it is refused.")
    valid_until = None if until is None else stated_time("--until", until)
    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        with saying_that_nothing_is_kept():
            asked = await _find_request(agency, notice_id, request_act)
            version = await submitting.fetch_in_force(notice_id)
            signer = await agency.officer_signer()
        request = signer.release_decision(
            NoticeReference(version.originator, notice_id, version.digest),
            requested_by=asked.originator,
            request_act_id=asked.act_id,
            granted=grant,
            conditions=conditions,
            valid_until=valid_until,
        )
        receipted = await submitting.send(request)
    report_receipted([receipted], json=json, to=None, receipt=None)


async def _find_request(agency: Agency, notice_id: str, act_id: str) -> ParsedAct:
    """A request for release, as it was received, else as the hub has it. Raises: NotFound."""
    from agency_client.held import find_standing
    from comity.acts import RELEASE_REQUEST, parse_act
    from comity.errors import NotFound

    own = agency.profile.agency
    heard = find_standing(agency, own, notice_id).of_kind(RELEASE_REQUEST)
    found = [act for act in heard if act.act_id == act_id]
    if not found:
        records = await agency.client.list_notice_acts(own, notice_id)
        acts = [parse_act(record.envelope) for record in records]
        found = [a for a in acts if a.kind == RELEASE_REQUEST and a.act_id == act_id]
    if not found:
        raise NotFound("Nobody has asked for such a release: 'comity release list' names them.")
    return found[0]


@release_app.command("list")
@command
async def list_releases(
    notice_id: IdArgument,
    originator: FromOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """List what was asked for about a notice, and what was decided; asks the hub."""
    from agency_client.references import find_received
    from comity.acts import RELEASE_DECISION, RELEASE_REQUEST, parse_act

    named = stated_agency(originator)
    async with opened_agency(profile) as agency:
        held = find_received(agency, notice_id, named)
        owner = named or (agency.profile.agency if held is None else held.originator)
        records = await agency.client.list_notice_acts(owner, notice_id)
    acts = [parse_act(record.envelope) for record in records]
    decided = {act.body.request_act_id: act for act in acts if act.kind == RELEASE_DECISION}
    asked = [act for act in acts if act.kind == RELEASE_REQUEST]
    for one in asked:
        if json:
            write_json(_document(one, decided.get(one.act_id)))
        else:
            write(_line(one, decided.get(one.act_id)))
    if not asked and not json:
        say("(nothing was asked for)")


def _document(asked: ParsedAct, decided: ParsedAct | None) -> dict[str, Any]:
    return {
        "request": asked.act_id,
        "by": asked.originator,
        "state": _state(decided).upper(),
        "asked": json_from(asked.body),
        **({} if decided is None else {"decided": json_from(decided.body)}),
    }


def _state(decided: ParsedAct | None) -> str:
    if decided is None:
        return "open"
    return "granted" if decided.body.granted else "refused"


def _line(asked: ParsedAct, decided: ParsedAct | None) -> str:
    what = [*asked.body.onward_to, *(["judicial use"] if asked.body.judicial_use else [])]
    why = "; ".join(safe(text.text) for text in asked.body.reason)
    words = "; ".join(safe(text.text) for text in decided.body.conditions) if decided else ""
    said = f"{_state(decided)}{f' ({words})' if words else ''}"
    return f"{asked.act_id}  {asked.originator}  for {', '.join(what)}: {why}  [{said}]"
