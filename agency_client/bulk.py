"""Sending many submissions on one stream, and again what a broken stream left unanswered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from agency_client.client import FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS, MAX_TRIES, HubClient
from agency_client.inbox import KeptSubmission
from comity.errors import ComityError, HubUnavailable
from comity.statuses import error_from_refusal
from comity.v1 import acts_pb2

SUBMISSIONS_PER_MESSAGE = 64  # a quarter of what the hub takes in one; its writer batches further
MAX_MESSAGE_BYTES = 1_048_576  # a line that breaks repeats no more than that

Answer = acts_pb2.ReceiptedActs | ComityError
Answered = tuple[KeptSubmission, Answer]


async def send_in_bulk(
    client: HubClient, submissions: Sequence[KeptSubmission]
) -> AsyncIterator[Sequence[Answered]]:
    """Answers to submissions, in groups as they come.

    What was unanswered when the stream broke off is sent again: the hub knows acts by their ids.

    Raises: HubUnavailable where it cannot be reached again and again.
    """
    waiting = {submission.submission_id: submission for submission in submissions}
    delay, failures = FIRST_DELAY_SECONDS, 0
    while waiting:
        before = len(waiting)
        try:
            async for answered in _one_stream(client, list(waiting.values())):
                for submission, answer in answered:
                    if not isinstance(answer, HubUnavailable):
                        waiting.pop(submission.submission_id, None)
                settled = [a for a in answered if not isinstance(a[1], HubUnavailable)]
                if settled:
                    yield settled
            failure: ComityError | None = None
        except HubUnavailable as error:
            failure = error
        if not waiting:
            return
        failures = 0 if len(waiting) < before else failures + 1
        if failures >= MAX_TRIES:
            raise failure or HubUnavailable()
        await client.pause(client.jittered(delay))
        delay = min(delay * 2, MAX_DELAY_SECONDS)


async def _one_stream(
    client: HubClient, submissions: Sequence[KeptSubmission]
) -> AsyncIterator[Sequence[Answered]]:
    by_number = {submission.submission_id: submission for submission in submissions}
    group: list[Answered] = []
    async for answer in client.submit_bulk(_messages(submissions)):
        submission = by_number.get(answer.number)
        if submission is None:
            continue
        group.append((submission, _answer(submission, answer)))
        if len(group) >= SUBMISSIONS_PER_MESSAGE:
            yield group
            group = []
    if group:
        yield group


def _answer(submission: KeptSubmission, answer: acts_pb2.BulkAnswer) -> Answer:
    if answer.HasField("refused"):
        return error_from_refusal(answer.refused)
    return acts_pb2.ReceiptedActs(acts=submission.request.acts, receipt=answer.accepted.receipt)


async def _messages(
    submissions: Sequence[KeptSubmission],
) -> AsyncIterator[acts_pb2.SubmitBulkRequest]:
    message, size = acts_pb2.SubmitBulkRequest(), 0
    for submission in submissions:
        request = submission.request.SerializeToString()
        if message.submissions and (
            len(message.submissions) >= SUBMISSIONS_PER_MESSAGE
            or size + len(request) > MAX_MESSAGE_BYTES
        ):
            yield message
            message, size = acts_pb2.SubmitBulkRequest(), 0
        message.submissions.add(number=submission.submission_id, request=request)
        size += len(request)
    if message.submissions:
        yield message
