"""Default deny: every RPC of the contract has a rule, and no rule is for nothing."""

from __future__ import annotations

from comity.v1 import (
    acts_pb2,
    events_pb2,
    ledger_pb2,
    officers_pb2,
    roster_pb2,
    sessions_pb2,
    watches_pb2,
)
from hub.rpc.table import RULES

HEALTH = "/grpc.health.v1.Health/Check"


def test_every_rpc_of_the_contract_is_in_the_table() -> None:
    modules = (
        acts_pb2,
        events_pb2,
        ledger_pb2,
        officers_pb2,
        roster_pb2,
        sessions_pb2,
        watches_pb2,
    )
    rpcs = {
        f"/{service.full_name}/{method.name}"
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }

    assert rpcs | {HEALTH} == set(RULES)
