"""HubClient: one method per RPC, the hub's own error classes, everything verified.

Asynchronous. Calls are tried again only where that is safe: reads, and submissions, whose acts the
hub knows again by their ids. Never touches a disk; whoever owns one gives it the trust and keeps it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

import grpc

from agency_client.channel import HubChannel
from agency_client.trust import Trust
from comity.checkpoint import Checkpoint
from comity.errors import (
    ComityError,
    HubUnavailable,
    HubUnreachable,
    LedgerRolledBack,
    MalformedInput,
    QuotaExceeded,
)
from comity.statuses import error_from_rpc
from comity.v1 import (
    acts_pb2,
    acts_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
    ledger_pb2,
    ledger_pb2_grpc,
    roster_pb2,
    roster_pb2_grpc,
    watches_pb2,
    watches_pb2_grpc,
)

CALL_SECONDS = 30.0  # the hub's own limit for a call
MAX_TRIES = 4  # some seconds of trying; who runs unattended tries again by itself
FIRST_DELAY_SECONDS = 0.25
MAX_DELAY_SECONDS = 30.0

T = TypeVar("T")


class HubClient:
    """A hub as one agency uses it. Use as an asynchronous context."""

    def __init__(
        self,
        channel: HubChannel,
        *,
        trust: Trust,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.trust = trust
        # Roster entries taken since whoever keeps them last looked.
        self.new_roster_leaves: list[ledger_pb2.LedgerLeaf] = []
        self._channel = channel
        self._sleep = sleep
        self._uniform = uniform

    async def __aenter__(self) -> HubClient:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._channel.close()

    # --- acts -------------------------------------------------------------------------------------

    async def submit_acts(
        self, acts: Sequence[acts_pb2.Envelope]
    ) -> acts_pb2.SubmitActsResponse:
        """Commits the acts that belong together. The receipt is not verified here."""
        request = acts_pb2.SubmitActsRequest(acts=acts)
        return await self._call(acts_pb2_grpc.ActServiceStub, "SubmitActs", request)

    async def submit_bulk(
        self, messages: AsyncIterator[acts_pb2.SubmitBulkRequest]
    ) -> AsyncIterator[acts_pb2.BulkAnswer]:
        """Answers to many submissions, as they come. Not tried again: the caller knows what is left.

        Raises: HubUnavailable where the stream breaks off.
        """
        stub = acts_pb2_grpc.ActServiceStub(await self._channel.get())
        try:
            async for response in stub.SubmitBulk(messages):
                for answer in response.answers:
                    yield answer
        except grpc.RpcError as error:
            raise await self._explained(error) from None

    # --- notices ----------------------------------------------------------------------------------

    async def get_notice(self, originator: str, notice_id: str) -> events_pb2.NoticeRecord:
        """A notice as it stands, verified.

        Raises: NotFound; VerificationFailed and InputRefused where it does not verify.
        """
        request = events_pb2.GetNoticeRequest(
            originator=originator, notice_id=notice_id, known_size=self.trust.size
        )
        response = await self._call(events_pb2_grpc.NoticeServiceStub, "GetNotice", request)
        await self._accept_records([response.notice], response.proof)
        return response.notice

    async def list_notices(
        self, request: events_pb2.ListNoticesRequest
    ) -> events_pb2.ListNoticesResponse:
        """A page of notices, verified."""
        request.known_size = self.trust.size
        response = await self._call(events_pb2_grpc.NoticeServiceStub, "ListNotices", request)
        await self._accept_records(response.notices, response.proof)
        return response

    async def _accept_records(
        self, records: Sequence[events_pb2.NoticeRecord], proof: ledger_pb2.LedgerProof
    ) -> None:
        acts = [
            getattr(record, name)
            for record in records
            for name in ("version", "withdrawal", "addressing")
            if record.HasField(name)
        ]
        await self.accept_proof(proof, [act.leaf for act in acts])
        await self.refresh_roster()
        for record in records:
            self.trust.verify_record(record)

    # --- the ledger -------------------------------------------------------------------------------

    async def get_checkpoint(self) -> Checkpoint:
        """The newest checkpoint, verified to go on from the remembered one."""
        response = await self._call(
            ledger_pb2_grpc.LedgerServiceStub, "GetCheckpoint", ledger_pb2.GetCheckpointRequest()
        )
        await self.accept_proof(ledger_pb2.LedgerProof(checkpoint=response.checkpoint), [])
        return self.trust.open_note(response.checkpoint)

    async def prove_inclusion(
        self, entry_index: int, *, ledger_size: int
    ) -> ledger_pb2.ProveInclusionResponse:
        """An inclusion path, not verified."""
        request = ledger_pb2.ProveInclusionRequest(entry_index=entry_index, ledger_size=ledger_size)
        return await self._call(ledger_pb2_grpc.LedgerServiceStub, "ProveInclusion", request)

    async def prove_consistency(
        self, from_size: int, *, to_size: int
    ) -> ledger_pb2.ProveConsistencyResponse:
        """A consistency path, not verified."""
        request = ledger_pb2.ProveConsistencyRequest(from_size=from_size, to_size=to_size)
        return await self._call(ledger_pb2_grpc.LedgerServiceStub, "ProveConsistency", request)

    async def list_entries(
        self, first_index: int, *, limit: int = 0
    ) -> ledger_pb2.ListEntriesResponse:
        """Leaf hashes and readable entries, not verified."""
        request = ledger_pb2.ListEntriesRequest(first_index=first_index, limit=limit)
        return await self._call(ledger_pb2_grpc.LedgerServiceStub, "ListEntries", request)

    async def list_agency_keys(self, first_index: int) -> roster_pb2.ListAgencyKeysResponse:
        """A page of roster entries, verified to lie in the ledger."""
        request = roster_pb2.ListAgencyKeysRequest(
            first_index=first_index, known_size=self.trust.size
        )
        response = await self._call(roster_pb2_grpc.AgencyServiceStub, "ListAgencyKeys", request)
        await self.accept_proof(response.proof, response.entries)
        return response

    async def refresh_roster(self) -> None:
        """Brings the roster up to date.

        Raises: LedgerForked where the hub leaves an entry out.
        """
        while True:
            last = self.trust.roster.last_entry
            response = await self.list_agency_keys(0 if last is None else last + 1)
            for leaf in response.entries:
                known = self.trust.roster.last_entry
                if known is None or leaf.entry_index > known:
                    self.trust.add_roster_leaf(leaf)
                    self.new_roster_leaves.append(leaf)
            if not response.more:
                return

    async def accept_proof(
        self, proof: ledger_pb2.LedgerProof, leaves: Sequence[ledger_pb2.LedgerLeaf]
    ) -> Checkpoint:
        """Accepts what a hub says of its ledger, or refuses it.

        1. The checkpoint is signed under the accepted origin.
        2. The entries lie in its tree.
        3. It goes on from the remembered checkpoint: by the path that came with it, else by one that
           is asked for. An answer that was overtaken by a newer one has to be an earlier state of it.

        Raises: EpochChanged, CheckpointInvalid, ProofInvalid, LedgerRolledBack, LedgerForked.
        """
        trust = self.trust
        checkpoint = trust.open_note(proof.checkpoint)  # 1
        trust.verify_leaves(checkpoint, leaves, proof.members_path)  # 2
        known = trust.checkpoint  # 3
        if known is None or checkpoint.size == known.size:
            trust.advance(checkpoint, [])
        elif checkpoint.size < known.size:
            await self._accept_earlier(checkpoint)
        elif proof.consistent_from == known.size:
            trust.advance(checkpoint, proof.consistency_path)
        else:
            await self._accept_by_asking(checkpoint, known.size)
        return checkpoint

    async def _accept_by_asking(self, checkpoint: Checkpoint, known_size: int) -> None:
        response = await self.prove_consistency(known_size, to_size=checkpoint.size)
        if self.trust.size == known_size:
            self.trust.advance(checkpoint, response.consistency_path)
        elif checkpoint.size < self.trust.size:
            await self._accept_earlier(checkpoint)
        else:
            await self._accept_by_asking(checkpoint, self.trust.size)

    async def _accept_earlier(self, checkpoint: Checkpoint) -> None:
        """An answer older than what is known by now: honest where it was only overtaken."""
        known_size = self.trust.size
        try:
            response = await self.prove_consistency(checkpoint.size, to_size=known_size)
        except MalformedInput:
            self.trust.advance(checkpoint, [])  # The hub has no such size any longer: says so.
            raise LedgerRolledBack() from None
        self.trust.verify_earlier(checkpoint, response.consistency_path)

    # --- watches ----------------------------------------------------------------------------------

    async def open_watch(
        self, commands: AsyncIterator[watches_pb2.WatchEventsRequest]
    ) -> AsyncIterator[watches_pb2.WatchEventsResponse]:
        """The raw stream of a watch, not verified and not opened again: `watching.py` does both.

        Raises: the hub's error that ended it; HubUnavailable.
        """
        stub = watches_pb2_grpc.WatchServiceStub(await self._channel.get())
        try:
            async for response in stub.WatchEvents(commands):
                yield response
        except grpc.RpcError as error:
            raise await self._explained(error) from None

    # --- calls ------------------------------------------------------------------------------------

    async def _call(self, stub_class: Any, name: str, request: Any) -> Any:
        """Calls, and again where the hub could not answer. Every call here may be made twice."""
        delay = FIRST_DELAY_SECONDS
        for attempt in range(1, MAX_TRIES + 1):
            try:
                stub = stub_class(await self._channel.get())
                return await getattr(stub, name)(request, timeout=CALL_SECONDS)
            except grpc.RpcError as error:
                failure = error_from_rpc(error)
                if attempt == MAX_TRIES or not _may_try_again(failure):
                    raise await self._explained(error) from None
            await self._sleep(self.jittered(delay))
            delay = min(delay * 2, MAX_DELAY_SECONDS)
        raise HubUnreachable()

    async def pause(self, seconds: float) -> None:
        """Waits, by the clock that the client was given."""
        await self._sleep(seconds)

    def jittered(self, delay: float) -> float:
        """A delay between nothing and the given one, so that clients do not come back as one."""
        return self._uniform(0.0, delay)

    async def _explained(self, error: grpc.RpcError) -> ComityError:
        failure = error_from_rpc(error)
        if isinstance(failure, HubUnreachable):
            return await self._channel.explain_unreachable()
        return failure


def _may_try_again(failure: ComityError) -> bool:
    return isinstance(failure, HubUnavailable) and not isinstance(failure, QuotaExceeded)
