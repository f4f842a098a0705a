"""`comity import un-list` against a served hub: one at a time, and what is done by hand between."""

from __future__ import annotations

import pytest

from agency_client.agency import Agency
from agency_client.importing import ImportReport, import_un_list
from agency_client.locks import IMPORT_LOCK, held_alone
from agency_client.submission import Submitting
from agency_client.un_list import IssueTerms
from comity.errors import MalformedInput
from comity.v1 import acts_pb2
from deploy.stage import EXAMPLES

SAMPLE = EXAMPLES / "un-list-sample.xml"
LISTED = 39


async def import_sample(agency: Agency) -> ImportReport:
    terms = IssueTerms.exercise(agency.clock())
    rule = acts_pb2.AddressingRule(agencies=["BR-NCB"])
    return await import_un_list(agency, SAMPLE, terms=terms, rule=rule)


async def test_a_second_import_is_refused_while_one_is_under_way(kenya: Agency) -> None:
    before = len(kenya.inbox.sent.list_submissions())

    with (
        held_alone(kenya.profile, IMPORT_LOCK),
        pytest.raises(MalformedInput, match="Another import"),
    ):
        await import_sample(kenya)

    assert before == len(kenya.inbox.sent.list_submissions())


async def test_what_was_withdrawn_by_hand_is_published_anew_while_it_is_listed(
    kenya: Agency,
) -> None:
    first = await import_sample(kenya)
    assert (len(first.plan.new), len(first.plan.unchanged)) == (LISTED, 0)
    notice_id = first.plan.new[0].notice_id
    latest = await Submitting(kenya).fetch_latest(notice_id)
    withdrawal = kenya.signer().withdrawal(
        notice_id, latest.digest, reason=acts_pb2.WITHDRAWAL_REASON_ISSUED_IN_ERROR
    )
    await Submitting(kenya).send(withdrawal)

    second = await import_sample(kenya)

    assert [first.plan.new[0].case_reference] == [n.case_reference for n in second.plan.new]
    assert len(second.plan.unchanged) == LISTED - 1
    assert not any(outcome.error for outcome in second.outcomes)
