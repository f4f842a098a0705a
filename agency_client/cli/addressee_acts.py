"""`comity notice acknowledge`, `flag`, `in-custody`: what an addressee says about a notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import (
    IdArgument,
    JsonOption,
    ProfileOption,
    command,
    notice_app,
    opened_agency,
)
from agency_client.cli.submitting import ReceiptOption, report_receipted
from agency_client.cli.texts import (
    FromOption,
    LanguageOption,
    localized,
    stated_agency,
    stated_time,
)

if TYPE_CHECKING:
    from agency_client.act_signing import NoticeReference
    from agency_client.agency import Agency
    from agency_client.signing import ActSigner
    from comity.v1.acts_pb2 import SubmitActsRequest

MAX_REFERENCE_CHARS = 256  # a number of the holding authority's, not a report


@notice_app.command()
@command
async def acknowledge(
    notice_id: IdArgument,
    originator: FromOption = None,
    remark: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Words for the originator.", show_default=False),
    ] = None,
    language: LanguageOption = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Tell the originator that an officer has read a notice. Needs a log-in."""
    remarks = localized("--remark", remark, language)
    await _send(
        notice_id,
        originator,
        lambda signer, notice: signer.acknowledgement(notice, remarks=remarks),
        receipt=receipt,
        profile=profile,
        json=json,
    )


@notice_app.command()
@command
async def flag(
    notice_id: IdArgument,
    originator: FromOption = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Why it is not executable here.", show_default=False),
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="It is executable here again.")] = False,
    language: LanguageOption = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Tell the originator that a notice is not executable here, for the agency's own posts."""
    reasons = localized("--reason", reason, language)
    if not lift and not reasons:
        raise typer.BadParameter("--reason has to say why it is not executable here.")
    await _send(
        notice_id,
        originator,
        lambda signer, notice: signer.flag(notice, not_executable=not lift, reason=reasons),
        receipt=receipt,
        profile=profile,
        json=json,
    )


@notice_app.command("in-custody")
@command
async def in_custody(
    notice_id: IdArgument,
    originator: FromOption = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Since when; now where it is not given.", show_default=False
        ),
    ] = None,
    reference: Annotated[
        str, typer.Option(metavar="NUMBER", help="The holding authority's own number.")
    ] = "",
    released: Annotated[
        bool, typer.Option("--released", help="Nobody is held on it any longer.")
    ] = False,
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Tell the originator that somebody is held on a notice. 'comity run' alarms when it ends."""
    if released and (since is not None or reference):
        raise typer.BadParameter("--released goes without --since and --reference.")
    if len(reference) > MAX_REFERENCE_CHARS:
        raise typer.BadParameter(f"--reference is longer than {MAX_REFERENCE_CHARS} characters.")
    from comity.times import utc_now

    moment = None if since is None else stated_time("--since", since)

    await _send(
        notice_id,
        originator,
        lambda signer, notice: signer.custody(
            notice, since=None if released else moment or utc_now(), reference=reference
        ),
        receipt=receipt,
        profile=profile,
        json=json,
        ends_custody=released,
    )


def _held_on(agency: Agency, notice_id: str, named: str | None) -> NoticeReference | None:
    """The notice as it was when somebody was held on it: by now it may be erased."""
    from agency_client.act_signing import NoticeReference
    from agency_client.custody import open_custodies

    found = [
        NoticeReference(owner, notice_id, body.version_digest)
        for (owner, held_id), body in open_custodies(agency).items()
        if held_id == notice_id and named in (None, owner)
    ]
    return found[0] if len(found) == 1 else None


async def _send(
    notice_id: str,
    originator: str | None,
    sign: Callable[[ActSigner, NoticeReference], SubmitActsRequest],
    *,
    receipt: Path | None,
    profile: str | None,
    json: bool,
    ends_custody: bool = False,
) -> None:
    from agency_client.references import find_reference
    from agency_client.submission import Submitting, saying_that_nothing_is_kept

    named = stated_agency(originator)
    async with opened_agency(profile) as agency:
        with saying_that_nothing_is_kept():
            held = _held_on(agency, notice_id, named) if ends_custody else None
            notice = held or await find_reference(agency, notice_id, named)
            signer = await agency.officer_signer()
        receipted = await Submitting(agency).send(sign(signer, notice))
    report_receipted([receipted], json=json, to=None, receipt=receipt)
