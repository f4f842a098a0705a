"""Default deny: every RPC of the contract has a rule, and no rule is for nothing."""

from __future__ import annotations

from types import ModuleType

from comity.v1 import (
    acts_pb2,
    directory_pb2,
    enrolment_pb2,
    events_pb2,
    ledger_pb2,
    membership_pb2,
    officers_pb2,
    reviews_pb2,
    roster_pb2,
    sessions_pb2,
    watches_pb2,
)
from hub.rpc.enrolment_guard import ENROLMENT_RULES
from hub.rpc.table import RULES

HEALTH = "/grpc.health.v1.Health/Check"


def rpcs_of(*modules: ModuleType) -> set[str]:
    return {
        f"/{service.full_name}/{method.name}"
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def test_every_rpc_of_the_contract_is_in_the_table() -> None:
    modules = (
        acts_pb2,
        directory_pb2,
        events_pb2,
        ledger_pb2,
        membership_pb2,
        officers_pb2,
        reviews_pb2,
        roster_pb2,
        sessions_pb2,
        watches_pb2,
    )

    assert rpcs_of(*modules) | {HEALTH} == set(RULES)


def test_nothing_but_enrolment_is_served_to_somebody_unknown() -> None:
    assert rpcs_of(enrolment_pb2) == set(ENROLMENT_RULES)
