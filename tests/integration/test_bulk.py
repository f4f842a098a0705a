"""SubmitBulk: an answer for every item, whatever was sent in its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from agency_client.agency import Agency
from comity.errors import ComityError, TooLarge
from comity.statuses import error_from_refusal
from comity.v1 import acts_pb2, errors_pb2, events_pb2
from tests.integration.drafts import Draft

MEBIBYTE = 1_048_576


def good(agency: Agency) -> bytes:
    acts = Draft(agency.profile.load_signing_keys()).acts()
    return acts_pb2.SubmitActsRequest(acts=acts).SerializeToString()


def in_invalid_utf8(agency: Agency) -> bytes:
    """A submission of the right form whose text is not UTF-8."""
    return good(agency).replace(b"application/vnd", b"application\xff\xfed")


def with_invalid_utf8_in_the_payload(agency: Agency) -> bytes:
    draft = Draft(agency.profile.load_signing_keys())
    request = acts_pb2.SubmitActsRequest(acts=draft.acts())
    request.acts[0].payload = request.acts[0].payload.replace(b"EXAMPLE", b"EX\xff\xfePLE")
    return request.SerializeToString()


async def answers_to(agency: Agency, *chunks: list[bytes]) -> dict[int, acts_pb2.BulkAnswer]:
    numbers = iter(range(10_000))

    async def messages() -> AsyncIterator[acts_pb2.SubmitBulkRequest]:
        for chunk in chunks:
            yield acts_pb2.SubmitBulkRequest(
                submissions=[
                    acts_pb2.BulkSubmission(number=next(numbers), request=item) for item in chunk
                ]
            )

    return {answer.number: answer async for answer in agency.client.submit_bulk(messages())}


@pytest.mark.threat("T04")
async def test_each_item_has_its_own_answer_and_a_bad_one_holds_up_no_other(
    france: Agency,
) -> None:
    spoilt = {
        1: (b"\xff" * 40, errors_pb2.REASON_MALFORMED),
        2: (in_invalid_utf8(france), errors_pb2.REASON_MALFORMED),
        3: (with_invalid_utf8_in_the_payload(france), errors_pb2.REASON_MALFORMED),
        4: (b"", errors_pb2.REASON_MALFORMED),
        5: (bytes(5 * MEBIBYTE), errors_pb2.REASON_TOO_LARGE),
    }
    items = [good(france), *(item for item, _ in spoilt.values()), good(france)]

    answers = await answers_to(france, items)

    assert list(range(7)) == list(answers)
    assert {0, 6} == {n for n, answer in answers.items() if answer.HasField("accepted")}
    assert {number: reason for number, (_, reason) in spoilt.items()} == {
        number: answers[number].refused.reason for number in spoilt
    }


async def test_answers_come_in_order_and_entries_too(france: Agency) -> None:
    chunks = [[good(france) for _ in range(5)] for _ in range(6)]

    answers = await answers_to(france, *chunks)

    assert list(range(30)) == list(answers)
    places = [answer.accepted.receipt.entry_index for answer in answers.values()]
    assert sorted(set(places)) == places


async def test_an_item_that_comes_twice_in_one_chunk_is_one_entry(france: Agency) -> None:
    item = good(france)

    answers = await answers_to(france, [item, item])

    assert [answer.accepted.duplicate for answer in answers.values()] == [False, True]
    assert answers[0].accepted.receipt.entry == answers[1].accepted.receipt.entry


async def test_a_refusal_carries_every_field_at_fault(france: Agency) -> None:
    draft = Draft(france.profile.load_signing_keys())
    draft.notice.case_reference = "A\x00"
    draft.notice.urgency = 77  # type: ignore[assignment]
    item = acts_pb2.SubmitActsRequest(acts=draft.acts()).SerializeToString()

    answers = await answers_to(france, [item])

    error: ComityError = error_from_refusal(answers[0].refused)
    assert {"case_reference", "urgency"} == {violation.field for violation in error.violations}


async def test_a_chunk_of_too_many_items_ends_the_stream_after_what_came_before(
    france: Agency,
) -> None:
    kept = good(france)
    seen: list[int] = []

    async def messages() -> AsyncIterator[acts_pb2.SubmitBulkRequest]:
        yield acts_pb2.SubmitBulkRequest(
            submissions=[acts_pb2.BulkSubmission(number=0, request=kept)]
        )
        empty = [acts_pb2.BulkSubmission(number=n) for n in range(257)]
        yield acts_pb2.SubmitBulkRequest(submissions=empty)

    with pytest.raises(TooLarge):
        async for answer in france.client.submit_bulk(messages()):
            seen.append(answer.number)

    assert seen == [0]


@pytest.mark.threat("T04")
async def test_a_message_past_what_grpc_takes_is_refused_and_the_next_taken(
    france: Agency,
) -> None:
    with pytest.raises(TooLarge):
        await answers_to(france, [bytes(9 * MEBIBYTE)])

    assert len(await answers_to(france, [good(france)])) == 1


@pytest.mark.threat("T13")
async def test_a_stream_that_is_hung_up_lets_no_forged_act_of_the_next_one_in(
    france: Agency, brazil: Agency
) -> None:
    """What is forged comes in a chunk as large as the good one whose verdicts nobody waited for."""
    target = Draft(brazil.profile.load_signing_keys())
    target.header.originator = "BR-NCB"
    target.rule = acts_pb2.AddressingRule(agencies=["KE-NCB"])
    await brazil.client.submit_acts(target.acts())
    forged = acts_pb2.SubmitActsRequest(acts=[target.withdrawal()])
    del forged.acts[0].signatures[:]
    chunk = [good(france) for _ in range(64)]

    for pause in (0.0, 0.01, 0.03, 0.06):
        await hang_up_after(france, chunk, pause)
        items = [forged.SerializeToString(), *(good(france) for _ in range(63))]
        answers = await answers_to(france, items)
        assert not answers[0].HasField("accepted")
        assert all(answers[number].HasField("accepted") for number in range(1, 64))

    record = await brazil.client.get_notice("BR-NCB", target.notice.notice_id)
    assert record.state == events_pb2.NOTICE_STATE_PUBLISHED


async def hang_up_after(agency: Agency, chunk: list[bytes], seconds: float) -> None:
    task = asyncio.create_task(answers_to(agency, chunk))
    await asyncio.sleep(seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
