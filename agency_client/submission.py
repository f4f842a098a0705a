"""Submitting: acts built, signed, kept, sent, and their receipts verified and kept.

Signed acts are on disk before they are sent, so that whatever happens the same bytes are sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from agency_client.agency import Agency
from agency_client.bulk import send_in_bulk
from agency_client.inbox import KeptSubmission
from agency_client.trust import digest_of_version
from comity.acts import parse_act, sign_act
from comity.errors import (
    ComityError,
    HubUnavailable,
    MalformedInput,
    NotFound,
    ReceiptInvalid,
    VerificationFailed,
)
from comity.notices import verify_notice
from comity.receipt import checkpoint_of_receipt, verify_receipt
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2

DEFAULT_LIFE = timedelta(days=365)  # a draft without an expiry time; the originator may say another
BY_HAND = "hand"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one submission: its receipted acts, or why it was refused."""

    notice_id: str
    receipted: acts_pb2.ReceiptedActs | None
    error: ComityError | None


class Submitting:
    """Builds and sends an agency's acts."""

    def __init__(self, agency: Agency) -> None:
        self._agency = agency
        self._keys = agency.signing_keys()

    # --- acts -------------------------------------------------------------------------------------

    def first_version(
        self, draft: notices_pb2.Notice, rule: acts_pb2.AddressingRule
    ) -> acts_pb2.SubmitActsRequest:
        """The first version of a notice with its addressing, from a draft.

        Fills in what the draft leaves out: id, version, times.

        Raises: NoticeInvalid with everything at fault; TooLarge.
        """
        notice = notices_pb2.Notice()
        notice.CopyFrom(draft)
        notice.notice_id = notice.notice_id or self._agency.new_id()
        notice.version = 1
        notice.ClearField("predecessor_digest")
        self._set_times(notice)
        version = self._signed_version(notice)
        addressing = self._signed_addressing(notice.notice_id, digest_of_version(version), rule)
        return acts_pb2.SubmitActsRequest(acts=[version, addressing])

    def next_version(
        self, draft: notices_pb2.Notice, latest: notices_pb2.Notice, latest_digest: bytes
    ) -> acts_pb2.SubmitActsRequest:
        """The version of a notice that follows the latest, from a draft of its content.

        Raises: NoticeInvalid, TooLarge.
        """
        notice = notices_pb2.Notice()
        notice.CopyFrom(draft)
        notice.notice_id = latest.notice_id
        notice.version = latest.version + 1
        notice.predecessor_digest = latest_digest
        self._set_times(notice)
        return acts_pb2.SubmitActsRequest(acts=[self._signed_version(notice)])

    def withdrawal(
        self,
        notice_id: str,
        latest_digest: bytes,
        *,
        reason: acts_pb2.WithdrawalReason.ValueType,
        details: str = "",
    ) -> acts_pb2.SubmitActsRequest:
        """The withdrawal of a notice."""
        act = acts_pb2.WithdrawalAct(
            notice_id=notice_id, version_digest=latest_digest, reason=reason
        )
        if details:
            act.details.add(language="en", text=details, original=True)
        signed = self._signed(acts_pb2.Act(header=self._header(), withdrawal=act))
        return acts_pb2.SubmitActsRequest(acts=[signed])

    def wider_addressing(
        self, notice_id: str, latest_digest: bytes, rule: acts_pb2.AddressingRule
    ) -> acts_pb2.SubmitActsRequest:
        """A wider addressing of a notice."""
        return acts_pb2.SubmitActsRequest(
            acts=[self._signed_addressing(notice_id, latest_digest, rule)]
        )

    def _set_times(self, notice: notices_pb2.Notice) -> None:
        now = self._agency.clock()
        notice.issued_at.CopyFrom(timestamp_from(now))
        if not notice.HasField("expires_at"):
            notice.expires_at.CopyFrom(timestamp_from(now + DEFAULT_LIFE))
        if notice.HasField("handling") and not notice.handling.HasField("retain_until"):
            last = notice.expires_at.ToDatetime()
            notice.handling.retain_until.CopyFrom(
                notices_pb2.CalendarDate(year=last.year, month=last.month, day=last.day)
            )

    def _header(self) -> acts_pb2.ActHeader:
        return acts_pb2.ActHeader(
            hub_domain=self._agency.profile.hub_domain,
            originator=self._agency.profile.agency,
            act_id=self._agency.new_id(),
            issued_at=timestamp_from(self._agency.clock()),
        )

    def _signed_version(self, notice: notices_pb2.Notice) -> acts_pb2.Envelope:
        verify_notice(notice)
        header = self._header()
        header.issued_at.CopyFrom(notice.issued_at)
        version = acts_pb2.VersionAct(notice=notice)
        return self._signed(acts_pb2.Act(header=header, version=version))

    def _signed_addressing(
        self, notice_id: str, version_digest: bytes, rule: acts_pb2.AddressingRule
    ) -> acts_pb2.Envelope:
        addressing = acts_pb2.AddressingAct(
            notice_id=notice_id, version_digest=version_digest, rule=rule
        )
        return self._signed(acts_pb2.Act(header=self._header(), addressing=addressing))

    def _signed(self, act: acts_pb2.Act) -> acts_pb2.Envelope:
        return sign_act(act, self._keys)

    # --- sending ----------------------------------------------------------------------------------

    async def send(self, request: acts_pb2.SubmitActsRequest) -> acts_pb2.ReceiptedActs:
        """Keeps and sends the acts that belong together; gives them with their verified receipt.

        Raises: what the hub refused them with; then they are forgotten. HubUnavailable; then they
        are kept, and `send_kept` sends them.
        """
        notice_id = parse_act(request.acts[0]).notice_id
        number = self._agency.inbox.add_submission(request, notice_id=notice_id, source=BY_HAND)
        try:
            response = await self._agency.client.submit_acts(request.acts)
        except (HubUnavailable, VerificationFailed):
            raise
        except ComityError:
            self._agency.inbox.remove_submissions([number])
            raise
        receipted = acts_pb2.ReceiptedActs(acts=request.acts, receipt=response.receipt)
        await self._verify_receipts([receipted])
        self._agency.inbox.save_receipts([(number, receipted)])
        return receipted

    async def send_each(
        self,
        requests: Sequence[acts_pb2.SubmitActsRequest],
        *,
        source: str,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
    ) -> list[Outcome]:
        """Keeps and sends many submissions on one stream, each with an outcome of its own."""
        kept = [(r, parse_act(r.acts[0]).notice_id, source) for r in requests]
        numbers = self._agency.inbox.add_submissions(kept)
        submissions = [
            KeptSubmission(number, notice_id, source, request, None, None)
            for number, (request, notice_id, _) in zip(numbers, kept, strict=True)
        ]
        return await self._send_kept(submissions, on_outcome)

    async def send_kept(
        self, on_outcome: Callable[[Outcome], None] = lambda _: None
    ) -> list[Outcome]:
        """Sends again what was kept and never receipted."""
        waiting = [s for s in self._agency.inbox.list_submissions() if s.receipted is None]
        return await self._send_kept(waiting, on_outcome) if waiting else []

    async def send_again(self, submissions: Sequence[KeptSubmission]) -> list[Outcome]:
        """Sends acts again that a restored hub has lost, byte for byte."""
        return await self._send_kept(list(submissions), lambda _: None)

    async def _send_kept(
        self, submissions: Sequence[KeptSubmission], on_outcome: Callable[[Outcome], None]
    ) -> list[Outcome]:
        outcomes = []
        async for answered in send_in_bulk(self._agency.client, submissions):
            receipted = []
            for submission, answer in answered:
                if isinstance(answer, ComityError):
                    outcome = Outcome(submission.notice_id, None, answer)
                    self._agency.inbox.remove_submissions([submission.submission_id])
                else:
                    outcome = Outcome(submission.notice_id, answer, None)
                    receipted.append((submission.submission_id, answer))
                outcomes.append(outcome)
            await self._verify_receipts([r for _, r in receipted])
            self._agency.inbox.save_receipts(receipted)
            for outcome in outcomes[-len(answered) :]:
                on_outcome(outcome)
        return outcomes

    async def _verify_receipts(self, receipted: Sequence[acts_pb2.ReceiptedActs]) -> None:
        """Verifies receipts, and that their ledger goes on from the one that is known.

        Raises: ReceiptInvalid, LedgerRolledBack, LedgerForked, EpochChanged.
        """
        trust, client = self._agency.trust, self._agency.client
        newest = None
        for one in receipted:
            trust.open_note(one.receipt.checkpoint)  # Another epoch is said to be one.
            verify_receipt(one.receipt, acts=one.acts, ledger_keys=trust.ledger_keys)
            checkpoint = checkpoint_of_receipt(one.receipt, ledger_keys=trust.ledger_keys)
            if newest is None or checkpoint.size > newest.size:
                newest = checkpoint
                note = one.receipt.checkpoint
        if newest is not None:
            await client.accept_proof(ledger_pb2.LedgerProof(checkpoint=note), [])

    # --- what a later act rests on ----------------------------------------------------------------

    async def fetch_latest(self, notice_id: str) -> tuple[notices_pb2.Notice, bytes]:
        """The latest version of one of the agency's own notices, verified, and its digest.

        Raises: NotFound; NoticeWithdrawn is the hub's to say.
        """
        agency = self._agency
        record = await agency.client.get_notice(agency.profile.agency, notice_id)
        version = parse_act(record.version.envelope)
        if version.notice_id != notice_id or version.originator != agency.profile.agency:
            raise NotFound()
        return version.act.version.notice, version.digest


def published_notices(
    submissions: Iterable[KeptSubmission],
) -> Iterator[tuple[acts_pb2.Envelope, acts_pb2.Act]]:
    """The versions and withdrawals among receipted submissions, in the order of the ledger."""
    receipted = [s for s in submissions if s.receipted is not None]
    for submission in sorted(receipted, key=lambda s: s.entry_index or 0):
        for envelope in submission.request.acts:
            parsed = parse_act(envelope)
            if parsed.kind != ledger_pb2.ACT_KIND_ADDRESSING:
                yield envelope, parsed.act


