"""What a client asks of the notices of a hub; every answer verified. A part of `HubClient`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from agency_client.act_proof import require_decision_of, verified_act, verified_decision
from agency_client.channel import HubChannel
from agency_client.records import VerifiedNotice, leaves_shown, verify_record
from agency_client.trust import SeenCheckpoint, Trust
from comity import acts
from comity.acts import ParsedAct
from comity.errors import ProofInvalid
from comity.identifiers import is_uuid7
from comity.identity import is_agency_id
from comity.v1 import events_pb2 as pb
from comity.v1.events_pb2_grpc import NoticeServiceStub
from comity.v1.ledger_pb2 import NOTICE_CHANGE_ERASED, LedgerLeaf, LedgerProof

_LISTED = (*sorted(acts.ADDRESSEE_KINDS), acts.RELEASE_DECISION)


class NoticeCalls(ABC):
    """Notices, what was done about them, recalls, and the hub's policy."""

    channel: HubChannel
    trust: Trust
    _roster_size: int

    @abstractmethod
    async def refresh_roster(self) -> None:
        """Brings the roster up to date."""

    @abstractmethod
    async def accept_proof(
        self, proof: LedgerProof, leaves: Sequence[LedgerLeaf]
    ) -> SeenCheckpoint:
        """Accepts what a hub says of its ledger, or refuses it."""

    async def get_notice(self, originator: str, notice_id: str) -> pb.NoticeRecord:
        """A notice as it stands, verified.

        Raises: NotFound; VerificationFailed and InputRefused where it does not verify.
        """
        request = pb.GetNoticeRequest(
            originator=originator, notice_id=notice_id, known_size=self.trust.size
        )
        response = await self.channel.call(lambda c: NoticeServiceStub(c).GetNotice, request)
        [notice] = await self._verify_records([response.notice], response.proof)
        if (notice.originator, notice.notice_id) != (originator, notice_id):
            raise ProofInvalid("The hub shows another notice than was asked for.")
        return response.notice

    async def list_notices(self, request: pb.ListNoticesRequest) -> pb.ListNoticesResponse:
        """A page of notices, verified. `next_index` goes into the request for the next page."""
        request.known_size = self.trust.size
        response = await self.channel.call(lambda c: NoticeServiceStub(c).ListNotices, request)
        await self._verify_records(response.notices, response.proof)
        return response

    async def list_notice_acts(self, originator: str, notice_id: str) -> list[pb.ActRecord]:
        """What was done about a notice, verified, in the order of the ledger: all of it for its
        originator, else what this agency did itself, and was told.

        Raises: NotFound; as `get_notice`.
        """
        found: list[pb.ActRecord] = []
        request = pb.ListNoticeActsRequest(originator=originator, notice_id=notice_id)
        while True:
            request.known_size = self.trust.size
            page = await self.channel.call(lambda c: NoticeServiceStub(c).ListNoticeActs, request)
            await self._accept_leaves(page.proof, [record.leaf for record in page.acts])
            for record in page.acts:
                parsed = verified_act(record, *_LISTED, trust=self.trust)
                self._require_listed(parsed, originator, notice_id)
            found.extend(page.acts)
            if not page.next_index:
                return found
            _require_onward(page.next_index, request.first_index)
            request.first_index = page.next_index

    def _require_listed(self, parsed: ParsedAct, originator: str, notice_id: str) -> None:
        if (parsed.notice_originator, parsed.notice_id) != (originator, notice_id):
            raise ProofInvalid("The hub shows what was done about another notice.")
        reader = self.trust.reader
        is_told = parsed.kind == acts.RELEASE_DECISION and parsed.body.requested_by == reader
        if reader not in (None, originator, parsed.originator) and not is_told:
            raise ProofInvalid("The hub shows what another agency did about a notice.")

    async def list_recalls(self, request: pb.ListRecallsRequest) -> list[pb.Recall]:
        """Recalls that the agency began or has to answer, with the answers verified.

        For people to read: nothing is erased for it, but for what a verified event has ended.

        Raises: as `get_notice`.
        """
        asked = pb.ListRecallsRequest()
        asked.CopyFrom(request)
        found: list[pb.Recall] = []
        while True:
            asked.known_size = self.trust.size
            page = await self.channel.call(lambda c: NoticeServiceStub(c).ListRecalls, asked)
            await self._accept_leaves(page.proof, _leaves_of(page.recalls))
            for recall in page.recalls:
                _require_asked(recall, request)
                self._verify_recall(recall)
            found.extend(page.recalls)
            if not page.next_index:
                return found
            _require_onward(page.next_index, asked.first_index)
            asked.first_index = page.next_index

    def _verify_recall(self, recall: pb.Recall) -> None:
        if not is_agency_id(recall.originator) or not is_uuid7(recall.notice_id):
            raise ProofInvalid("The hub shows a recall of what is no notice.")
        if not 0 < recall.recall_entry < self.trust.size:
            raise ProofInvalid("The hub shows a recall that no entry began.")
        for addressee in recall.addressees:
            if not addressee.HasField("answer"):
                continue
            answer = verified_act(addressee.answer, acts.RECALL_ANSWER, trust=self.trust)
            if (
                answer.originator != addressee.agency_id
                or answer.notice_originator != recall.originator
                or answer.notice_id != recall.notice_id
                or answer.body.recall_entry != recall.recall_entry
            ):
                raise ProofInvalid("The hub shows the answer to another recall.")
        if recall.HasField("erasure"):
            erasure = verified_decision(recall.erasure, self.trust)
            require_decision_of(erasure, recall.originator, recall.notice_id)
            if erasure.change != NOTICE_CHANGE_ERASED:
                raise ProofInvalid("The hub shows another entry as its certificate of erasure.")

    async def get_notice_policy(self) -> pb.GetNoticePolicyResponse:
        """The legal minimum and what is reviewed, as the hub has it. `policy.py` verifies it."""
        request = pb.GetNoticePolicyRequest()
        return await self.channel.call(lambda c: NoticeServiceStub(c).GetNoticePolicy, request)

    async def _verify_records(
        self, records: Sequence[pb.NoticeRecord], proof: LedgerProof
    ) -> list[VerifiedNotice]:
        await self._accept_leaves(proof, [leaf for r in records for leaf in leaves_shown(r)])
        return [verify_record(record, self.trust) for record in records]

    async def _accept_leaves(self, proof: LedgerProof, leaves: Sequence[LedgerLeaf]) -> None:
        await self.accept_proof(proof, leaves)
        if any(leaf.entry_index >= self._roster_size for leaf in leaves):
            await self.refresh_roster()


def _leaves_of(recalls: Sequence[pb.Recall]) -> list[LedgerLeaf]:
    answers = [a.answer.leaf for r in recalls for a in r.addressees if a.HasField("answer")]
    return answers + [recall.erasure for recall in recalls if recall.HasField("erasure")]


def _require_asked(recall: pb.Recall, request: pb.ListRecallsRequest) -> None:
    if request.originator not in ("", recall.originator) or request.notice_id not in (
        "",
        recall.notice_id,
    ):
        raise ProofInvalid("The hub shows another recall than was asked for.")


def _require_onward(next_index: int, first_index: int) -> None:
    if next_index <= first_index:
        raise ProofInvalid("The hub leads from page to page without end.")
