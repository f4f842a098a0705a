"""`comity import un-list`: brings what the agency has published up to an edition of the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agency_client.agency import Agency
from agency_client.inbox import KeptSubmission
from agency_client.locks import IMPORT_LOCK, held_alone
from agency_client.signing import ActSigner
from agency_client.submission import Outcome, Submitting, published_acts
from agency_client.un_list import (
    ImportPlan,
    IssueTerms,
    PublishedListing,
    load_list,
    plan_import,
    require_not_older,
)
from comity.acts import WITHDRAWAL
from comity.v1.acts_pb2 import WITHDRAWAL_REASON_DELISTED, AddressingRule, SubmitActsRequest
from comity.v1.notices_pb2 import Traffic

SOURCE = "un-list"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to."""

    plan: ImportPlan
    outcomes: Sequence[Outcome]


async def import_un_list(
    agency: Agency,
    path: Path,
    *,
    terms: IssueTerms,
    rule: AddressingRule,
    make_plan: Callable[..., ImportPlan] = plan_import,
    on_start: Callable[[ImportPlan], None] = lambda _: None,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
) -> ImportReport:
    """Publishes what is new or changed in an edition and withdraws what is no longer listed.

    `make_plan` is `plan_import`, or `plan_mass_delisting` where somebody has seen that the list is
    complete. What an earlier import left unanswered is sent first, so that the plan rests on what
    is published.

    One import at a time: what is published is not known before the one under way has ended.

    Raises: ListInvalid with everything at fault; MalformedInput where another import is under way;
    HubUnavailable, and then the same call goes on.
    """
    edition = load_list(path)
    submitting = Submitting(agency)
    source = _source(terms.traffic)
    with held_alone(agency.profile, IMPORT_LOCK):
        await submitting.send_kept()
        require_not_older(edition, previous_edition=agency.inbox.sent.find_edition(source))
        plan = make_plan(
            edition.subjects,
            published=published_listings(agency.inbox.sent.list_of_source(source)),
            terms=terms,
            new_notice_id=agency.new_id,
        )
        on_start(plan)
        requests = _requests(agency.signer(), plan, rule)
        outcomes = await submitting.send_each(requests, source=source, on_outcome=on_outcome)
        if not any(outcome.error for outcome in outcomes):
            agency.inbox.sent.save_edition(source, edition.generated_at)
    return ImportReport(plan, outcomes)


def _source(traffic: Traffic.ValueType) -> str:
    """Live and exercise traffic have nothing to do with each other, in an import either."""
    return f"{SOURCE}/{Traffic.Name(traffic)}"


def published_listings(submissions: Sequence[KeptSubmission]) -> list[PublishedListing]:
    """The latest version of every notice from the list that was not withdrawn."""
    latest: dict[str, PublishedListing] = {}
    for act in published_acts(submissions):
        if act.kind == WITHDRAWAL:
            latest.pop(act.notice_id, None)
        else:
            latest[act.notice_id] = PublishedListing(act.act.version.notice, act.digest)
    return list(latest.values())


def _requests(signer: ActSigner, plan: ImportPlan, rule: AddressingRule) -> list[SubmitActsRequest]:
    requests = [signer.first_version(notice, rule) for notice in plan.new]
    requests += [signer.later_version(notice) for notice in plan.changed]
    requests += [
        signer.withdrawal(
            listing.notice.notice_id, listing.version_digest, reason=WITHDRAWAL_REASON_DELISTED
        )
        for listing in plan.delisted
    ]
    return requests
