"""Whom a rule names, and when one rule is as wide as another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.addressing import is_as_wide, resolve_rule, rule_names
from comity.errors import AddressingInvalid
from comity.identity import AgencyId
from comity.v1.acts_pb2 import AddressingRule

UNITS = ("A1", "B2")
AGENCIES = [AgencyId(f"{country}-{unit}") for country in ("FR", "BR", "KE") for unit in UNITS]
MEMBERS = frozenset(AGENCIES)
agencies = st.lists(st.sampled_from(AGENCIES), unique=True, max_size=3)
countries = st.lists(st.sampled_from(["FR", "BR", "KE"]), unique=True, max_size=2)
rules = st.builds(
    AddressingRule,
    agencies=agencies,
    countries=countries,
    all_members=st.booleans(),
    except_agencies=agencies,
    except_countries=countries,
)


@given(rules, rules)
def test_a_rule_said_to_be_as_wide_names_all_that_the_other_names(
    rule: AddressingRule, other: AddressingRule
) -> None:
    if is_as_wide(rule, other):
        assert not [a for a in AGENCIES if rule_names(other, a) and not rule_names(rule, a)]


@given(rules)
def test_a_rule_is_as_wide_as_itself(rule: AddressingRule) -> None:
    assert is_as_wide(rule, rule)


@pytest.mark.parametrize(
    ("rule", "other", "expected"),
    [
        ({"all_members": True}, {"countries": ["KE"]}, True),
        ({"agencies": ["KE-A1", "KE-B2"]}, {"all_members": True}, False),
        ({"countries": ["KE"]}, {"agencies": ["KE-A1"]}, True),
        ({"agencies": ["KE-A1"]}, {"countries": ["KE"]}, False),
        ({"all_members": True, "except_agencies": ["FR-A1"]}, {"all_members": True}, False),
        (
            {"all_members": True},
            {"all_members": True, "except_agencies": ["FR-A1"]},
            True,
        ),
        ({"all_members": True, "except_countries": ["FR"]}, {"countries": ["KE"]}, True),
        ({"all_members": True, "except_countries": ["KE"]}, {"agencies": ["KE-A1"]}, False),
    ],
    ids=str,
)
def test_one_rule_is_as_wide_as_another(
    rule: dict[str, object], other: dict[str, object], expected: bool
) -> None:
    wide, narrow = AddressingRule(**rule), AddressingRule(**other)  # type: ignore[arg-type]
    assert expected == is_as_wide(wide, narrow)


@given(rules)
def test_what_a_rule_resolves_to_is_what_it_names(rule: AddressingRule) -> None:
    expected = frozenset(a for a in AGENCIES if a != "FR-A1" and rule_names(rule, a))
    try:
        found = resolve_rule(rule, originator=AgencyId("FR-A1"), members=MEMBERS)
    except AddressingInvalid:
        assert not expected or not (rule.all_members or rule.agencies or rule.countries)
    else:
        assert expected == found


def test_every_term_at_fault_is_named() -> None:
    rule = AddressingRule(agencies=["XK-NONE", "nobody"], countries=["Q7"])

    with pytest.raises(AddressingInvalid) as refused:
        resolve_rule(rule, originator=AgencyId("FR-A1"), members=MEMBERS)

    said = str(refused.value)
    assert all(term in said for term in ("XK-NONE", "nobody", "Q7"))


def test_a_term_that_stands_twice_is_refused() -> None:
    rule = AddressingRule(agencies=["FR-A1", "FR-A1"])

    with pytest.raises(AddressingInvalid, match="twice"):
        resolve_rule(rule, originator=AgencyId("KE-A1"), members=MEMBERS)
