"""Submitting: signed acts kept, sent, and their receipts verified and kept.

Signed acts are on disk before they are sent, so that the same bytes are sent again after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass

from agency_client.agency import Agency
from agency_client.bulk import MAX_FAILURES, Answered, send_in_bulk
from agency_client.channel import FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS
from agency_client.failures import InboxFailed
from agency_client.inbox import KeptSubmission
from agency_client.policy import load_kept_policy
from agency_client.trust import SeenCheckpoint
from comity.acts import VERSION, WITHDRAWAL, ParsedAct, parse_act
from comity.errors import (
    AccessRefused,
    ComityError,
    HubUnavailable,
    InputRefused,
    NotFound,
    NoticeNotInForce,
    ScopeExceeded,
    StateRefused,
    SupervisorRequired,
)
from comity.minimum.policy import builtin_policy
from comity.receipt import verify_receipt
from comity.v1.acts_pb2 import ReceiptedActs, SubmitActsRequest
from comity.v1.events_pb2 import NOTICE_STATE_IN_REVIEW, ActRecord, NoticeRecord, NoticeState
from comity.v1.ledger_pb2 import LedgerProof

BY_HAND = "hand"  # the source of what somebody submitted, beside the names of importers

# Of the acts themselves, by a hub that looked at them. Any other error leaves open what became of
# them, or says nothing of them: a certificate that is not accepted today may be so tomorrow.
# What membership does not grant is refused for good: acts do not wait for an administrator.
_REFUSALS = (InputRefused, StateRefused, ScopeExceeded, SupervisorRequired)
_NOT_ASKED = (HubUnavailable, AccessRefused)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one submission: its receipted acts, or why it was refused."""

    notice_id: str
    receipted: ReceiptedActs | None
    error: ComityError | None


class Submitting:
    """Sends an agency's acts."""

    def __init__(self, agency: Agency) -> None:
        self._agency = agency
        self._sent = agency.inbox.sent

    async def send(self, request: SubmitActsRequest) -> ReceiptedActs:
        """Keeps and sends the acts that belong together; gives them with their verified receipt.

        Raises: what the hub refused them with; then they are kept as refused. Where it could not be
        asked, its answer does not verify, or the inbox does not take that, they are kept, and
        `send_kept` sends them.
        """
        [kept] = self._sent.add_submissions([_named(request)], source=BY_HAND)
        try:
            response = await self._agency.client.submit_acts(request.acts)
        except _REFUSALS as error:
            self._sent.save_refusals([(kept.submission_id, str(error))])
            raise
        except _NOT_ASKED as error:
            raise _saying_that_kept(error, kept.notice_id) from error
        receipted = ReceiptedActs(acts=request.acts, receipt=response.receipt)
        await self._verify_receipts([receipted])
        try:
            self._sent.save_receipts([(kept.submission_id, receipted)])
        except InboxFailed as error:
            raise InboxFailed(f"{error.message} {_kept_words(kept.notice_id)}") from error
        await self._note_reviews([kept])
        return receipted

    async def send_each(
        self,
        requests: Sequence[SubmitActsRequest],
        *,
        source: str = BY_HAND,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
    ) -> list[Outcome]:
        """Keeps and sends many submissions on one stream, each with an outcome of its own.

        Raises: HubUnavailable, AccessRefused and VerificationFailed; then what is unanswered is
        kept.
        """
        kept = self._sent.add_submissions([_named(r) for r in requests], source=source)
        return await self._send(kept, on_outcome)

    async def send_kept(
        self, on_outcome: Callable[[Outcome], None] = lambda _: None
    ) -> list[Outcome]:
        """Sends again what was kept and never answered, byte for byte.

        Raises: as `send_each`.
        """
        waiting = self._sent.list_unanswered()
        return await self._send(waiting, on_outcome) if waiting else []

    async def _send(
        self, submissions: Sequence[KeptSubmission], on_outcome: Callable[[Outcome], None]
    ) -> list[Outcome]:
        outcomes = []
        try:
            async with aclosing(send_in_bulk(self._agency.client, submissions)) as groups:
                async for answered in groups:
                    for outcome in await self._take(answered):
                        outcomes.append(outcome)
                        on_outcome(outcome)
        except _NOT_ASKED as error:
            raise _saying_that_kept(error) from error
        except InboxFailed as error:
            raise InboxFailed(f"{error.message} {_kept_words()}") from error
        return outcomes

    async def _take(self, answered: Sequence[Answered]) -> list[Outcome]:
        outcomes, receipted, refused = [], [], []
        for submission, answer in answered:
            if isinstance(answer, _REFUSALS):
                refused.append((submission.submission_id, str(answer)))
                outcomes.append(Outcome(submission.notice_id, None, answer))
            elif isinstance(answer, ComityError):
                error = _saying_that_kept(answer, submission.notice_id)
                outcomes.append(Outcome(submission.notice_id, None, error))
            else:
                receipted.append((submission.submission_id, answer))
                outcomes.append(Outcome(submission.notice_id, answer, None))
        await self._verify_patiently([one for _, one in receipted])
        self._sent.save_receipts(receipted)
        self._sent.save_refusals(refused)
        taken = {submission_id for submission_id, _ in receipted}
        await self._note_reviews([s for s, _ in answered if s.submission_id in taken])
        return outcomes

    async def _note_reviews(self, receipted: Sequence[KeptSubmission]) -> None:
        """Keeps which versions wait for reviewers. The hub is asked only where its policy may say
        so, and what was sent is sent whatever becomes of asking."""
        agency = self._agency
        versions = [kept for kept in receipted if kept.is_version]
        with suppress(ComityError, InboxFailed):
            policy = load_kept_policy(agency.profile) if versions else builtin_policy()
            for kept in versions:
                notice = parse_act(kept.request.acts[0]).act.version.notice
                if not policy.review(notice).is_before_publication:
                    continue
                record = await agency.client.get_notice(agency.profile.agency, kept.notice_id)
                if record.state == NOTICE_STATE_IN_REVIEW or record.HasField("submitted"):
                    self._sent.note_review(kept.submission_id)

    async def _verify_patiently(self, receipted: Sequence[ReceiptedActs]) -> None:
        """The same as `_verify_receipts`, waiting for a hub that is away as long as sending does.

        Raises: as `_verify_receipts`; HubUnavailable.
        """
        delay, tries_left = FIRST_DELAY_SECONDS, MAX_FAILURES
        while True:
            try:
                return await self._verify_receipts(receipted)
            except HubUnavailable as error:
                tries_left -= 1
                if not tries_left:
                    raise
                await self._agency.client.channel.pause(delay, error)
            delay = min(delay * 2, MAX_DELAY_SECONDS)

    async def _verify_receipts(self, receipted: Sequence[ReceiptedActs]) -> None:
        """Verifies receipts, and that the ledger of each goes on from the one that is known.

        Raises: ReceiptInvalid, LedgerRolledBack, LedgerForked, EpochChanged.
        """
        trust = self._agency.trust
        checkpoints: dict[tuple[int, bytes], SeenCheckpoint] = {}
        for one in receipted:
            checkpoint = trust.open_note(one.receipt.checkpoint)  # Says where the epoch is another.
            verify_receipt(one.receipt, acts=one.acts, ledger_keys=trust.ledger_keys[-1:])
            checkpoints[checkpoint.size, checkpoint.root] = checkpoint
        for _, checkpoint in sorted(checkpoints.items()):
            proof = LedgerProof(checkpoint=checkpoint.note)
            await self._agency.client.accept_proof(proof, [])

    async def fetch_latest(self, notice_id: str) -> ParsedAct:
        """The latest version of one of the agency's own notices, verified: the one that waits for
        its review, where one does.

        Raises: NotFound, which says whose it is where it is held here as another's;
        NoticeNotInForce where its content is erased. Whether the notice was withdrawn is the hub's
        to say.
        """
        record = await self.fetch_own(notice_id)
        latest = record.submitted if record.HasField("submitted") else record.version
        return _shown_version(record, latest)

    async def fetch_in_force(self, notice_id: str) -> ParsedAct:
        """The version in force of one of the agency's own notices, verified.

        Raises: as `fetch_latest`.
        """
        record = await self.fetch_own(notice_id)
        return _shown_version(record, record.version)

    async def fetch_own(self, notice_id: str) -> NoticeRecord:
        """One of the agency's own notices as it stands, verified.

        Raises: as `fetch_latest`.
        """
        try:
            return await self._agency.client.get_notice(self._agency.profile.agency, notice_id)
        except NotFound as error:
            foreign = self._agency.inbox.received.find_notices(notice_id)
            if not foreign:
                raise
            owner = foreign[0].originator
            raise NotFound(f"It is {owner}'s; only its originator may do this.") from error


