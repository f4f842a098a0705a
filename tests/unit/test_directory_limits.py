"""Allowances: used up, given back as time passes, and said when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from comity.errors import QuotaExceeded
from comity.identity import AgencyId
from directory.services.limits import (
    AGENCY_CONFIRMATIONS,
    MINUTE,
    Allowance,
    Limits,
    LookUpAllowances,
)

FRANCE = AgencyId("FR-NCB")
FEW = LookUpAllowances(officer_entries=Allowance("entries in a minute", 10, MINUTE))


@dataclass(frozen=True)
class Somebody:
    officer_id: str = "an officer"
    roles: frozenset[Any] = frozenset()


@dataclass(frozen=True)
class Calling:
    agency: AgencyId = FRANCE
    officer: Somebody = Somebody()
    request_id: str = "a request"


def test_what_was_taken_counts_until_its_time_has_passed() -> None:
    now = [0.0]
    limits = Limits(FEW, monotonic=lambda: now[0])
    limits.count_entries(Calling(), 6)
    now[0] = 30.0
    limits.count_entries(Calling(), 4)
    with pytest.raises(QuotaExceeded) as refused:
        limits.count_entries(Calling(), 1)
    now[0] = 60.0
    limits.count_entries(Calling(), 6)
    with pytest.raises(QuotaExceeded):
        limits.count_entries(Calling(), 1)

    assert refused.value.retry_after_seconds == 30.0


def test_more_than_there_ever_is_is_refused_without_a_time() -> None:
    limits = Limits(FEW, monotonic=lambda: 0.0)

    with pytest.raises(QuotaExceeded) as refused:
        limits.count_entries(Calling(), 11)
    assert refused.value.retry_after_seconds is None
    limits.count_entries(Calling(officer=Somebody("another")), 10)


def test_an_agency_does_not_fill_the_ledger_with_confirmations() -> None:
    limits = Limits(monotonic=lambda: 0.0)
    for _ in range(AGENCY_CONFIRMATIONS.most):
        limits.count_confirmation(Calling())

    with pytest.raises(QuotaExceeded, match="may confirm in a day"):
        limits.count_confirmation(Calling())
    limits.count_confirmation(Calling(AgencyId("BR-NCB")))
