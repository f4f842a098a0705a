"""Acting on recalls: copies erased, and what became of them answered, signed.

What is recalled is erased even where no answer can be signed yet. An answer is signed once and kept
until the hub has receipted it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from agency_client.agency import Agency
from agency_client.inbox import HeldRecall, Retention
from agency_client.recall_settings import RecallSettings, load_recall_settings
from agency_client.signing import ActSigner
from agency_client.submission import Submitting
from comity.acts import RECALL_ANSWER, parse_act
from comity.errors import (
    HubUnavailable,
    InputRefused,
    MalformedInput,
    RecallAnswered,
    StateRefused,
)
from comity.v1.acts_pb2 import (
    RECALL_OUTCOME_DELETED,
    RECALL_OUTCOME_NEVER_HELD,
    RECALL_OUTCOME_PASSED_ON,
    RECALL_OUTCOME_RETAINED,
    RecallAnswerAct,
    RecallOutcome,
    SubmitActsRequest,
)
from comity.v1.notices_pb2 import CalendarDate

ANSWER_AGAIN = timedelta(days=1)  # after the hub has refused an answer


@dataclass(frozen=True, slots=True)
class RecallAnswer:
    """What has become of the copies of a notice. `retention` also beside PASSED_ON, where copies
    are kept as well."""

    recall: HeldRecall
    outcome: RecallOutcome.ValueType
    retention: Retention | None = None
    passed_on_to: Sequence[str] = ()

    def request(self, signer: ActSigner) -> SubmitActsRequest:
        """The answer, signed."""
        retention = self.retention
        return signer.recall_answer(
            self.recall.originator,
            self.recall.notice_id,
            recall_entry=self.recall.recall_entry,
            outcome=self.outcome,
            provision="" if retention is None else retention.provision,
            retained_until=None if retention is None else _day(retention.until),
            passed_on_to=self.passed_on_to,
        )


def _day(text: str) -> CalendarDate:
    day = date.fromisoformat(text)
    return CalendarDate(year=day.year, month=day.month, day=day.day)


def answers_given(agency: Agency) -> dict[tuple[str, str, int], RecallAnswerAct]:
    """The answers signed so far, the latest of each recall, whether receipted yet or not.

    One that the hub refused is none: it is owed still.
    """
    given = {}
    for kept in agency.inbox.sent.list_of_kind(RECALL_ANSWER):
        if kept.refusal is None or kept.refusal == RecallAnswered.default_message:
            body: RecallAnswerAct = parse_act(kept.request.acts[0]).body
            given[body.notice_originator, body.notice_id, body.recall_entry] = body
    return given


def list_owed(agency: Agency) -> list[HeldRecall]:
    """The recalls of others' notices that no answer was signed to."""
    given = answers_given(agency)
    return [
        recall
        for recall in agency.inbox.recalls.list_recalls()
        if _is_others(agency, recall)
        and (recall.originator, recall.notice_id, recall.recall_entry) not in given
    ]


def settle_copies(agency: Agency) -> list[RecallAnswer]:
    """Erases the copies of what is recalled, unless law demands to keep them; gives the answers
    that are owed. Also erases what was to be kept until a day that is past.

    Raises: InboxFailed; MalformedInput where the profile's settings are at fault.
    """
    settings = load_recall_settings(agency.profile)
    given = answers_given(agency)
    waiting = _refused_lately(agency)
    answers = []
    for recall in agency.inbox.recalls.list_recalls():
        if not _is_others(agency, recall):
            continue
        before = given.get((recall.originator, recall.notice_id, recall.recall_entry))
        is_answered = before is not None and before.outcome != RECALL_OUTCOME_RETAINED
        if not is_answered or recall.erased_at is None:
            answer = settle(agency, recall, settings)
            is_owed = before is None or _is_news(answer, before)
            if is_owed and _key(recall) not in waiting:
                answers.append(answer)
    return answers


