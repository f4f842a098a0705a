"""HubClient: one method per RPC, the hub's own error classes, everything verified.

Asynchronous. Never touches a disk: whoever owns one keeps what the trust has learned.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from types import TracebackType

from agency_client.channel import MAX_TRIES, HubChannel
from agency_client.directory import DirectoryClient
from agency_client.notice_calls import NoticeCalls
from agency_client.officers import OfficerClient
from agency_client.reviews import ReviewClient
from agency_client.trust import SeenCheckpoint, Trust
from comity.errors import MalformedInput
from comity.roster import Roster
from comity.v1.acts_pb2 import (
    BulkAnswer,
    Envelope,
    SubmitActsRequest,
    SubmitActsResponse,
    SubmitBulkRequest,
)
from comity.v1.acts_pb2_grpc import ActServiceStub
from comity.v1.ledger_pb2 import (
    GetCheckpointRequest,
    LedgerLeaf,
    LedgerProof,
    ListEntriesRequest,
    ListEntriesResponse,
    ProveConsistencyRequest,
    ProveConsistencyResponse,
    ProveInclusionRequest,
    ProveInclusionResponse,
)
from comity.v1.ledger_pb2_grpc import LedgerServiceStub
from comity.v1.roster_pb2 import ListAgencyKeysRequest, ListAgencyKeysResponse
from comity.v1.roster_pb2_grpc import AgencyServiceStub
from comity.v1.watches_pb2 import WatchEventsRequest, WatchEventsResponse
from comity.v1.watches_pb2_grpc import WatchServiceStub

CATCH_UP_SECONDS = 1.0  # ten times what one process of a hub is behind another


class HubClient(NoticeCalls):
    """A hub as one agency uses it. Use as an asynchronous context."""

    def __init__(
        self,
        channel: HubChannel,
        *,
        trust: Trust,
        require_roster: Callable[[Roster], None] = lambda _: None,
    ) -> None:
        self.channel = channel
        self.officers = OfficerClient(channel)
        self.directory = DirectoryClient(
            channel, accept_proof=self.accept_proof, known_size=lambda: self.trust.size
        )
        self.reviews = ReviewClient(
            channel, accept_leaves=self._accept_leaves, trust=lambda: self.trust
        )
        self.trust = trust
        self._require_roster = require_roster  # what the agency itself knows of its members
        self._roster_size = 0  # the roster is known as of a ledger of this size

    async def __aenter__(self) -> HubClient:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.channel.close()

    # --- acts -------------------------------------------------------------------------------------

    async def submit_acts(self, acts: Sequence[Envelope]) -> SubmitActsResponse:
        """Commits the acts that belong together. The receipt is not verified here."""
        request = SubmitActsRequest(acts=acts)
        return await self.channel.call(lambda c: ActServiceStub(c).SubmitActs, request)

    async def submit_bulk(
        self, messages: AsyncIterator[SubmitBulkRequest]
    ) -> AsyncGenerator[BulkAnswer, None]:
        """Answers to many submissions, as they come. `bulk.py` sends again what is left.

        Raises: HubUnavailable where the stream breaks off.
        """
        stream = self.channel.stream(lambda c: ActServiceStub(c).SubmitBulk, messages)
        async with aclosing(stream):
            async for response in stream:
                for answer in response.answers:
                    yield answer

    # --- the ledger -------------------------------------------------------------------------------

    async def get_checkpoint(self) -> SeenCheckpoint:
        """The newest checkpoint, verified to go on from the remembered one."""
        note = await self.get_checkpoint_note()
        return await self.accept_proof(LedgerProof(checkpoint=note), [])

    async def get_checkpoint_note(self) -> bytes:
        """The newest checkpoint as a signed note, not verified."""
        request = GetCheckpointRequest()
        response = await self.channel.call(lambda c: LedgerServiceStub(c).GetCheckpoint, request)
        return response.checkpoint

    async def prove_inclusion(
        self, entry_index: int, *, ledger_size: int
    ) -> ProveInclusionResponse:
        """An inclusion path, not verified."""
        request = ProveInclusionRequest(entry_index=entry_index, ledger_size=ledger_size)
        return await self.channel.call(lambda c: LedgerServiceStub(c).ProveInclusion, request)

    async def prove_consistency(self, from_size: int, *, to_size: int) -> ProveConsistencyResponse:
        """A consistency path, not verified."""
        request = ProveConsistencyRequest(from_size=from_size, to_size=to_size)
        return await self.channel.call(lambda c: LedgerServiceStub(c).ProveConsistency, request)

    async def list_entries(self, first_index: int, *, limit: int = 0) -> ListEntriesResponse:
        """Leaf hashes and readable entries, not verified."""
        request = ListEntriesRequest(first_index=first_index, limit=limit)
        return await self.channel.call(lambda c: LedgerServiceStub(c).ListEntries, request)

    async def list_agency_keys(self, first_index: int) -> ListAgencyKeysResponse:
        """A page of roster entries, verified to lie in the ledger."""
        request = ListAgencyKeysRequest(first_index=first_index, known_size=self.trust.size)
        response = await self.channel.call(lambda c: AgencyServiceStub(c).ListAgencyKeys, request)
        await self.accept_proof(response.proof, response.entries)
        return response

    async def refresh_roster(self) -> None:
        """Brings the roster up to date.

        Raises: LedgerForked where the hub leaves an entry out, or `require_roster` knows better.
        """
        more = True
        while more:
            last = self.trust.roster.last_entry
            response = await self.list_agency_keys(0 if last is None else last + 1)
            for leaf in response.entries:
                # Another task may have taken it while this one waited.
                if leaf.entry_index not in self.trust.roster_leaves:
                    self.trust.add_roster_leaf(leaf)
            more = response.more
            if not more:
                self._roster_size = self.trust.open_note(response.proof.checkpoint).size
        self._require_roster(self.trust.roster)

    async def accept_proof(
        self, proof: LedgerProof, leaves: Sequence[LedgerLeaf]
    ) -> SeenCheckpoint:
        """Accepts what a hub says of its ledger, or refuses it.

        1. The checkpoint is signed under the accepted origin.
        2. The entries lie in its tree.
        3. It goes on from the remembered checkpoint: by the path that came with it, else by one
           that is asked for. An answer that was overtaken by a newer one has to be an earlier state
           of it.

        Raises: EpochChanged, CheckpointInvalid, ProofInvalid, LedgerRolledBack, LedgerForked.
        """
        trust = self.trust
        checkpoint = trust.open_note(proof.checkpoint)  # 1
        trust.verify_leaves(checkpoint, leaves, proof.members_path)  # 2
        if trust.size == 0 or checkpoint.size == trust.size:  # 3
            trust.advance(checkpoint, [])
        elif checkpoint.size > trust.size and proof.consistent_from == trust.size:
            trust.advance(checkpoint, proof.consistency_path)
        else:
            await self._accept_by_asking(checkpoint)
        return checkpoint

    async def _accept_by_asking(self, checkpoint: SeenCheckpoint) -> None:
        """Asks for the path between a checkpoint and the remembered one, until they stand still.

        A hub of several processes may be a moment behind itself, so that it is asked more than once
        before it is said to have gone back.
        """
        tries_left = MAX_TRIES
        while checkpoint.size != self.trust.size:
            older, newer = sorted((checkpoint.size, self.trust.size))
            try:
                response = await self.prove_consistency(older, to_size=newer)
            except MalformedInput:  # It has no such size: not yet, or no longer.
                tries_left -= 1
                if not tries_left:
                    break
                await self.channel.pause(CATCH_UP_SECONDS)
                continue
            if self.trust.size == newer:
                self.trust.verify_earlier(checkpoint, response.consistency_path)
                return
            if self.trust.size == older:
                self.trust.advance(checkpoint, response.consistency_path)
                return
        self.trust.advance(checkpoint, [])

    # --- watches ----------------------------------------------------------------------------------

    def open_watch(
        self, commands: AsyncIterator[WatchEventsRequest]
    ) -> AsyncGenerator[WatchEventsResponse, None]:
        """The raw stream of a watch, not verified and not opened again: `watching.py` does both.

        Raises: the hub's error that ended it; HubUnavailable.
        """
        return self.channel.stream(lambda c: WatchServiceStub(c).WatchEvents, commands)
