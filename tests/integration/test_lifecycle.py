"""A notice from its first version to its withdrawal: what follows what, and who sees it."""

from __future__ import annotations

import pytest

from agency_client.agency import Agency
from comity.errors import (
    AddressingInvalid,
    AddressingNarrowed,
    IdReused,
    MalformedInput,
    NotFound,
    NoticeInvalid,
    NoticeWithdrawn,
    NotLatestVersion,
)
from comity.v1 import acts_pb2, events_pb2, notices_pb2
from tests.integration.drafts import Draft, new_id


async def test_a_next_version_goes_to_whom_the_first_was_addressed(
    france: Agency, brazil: Agency, kenya: Agency, draft: Draft
) -> None:
    await france.client.submit_acts(draft.acts())
    draft.notice.case_reference = "SAMPLE-2"

    await france.client.submit_acts([draft.next_version()])

    record = await brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
    act = acts_pb2.Act.FromString(record.version.envelope.payload)
    assert (act.version.notice.version, act.version.notice.case_reference) == (2, "SAMPLE-2")
    with pytest.raises(NotFound):
        await kenya.client.get_notice("FR-NCB", draft.notice.notice_id)


async def test_a_version_that_does_not_follow_the_latest_is_refused(
    france: Agency, draft: Draft
) -> None:
    await france.client.submit_acts(draft.acts())
    first = draft.digest
    await france.client.submit_acts([draft.next_version()])

    draft.digest = first
    draft.notice.version = 1
    with pytest.raises(NotLatestVersion):
        await france.client.submit_acts([draft.next_version()])
    with pytest.raises(NotLatestVersion):  # skips one
        await france.client.submit_acts([draft.next_version()])


async def test_a_first_version_of_a_known_notice_is_refused(france: Agency, draft: Draft) -> None:
    await france.client.submit_acts(draft.acts())

    draft.header.act_id = new_id()
    with pytest.raises(IdReused):
        await france.client.submit_acts(draft.acts())


async def test_a_next_version_keeps_kind_and_traffic(france: Agency, draft: Draft) -> None:
    await france.client.submit_acts(draft.acts())

    draft.notice.traffic = notices_pb2.TRAFFIC_EXERCISE
    with pytest.raises(NoticeInvalid, match="traffic"):
        await france.client.submit_acts([draft.next_version()])


async def test_a_withdrawn_notice_shows_so_and_takes_no_further_act(
    france: Agency, brazil: Agency, draft: Draft
) -> None:
    await france.client.submit_acts(draft.acts())

    await france.client.submit_acts([draft.withdrawal()])

    record = await brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
    assert record.state == events_pb2.NOTICE_STATE_WITHDRAWN
    with pytest.raises(NoticeWithdrawn):
        await france.client.submit_acts([draft.withdrawal()])
    with pytest.raises(NoticeWithdrawn):
        await france.client.submit_acts([draft.next_version()])


async def test_a_withdrawal_of_an_older_version_is_refused(france: Agency, draft: Draft) -> None:
    await france.client.submit_acts(draft.acts())
    stale = draft.withdrawal()
    await france.client.submit_acts([draft.next_version()])

    with pytest.raises(NotLatestVersion):
        await france.client.submit_acts([stale])


async def test_a_withdrawal_without_a_reason_is_refused(france: Agency, draft: Draft) -> None:
    await france.client.submit_acts(draft.acts())

    with pytest.raises(MalformedInput, match="reason"):
        await france.client.submit_acts([draft.withdrawal(acts_pb2.WITHDRAWAL_REASON_UNSPECIFIED)])
    with pytest.raises(MalformedInput, match="details"):
        await france.client.submit_acts([draft.withdrawal(acts_pb2.WITHDRAWAL_REASON_OTHER)])


@pytest.mark.threat("T12")
async def test_nobody_acts_on_anothers_notice(france: Agency, brazil: Agency, draft: Draft) -> None:
    await france.client.submit_acts(draft.acts())
    foreign = Draft(brazil.profile.load_signing_keys())
    foreign.header.originator = "BR-NCB"
    foreign.notice.CopyFrom(draft.notice)
    foreign.digest = draft.digest

    with pytest.raises(NotFound):
        await brazil.client.submit_acts([foreign.withdrawal()])
    with pytest.raises(NotFound):
        await brazil.client.submit_acts([foreign.addressing()])
    with pytest.raises(NotFound):
        await brazil.client.submit_acts([foreign.next_version()])


@pytest.mark.threat("T12")
async def test_the_same_id_of_two_originators_is_two_notices(
    france: Agency, brazil: Agency, draft: Draft
) -> None:
    await france.client.submit_acts(draft.acts())
    foreign = Draft(brazil.profile.load_signing_keys())
    foreign.header.originator = "BR-NCB"
    foreign.notice.notice_id = draft.notice.notice_id
    foreign.rule = acts_pb2.AddressingRule(countries=["KE"])

    answer = await brazil.client.submit_acts(foreign.acts())

    assert not answer.duplicate


async def test_a_wider_addressing_shows_the_notice_to_whom_it_adds(
    france: Agency, kenya: Agency, draft: Draft
) -> None:
    await france.client.submit_acts(draft.acts())

    draft.rule = acts_pb2.AddressingRule(agencies=["BR-NCB"], countries=["KE"])
    await france.client.submit_acts([draft.addressing()])

    record = await kenya.client.get_notice("FR-NCB", draft.notice.notice_id)
    assert record.state == events_pb2.NOTICE_STATE_PUBLISHED
    assert not record.HasField("addressing")  # who else is addressed is the originator's to tell


@pytest.mark.threat("T15")
async def test_a_narrower_addressing_is_refused_and_changes_nothing(
    france: Agency, brazil: Agency, draft: Draft
) -> None:
    draft.rule = acts_pb2.AddressingRule(all_members=True)
    await france.client.submit_acts(draft.acts())

    draft.rule = acts_pb2.AddressingRule(countries=["KE"])
    with pytest.raises(AddressingNarrowed):
        await france.client.submit_acts([draft.addressing()])
    draft.rule = acts_pb2.AddressingRule(all_members=True, except_agencies=["BR-NCB"])
    with pytest.raises(AddressingNarrowed):
        await france.client.submit_acts([draft.next_version(), draft.addressing()])

    record = await brazil.client.get_notice("FR-NCB", draft.notice.notice_id)
    assert acts_pb2.Act.FromString(record.version.envelope.payload).version.notice.version == 1


async def test_an_addressing_over_an_older_version_is_refused(france: Agency, draft: Draft) -> None:
    await france.client.submit_acts(draft.acts())
    draft.rule = acts_pb2.AddressingRule(all_members=True)
    stale = draft.addressing()
    await france.client.submit_acts([draft.next_version()])

    with pytest.raises(AddressingInvalid, match="version_digest"):
        await france.client.submit_acts([stale])


@pytest.mark.threat("T15")
async def test_who_would_join_later_cannot_be_left_out_afterwards(
    france: Agency, draft: Draft
) -> None:
    draft.rule = acts_pb2.AddressingRule(all_members=True, and_later_members=True)
    await france.client.submit_acts(draft.acts())

    agencies = ["BR-NCB", "KE-NCB", "ZZ-HUB"]  # all who are members now, and nobody who joins
    draft.rule = acts_pb2.AddressingRule(agencies=agencies, and_later_members=True)
    with pytest.raises(AddressingNarrowed):
        await france.client.submit_acts([draft.addressing()])
    draft.rule = acts_pb2.AddressingRule(all_members=True)
    with pytest.raises(AddressingNarrowed):
        await france.client.submit_acts([draft.addressing()])