def _is_others(agency: Agency, recall: HeldRecall) -> bool:
    """Whether it is this agency's to answer. What a restored ledger has lost is nobody's."""
    is_known = recall.origin == agency.trust.origin
    return is_known and recall.originator != agency.profile.agency


def _key(recall: HeldRecall) -> tuple[str, str, int]:
    return (recall.originator, recall.notice_id, recall.recall_entry)


def _refused_lately(agency: Agency) -> set[tuple[str, str, int]]:
    """The recalls whose answers the hub refused, and that are not answered again yet."""
    lately = set()
    for kept in agency.inbox.sent.list_of_kind(RECALL_ANSWER):
        parsed = parse_act(kept.request.acts[0])
        signed_at = parsed.act.header.issued_at.ToDatetime(tzinfo=UTC)
        if kept.refusal is not None and abs(agency.clock() - signed_at) < ANSWER_AGAIN:
            body: RecallAnswerAct = parsed.body
            lately.add((body.notice_originator, body.notice_id, body.recall_entry))
    return lately


def _is_news(answer: RecallAnswer, before: RecallAnswerAct) -> bool:
    """Whether copies that were kept under law are gone now."""
    was_kept = before.outcome == RECALL_OUTCOME_RETAINED
    return was_kept and answer.outcome == RECALL_OUTCOME_DELETED


def settle(agency: Agency, recall: HeldRecall, settings: RecallSettings) -> RecallAnswer:
    """Erases the copies of one notice, or keeps them; gives what is to be answered."""
    place = (recall.originator, recall.notice_id)
    recalls = agency.inbox.recalls
    retention = recalls.find_retention(*place) or settings.retention(recall.begun_at)
    is_over = retention is not None and retention.until < agency.clock().date().isoformat()
    if is_over or recall.erased_at is not None:
        retention = None
    passed_on_to = recalls.list_passed_on(*place)
    if retention is None and recall.erased_at is None:
        recalls.erase(recall, now=agency.clock())
    [now] = [
        r
        for r in recalls.list_recalls(notice_id=recall.notice_id)
        if (r.origin, r.originator, r.recall_entry)
        == (recall.origin, recall.originator, recall.recall_entry)
    ]
    if passed_on_to:
        return RecallAnswer(now, RECALL_OUTCOME_PASSED_ON, retention, passed_on_to)
    if retention is not None and agency.inbox.received.holds(*place):
        return RecallAnswer(now, RECALL_OUTCOME_RETAINED, retention)
    held = RECALL_OUTCOME_DELETED if now.was_held else RECALL_OUTCOME_NEVER_HELD
    return RecallAnswer(now, held)


async def answer_recalls(
    agency: Agency,
    *,
    on_answer: Callable[[RecallAnswer], None],
    on_unanswered: Callable[[MalformedInput], None],
) -> None:
    """Acts on every recall and answers it. `on_unanswered` hears where no answer can be signed.

    Raises: HubUnavailable, AccessRefused, VerificationFailed, InboxFailed.
    """
    unsigned = []
    for answer in settle_copies(agency):
        try:
            request = answer.request(agency.signer())
        except MalformedInput as error:
            unsigned.append((answer, error))
        else:
            await _send(agency, request)
            on_answer(answer)
    if unsigned:
        on_unanswered(_unanswered(unsigned))


async def _send(agency: Agency, request: SubmitActsRequest) -> None:
    try:
        await Submitting(agency).send(request)
    except (HubUnavailable, InputRefused, StateRefused):
        return  # It is kept: sent again, or kept with why the hub refused it.


def _unanswered(unsigned: Sequence[tuple[RecallAnswer, MalformedInput]]) -> MalformedInput:
    commands = ", ".join(
        f"comity recall answer {a.recall.notice_id} --from {a.recall.originator}"
        for a, _ in unsigned
    )
    why = unsigned[0][1].message
    return MalformedInput(
        f"{len(unsigned)} recalls stay unanswered, as the signing key cannot be used: {why} Their "
        f"copies are dealt with; what answers: {commands}"
    )
