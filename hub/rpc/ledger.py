"""LedgerService and AgencyService: what members verify."""

from __future__ import annotations

from typing import Any

import grpc

from comity.v1 import ledger_pb2, ledger_pb2_grpc, roster_pb2, roster_pb2_grpc
from hub.rpc.guard import current_caller
from hub.services.ledger import LedgerService


class LedgerServicer(ledger_pb2_grpc.LedgerServiceServicer):
    """GetCheckpoint, ProveInclusion, ProveConsistency, ListEntries."""

    def __init__(self, ledger: LedgerService) -> None:
        self._ledger = ledger

    async def GetCheckpoint(
        self, request: ledger_pb2.GetCheckpointRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ledger_pb2.GetCheckpointResponse:
        return ledger_pb2.GetCheckpointResponse(checkpoint=self._ledger.checkpoint())

    async def ProveInclusion(
        self, request: ledger_pb2.ProveInclusionRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ledger_pb2.ProveInclusionResponse:
        return await self._ledger.prove_inclusion(request)

    async def ProveConsistency(
        self,
        request: ledger_pb2.ProveConsistencyRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> ledger_pb2.ProveConsistencyResponse:
        return await self._ledger.prove_consistency(request)

    async def ListEntries(
        self, request: ledger_pb2.ListEntriesRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ledger_pb2.ListEntriesResponse:
        return await self._ledger.list_entries(current_caller(), request)


class AgencyServicer(roster_pb2_grpc.AgencyServiceServicer):
    """ListAgencyKeys."""

    def __init__(self, ledger: LedgerService) -> None:
        self._ledger = ledger

    async def ListAgencyKeys(
        self, request: roster_pb2.ListAgencyKeysRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> roster_pb2.ListAgencyKeysResponse:
        return await self._ledger.list_agency_keys(request)
