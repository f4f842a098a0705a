"""`comity review list`, `take`, `show`, `decide`, `statistics`: the hub's second pair of eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import (
    ExerciseOption,
    JsonOption,
    ProfileOption,
    command,
    opened_agency,
    require_notice_id,
    review_app,
)
from agency_client.cli.output import json_from, safe, say, write, write_json

if TYPE_CHECKING:
    from datetime import datetime

    from comity.v1.events_pb2 import ReviewElement, ReviewFindings
    from comity.v1.reviews_pb2 import GetReviewResponse, Review, ReviewCount

OUTCOMES = "publish, return, refuse"
GROUNDS = (
    "insufficient-severity, excluded-offence, excluded-character, no-valid-legal-basis, "
    "insufficient-facts, identity-insufficient, duplicate, disproportionate, not-in-conformity"
)


def _review_id(text: str) -> str:
    return require_notice_id(text, "a review's id")


ReviewArgument = Annotated[
    str, typer.Argument(metavar="REVIEW", help="The review's id.", callback=_review_id)
]


@review_app.command("list")
@command
async def list_reviews(
    every: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    exercise: ExerciseOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """List what waits, the most urgent first, with its age and deadline."""
    from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, TRAFFIC_LIVE

    traffic = TRAFFIC_EXERCISE if exercise else TRAFFIC_LIVE
    async with opened_agency(profile) as agency:
        found = await agency.client.reviews.list(traffic=traffic, with_decided=every)
        now = agency.clock()
    for one in found:
        if json:
            write_json(one)
        else:
            write(_line(one, now))
    if not found and not json:
        say("(nothing waits)")


def _line(review: Review, now: datetime) -> str:
    from agency_client.field_text import code_words
    from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, NoticeKind, Urgency

    kind = code_words(NoticeKind.DESCRIPTOR, review.kind).upper()
    urgency = code_words(Urgency.DESCRIPTOR, review.urgency)
    mark = "EXERCISE  " if review.traffic == TRAFFIC_EXERCISE else ""
    notice = f"{safe(review.originator)} {safe(review.notice_id)} version {review.version}"
    return f"{mark}{safe(review.review_id)}  {kind} {urgency}  {notice}  {_standing(review, now)}"


def _standing(review: Review, now: datetime) -> str:
    from agency_client.field_text import code_words
    from comity.times import datetime_from_timestamp
    from comity.v1.reviews_pb2 import ReviewBar

    standing = review.standing
    submitted = datetime_from_timestamp(standing.submitted_at)
    due = datetime_from_timestamp(standing.due_at)
    said = [f"{standing.reviewers_decided} of {standing.reviewers_needed} decided"]
    if submitted is not None:
        said.append(f"waits {int((now - submitted).total_seconds() // 3600)} h")
    if due is not None:
        late = "OVERDUE since" if due < now else "due"
        said.append(f"{late} {due:%Y-%m-%d %H:%M} UTC")
    if standing.lacks_reviewers:
        said.append("TOO FEW REVIEWERS may decide over it")
    if standing.is_after_publication:
        said.append("published already")
    said += [f"looked at by {safe(taking.display_name)}" for taking in review.takings]
    if review.bar:
        said.append(f"not yours: {code_words(ReviewBar.DESCRIPTOR, review.bar)}")
    return "; ".join(said)


@review_app.command()
@command
async def take(
    review_id: ReviewArgument, profile: ProfileOption = None, json: JsonOption = False
) -> None:
    """Tell the other reviewers that you look at it."""
    async with opened_agency(profile) as agency:
        review = await agency.client.reviews.take(review_id)
        now = agency.clock()
    if json:
        write_json(review)
    else:
        write(_line(review, now))


@review_app.command()
@command
async def show(
    review_id: ReviewArgument, profile: ProfileOption = None, json: JsonOption = False
) -> None:
    """Show a review: the whole notice, whom it goes to, and the questions to ask oneself."""
    async with opened_agency(profile) as agency:
        response = await agency.client.reviews.get(review_id)
        now = agency.clock()
    if json:
        write_json(response)
        return
    write(_line(response.review, now))
    write()
    if response.HasField("version"):
        _write_notice(response)
    else:
        write("(its content is erased)")
    if response.questions:
        write()
        write("To be asked, as no program can answer it:")
    for question in response.questions:
        write(f"  {safe(question.field)}: {safe(question.description)}")


def _write_notice(response: GetReviewResponse) -> None:
    from agency_client.addressing import rule_text
    from agency_client.notice_text import notice_lines
    from comity.acts import has_unknown_fields, parse_act

    version = parse_act(response.version.envelope)
    lines = notice_lines(
        version.act.version.notice,
        originator=version.originator,
        state="in force" if response.review.standing.is_after_publication else "in review",
        is_suspended=False,
        has_unknown_fields=has_unknown_fields(version.act),
        safe=safe,
    )
    for line in lines:
        write(line)
    for text in version.act.version.changes:
        write(f"corrected: {safe(text.text)}")
    for record in response.addenda:
        for text in parse_act(record.envelope).body.texts:
            write(f"addendum: {safe(text.text)}")
    if response.HasField("addressing"):
        write(f"addressed to: {safe(rule_text(parse_act(response.addressing.envelope).body.rule))}")


@review_app.command()
@command
async def decide(
    review_id: ReviewArgument,
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help=f"One of {OUTCOMES}.")],
    ground: Annotated[
        str | None,
        typer.Option(metavar="GROUND", help=f"Of a refusal: one of {GROUNDS}.", show_default=False),
    ] = None,
    element: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=TEXT",
            help="What is missing or insufficient ('warrants[0].number=is illegible').",
            show_default=False,
        ),
    ] = None,
    comment: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Words for the originator. Never name who protects somebody, nor that anybody "
            "is a refugee.",
        ),
    ] = "",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Decide over a notice. Where two reviewers are needed, the second that agrees counts."""
    findings = _findings(outcome, ground, element or [], comment)
    async with opened_agency(profile) as agency:
        review = await agency.client.reviews.decide(review_id, findings)
        now = agency.clock()
    if json:
        write_json(review)
    else:
        write(_line(review, now))


