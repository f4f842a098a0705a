"""What an originator does to a notice later on: `comity notice correct`, `addendum`, `extend`,
`suspend`, `resume`, `withdraw`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from agency_client.cli.texts import LanguageOption, localized, stated_time

if TYPE_CHECKING:
    from agency_client.act_signing import NoticeReference
    from agency_client.signing import ActSigner
    from comity.v1.acts_pb2 import SubmitActsRequest
    from comity.v1.notices_pb2 import Warning

REASONS = "purpose-achieved, legal-basis-ended, issued-in-error, delisted, other"
_WARNINGS = "dangerous, armed, violent, escape-risk, suicidal, health"
ReasonOption = Annotated[
    list[str],
    typer.Option("--reason", metavar="TEXT", help="Why; CODE=TEXT in further languages."),
]


@notice_app.command()
@command
async def correct(
    notice_id: IdArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new content, as JSON.")],
    change: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="What is corrected, and why; CODE=TEXT in further languages.",
            show_default=False,
        ),
    ] = None,
    language: LanguageOption = "en",
    announce: Annotated[
        bool,
        typer.Option("--announce", help="Addressees may know that a request is in review."),
    ] = False,
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Publish a new version of a notice. Its addressees stay."""
    from agency_client.drafts import faults_under, load_draft
    from agency_client.submission import Submitting, saying_that_nothing_is_kept
    from comity.errors import LegalMinimumMissing, NoticeInvalid

    changes = localized("--change", change, language)
    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        with saying_that_nothing_is_kept():
            latest = await submitting.fetch_latest(notice_id)
            signer = await agency.officer_signer()
        draft = load_draft(file, traffic=latest.act.version.notice.traffic)
        try:
            request = signer.next_version(
                draft.notice, latest, changes=changes, announces_processing=announce
            )
        except (NoticeInvalid, LegalMinimumMissing) as error:
            faults = faults_under(draft.source, error)
            raise type(error)("Nothing was sent.", violations=faults) from error
        receipted = await submitting.send(request)
    report_receipted([receipted], json=json, to=None, receipt=receipt)


notice_app.command("revise", hidden=True)(correct)  # as it was called first


@notice_app.command()
@command
async def addendum(
    notice_id: IdArgument,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="What is to be added.", show_default=False),
    ] = None,
    warning: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help=f"One of {_WARNINGS}.", show_default=False),
    ] = None,
    language: LanguageOption = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Add something to the version in force, which stays as it is."""
    texts, warnings = localized("--text", text, language), _warnings(warning or ())
    if not texts and not warnings:
        raise typer.BadParameter("--text or --warning has to say what is to be added.")
    await _send(
        notice_id,
        lambda signer, notice: signer.addendum(notice, texts=texts, warnings=warnings),
        receipt=receipt,
        profile=profile,
        json=json,
    )


def _warnings(names: Sequence[str]) -> list[Warning]:
    from comity.v1.notices_pb2 import Warning, WarningCode

    found = []
    for name in names:
        code = f"WARNING_CODE_{name.upper().replace('-', '_')}"
        if code not in WarningCode.keys()[1:] or name == "other":
            raise typer.BadParameter(f"--warning: {name!r} is none of {_WARNINGS}.")
        found.append(Warning(code=WarningCode.Value(code)))
    return found


@notice_app.command()
@command
async def extend(
    notice_id: IdArgument,
    until: Annotated[
        str, typer.Option(metavar="TIME", help="A day, or a time as RFC 3339 with its offset.")
    ],
    reason: ReasonOption,
    language: LanguageOption = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Let a notice stand longer."""
    expires_at = stated_time("--until", until)
    texts = localized("--reason", reason, language)
    await _send(
        notice_id,
        lambda signer, notice: signer.extension(notice, expires_at=expires_at, reason=texts),
        receipt=receipt,
        profile=profile,
        json=json,
    )


@notice_app.command()
@command
async def suspend(
    notice_id: IdArgument,
    reason: ReasonOption,
    language: LanguageOption = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Nobody may act on a notice until it is resumed."""
    texts = localized("--reason", reason, language)
    await _send(
        notice_id,
        lambda signer, notice: signer.suspension(notice, reason=texts),
        receipt=receipt,
        profile=profile,
        json=json,
    )


@notice_app.command()
@command
async def resume(
    notice_id: IdArgument,
    reason: ReasonOption,
    language: LanguageOption = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Let a suspended notice stand again."""
    texts = localized("--reason", reason, language)
    await _send(
        notice_id,
        lambda signer, notice: signer.resumption(notice, reason=texts),
        receipt=receipt,
        profile=profile,
        json=json,
    )


@notice_app.command()
@command
async def withdraw(
    notice_id: IdArgument,
    reason: Annotated[
        str,
        typer.Option(metavar="REASON", help=f"One of {REASONS}."),
    ],
    details: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Which other reason; further words.", show_default=False),
    ] = None,
    language: LanguageOption = "en",
    receipt: ReceiptOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """End a notice: nobody may act on it any longer, and its copies are recalled."""
    from comity.v1.acts_pb2 import WithdrawalReason

    code = f"WITHDRAWAL_REASON_{reason.upper().replace('-', '_')}"
    if code not in WithdrawalReason.keys()[1:]:
        raise typer.BadParameter(f"--reason: {reason!r} is none of {REASONS}.")
    texts = localized("--details", details, language)
    await _send(
        notice_id,
        lambda signer, notice: signer.withdrawal(
            notice_id,
            notice.version_digest,
            reason=WithdrawalReason.Value(code),
            details=texts,
        ),
        receipt=receipt,
        profile=profile,
        json=json,
        is_over_latest=True,
    )


async def _send(
    notice_id: str,
    sign: Callable[[ActSigner, NoticeReference], SubmitActsRequest],
    *,
    receipt: Path | None,
    profile: str | None,
    json: bool,
    is_over_latest: bool = False,
) -> None:
    """Signs and sends an act over one's own notice: over the version in force, or the latest."""
    from agency_client.act_signing import NoticeReference
    from agency_client.submission import Submitting, saying_that_nothing_is_kept

    async with opened_agency(profile) as agency:
        submitting = Submitting(agency)
        fetch = submitting.fetch_latest if is_over_latest else submitting.fetch_in_force
        with saying_that_nothing_is_kept():
            version = await fetch(notice_id)
            signer = await agency.officer_signer()
        notice = NoticeReference(version.originator, notice_id, version.digest)
        receipted = await submitting.send(sign(signer, notice))
    report_receipted([receipted], json=json, to=None, receipt=receipt)
