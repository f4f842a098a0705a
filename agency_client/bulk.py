"""Sending many submissions on one stream, and again what a broken stream left unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from agency_client.channel import FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS
from agency_client.client import HubClient
from agency_client.inbox import KeptSubmission
from comity.errors import ComityError, DeadlineExceeded, HubUnavailable
from comity.statuses import error_from_refusal
from comity.v1.acts_pb2 import BulkAnswer, ReceiptedActs, SubmitBulkRequest

SUBMISSIONS_PER_MESSAGE = 64  # a quarter of what the hub takes in one; its writer batches further
MAX_MESSAGE_BYTES = 1_048_576  # a line that breaks repeats no more than that
MAX_FAILURES = 8  # up to half a minute: a hub that is started again does not end an import
STALL_SECONDS = 60.0  # twice what a call may take: a stream that answers nothing is given up

Answer = ReceiptedActs | ComityError
Answered = tuple[KeptSubmission, Answer]


async def send_in_bulk(
    client: HubClient, submissions: Sequence[KeptSubmission]
) -> AsyncGenerator[Sequence[Answered], None]:
    """Answers to submissions, in groups as they come.

    What was unanswered when the stream broke off is sent again: the hub knows acts by their ids.

    Raises: HubUnavailable where it cannot be reached again and again.
    """
    waiting = {submission.submission_id: submission for submission in submissions}
    delay, failures = FIRST_DELAY_SECONDS, 0
    while waiting:
        count_before = len(waiting)
        failure: ComityError = HubUnavailable()
        try:
            async for answered in _one_stream(client, list(waiting.values())):
                final = [a for a in answered if not isinstance(a[1], HubUnavailable)]
                for submission, _ in final:
                    del waiting[submission.submission_id]
                if final:
                    yield final
                failure = next((a for _, a in answered if isinstance(a, HubUnavailable)), failure)
        except HubUnavailable as error:
            failure = error
        if not waiting:
            return
        failures += 1
        if len(waiting) < count_before:
            delay, failures = FIRST_DELAY_SECONDS, 0
        if failures >= MAX_FAILURES:
            raise failure
        await client.channel.pause(delay, failure)
        delay = min(delay * 2, MAX_DELAY_SECONDS)


async def _one_stream(
    client: HubClient, submissions: Sequence[KeptSubmission]
) -> AsyncGenerator[Sequence[Answered], None]:
    unanswered = {submission.submission_id: submission for submission in submissions}
    group: list[Answered] = []
    failure: HubUnavailable | None = None
    async with aclosing(client.submit_bulk(_messages(submissions))) as answers:
        try:
            while (answer := await _next_answer(answers)) is not None:
                submission = unanswered.pop(answer.number, None)
                if submission is not None:
                    group.append((submission, _answer(submission, answer)))
                if len(group) >= SUBMISSIONS_PER_MESSAGE:
                    yield group
                    group = []
        except HubUnavailable as error:
            failure = error
    if group:
        yield group  # What was answered before it broke off is not sent again.
    if failure is not None:
        raise failure


async def _next_answer(answers: AsyncIterator[BulkAnswer]) -> BulkAnswer | None:
    try:
        async with asyncio.timeout(STALL_SECONDS):
            return await anext(answers, None)
    except TimeoutError:
        raise DeadlineExceeded("The hub has stopped answering submissions.") from None


def _answer(submission: KeptSubmission, answer: BulkAnswer) -> Answer:
    if answer.HasField("refused"):
        return error_from_refusal(answer.refused)
    return ReceiptedActs(acts=submission.request.acts, receipt=answer.accepted.receipt)


async def _messages(submissions: Sequence[KeptSubmission]) -> AsyncIterator[SubmitBulkRequest]:
    message, size = SubmitBulkRequest(), 0
    for submission in submissions:
        request = submission.request.SerializeToString()
        if message.submissions and (
            len(message.submissions) >= SUBMISSIONS_PER_MESSAGE
            or size + len(request) > MAX_MESSAGE_BYTES
        ):
            yield message
            message, size = SubmitBulkRequest(), 0
        message.submissions.add(number=submission.submission_id, request=request)
        size += len(request)
    if message.submissions:
        yield message