def _findings(
    outcome: str, ground: str | None, elements: list[str], comment: str
) -> ReviewFindings:
    """What the options say; wrong usage where they do not go together."""
    from comity.v1.events_pb2 import (
        REVIEW_OUTCOME_REFUSE,
        REVIEW_OUTCOME_RETURN,
        ReviewFindings,
        ReviewOutcome,
    )
    from comity.v1.ledger_pb2 import RefusalGround

    if outcome not in OUTCOMES.split(", "):
        raise typer.BadParameter(f"OUTCOME: {outcome!r} is none of {OUTCOMES}.")
    findings = ReviewFindings(
        outcome=ReviewOutcome.Value(f"REVIEW_OUTCOME_{outcome.upper()}"),
        elements=[_element(text) for text in elements],
        comment=comment,
    )
    if ground is not None and ground not in GROUNDS.split(", "):
        raise typer.BadParameter(f"--ground: {ground!r} is none of {GROUNDS}.")
    if (findings.outcome == REVIEW_OUTCOME_REFUSE) != (ground is not None):
        raise typer.BadParameter("--ground goes with a refusal, and a refusal needs one.")
    if findings.outcome == REVIEW_OUTCOME_RETURN and not elements:
        raise typer.BadParameter("--element has to name what is missing or insufficient.")
    if ground is not None:
        name = f"REFUSAL_GROUND_{ground.upper().replace('-', '_')}"
        findings.ground = RefusalGround.Value(name)
    return findings


def _element(text: str) -> ReviewElement:
    from comity.v1.events_pb2 import ReviewElement

    field, sign, words = text.partition("=")
    if not sign or not field.strip() or not words.strip():
        raise typer.BadParameter(f"--element: {text!r} is not FIELD=TEXT.")
    return ReviewElement(field=field.strip(), description=words.strip())


@review_app.command()
@command
async def statistics(
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Refusals and returns by ground, kind and agency, of the last four quarters that are over.

    Fewer than 5 are not told apart.
    """
    async with opened_agency(profile) as agency:
        found = await agency.client.reviews.statistics()
    if json:
        write_json(json_from(found))
        return
    since, until = found.since.ToJsonString()[:10], found.until.ToJsonString()[:10]
    say(f"Reviews that ended from {since} until before {until}")
    for row in found.counts:
        write(_count(row))
    if found.merged:
        write(f"{found.merged:>7}  in all that are fewer than 5")
    if not found.counts and not found.merged:
        say("(nothing that may be told)")


def _count(row: ReviewCount) -> str:
    from agency_client.field_text import code_words
    from comity.v1.events_pb2 import ReviewOutcome
    from comity.v1.ledger_pb2 import RefusalGround
    from comity.v1.notices_pb2 import NoticeKind

    words = [
        code_words(enum.DESCRIPTOR, value)
        for enum, value in (
            (ReviewOutcome, row.outcome),
            (RefusalGround, row.ground),
            (NoticeKind, row.kind),
        )
        if value
    ]
    words += [safe(row.originator)] if row.originator else []
    return f"{row.count:>7}  {', '.join(words) or 'all'}"