def _shown_version(record: NoticeRecord, shown: ActRecord) -> ParsedAct:
    if shown.envelope.payload:
        return parse_act(shown.envelope)
    state = NoticeState.Name(record.state).removeprefix("NOTICE_STATE_").lower().replace("_", " ")
    raise NoticeNotInForce(f"The notice is {state}; the hub shows no version of it.")


def _saying_that_kept(error: ComityError, notice_id: str | None = None) -> ComityError:
    """The same error, so that nobody signs the same notice a second time."""
    return _with_words(error, _kept_words(notice_id))


def _with_words(error: ComityError, words: str) -> ComityError:
    """The same error, with what it means for what was to be sent."""
    said = type(error)(
        f"{error.message} {words}",
        violations=error.violations,
        retry_after_seconds=error.retry_after_seconds,
    )
    said.is_from_hub = error.is_from_hub
    return said


@contextmanager
def saying_that_nothing_is_kept() -> Iterator[None]:
    """Says so of an error that comes before anything is signed and kept."""
    try:
        yield
    except _NOT_ASKED as error:
        words = "Nothing was sent, and nothing is kept: do the same again later."
        raise _with_words(error, words) from error


def _kept_words(notice_id: str | None = None) -> str:
    what = "What was signed is kept" if notice_id is None else f"Notice {notice_id} is kept"
    return f"{what}: 'comity run' sends it, or 'comity notice send-kept'. Do not submit it again."


def _named(request: SubmitActsRequest) -> tuple[str, SubmitActsRequest]:
    return (parse_act(request.acts[0]).notice_id, request)


def published_acts(submissions: Iterable[KeptSubmission]) -> Iterator[ParsedAct]:
    """The versions and withdrawals among receipted submissions, in the order of the ledger."""
    receipted = [s for s in submissions if s.receipted is not None]
    for submission in sorted(receipted, key=lambda s: s.entry_index or 0):
        for envelope in submission.request.acts:
            parsed = parse_act(envelope)
            if parsed.kind in (VERSION, WITHDRAWAL):
                yield parsed
