"""Acts on a notice that exists: signed with the form that the hub demands, or refused here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agency_client.act_signing import NoticeReference
from agency_client.addressing import narrower_rule
from agency_client.profile import Profile
from agency_client.signing import ActSigner
from comity import acts
from comity.acts import parse_act
from comity.errors import LogInRequired, MalformedInput
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.v1.acts_pb2 import RECALL_OUTCOME_RETAINED, AddressingRule
from comity.v1.notices_pb2 import LocalizedText
from tests.unit.small_ledger import DOMAIN, NOW, SmallLedger

KEY = generate_private_key(ED25519)
ID = SmallLedger().new_id()
NOTICE = NoticeReference("FR-NCB", ID, bytes(32))
WHY = [LocalizedText(language="en", text="why")]


def signer(officer: str = "officer-7") -> ActSigner:
    profile = Profile(Path(), AgencyId("DE-BKA"), DOMAIN, "127.0.0.1:1")
    return ActSigner(profile, keys=[KEY], clock=lambda: NOW, new_id=lambda: ID, officer=officer)


GOOD: dict[acts.ActKind.ValueType, Callable[[ActSigner], Any]] = {
    acts.SUSPENSION: lambda s: s.suspension(NOTICE, reason=WHY),
    acts.RESUMPTION: lambda s: s.resumption(NOTICE, reason=WHY),
    acts.ADDENDUM: lambda s: s.addendum(NOTICE, texts=WHY),
    acts.EXTENSION: lambda s: s.extension(NOTICE, expires_at=NOW, reason=WHY),
    acts.ACKNOWLEDGEMENT: lambda s: s.acknowledgement(NOTICE),
    acts.FLAG: lambda s: s.flag(NOTICE, not_executable=False),
    acts.CUSTODY: lambda s: s.custody(NOTICE, since=NOW, reference="7"),
    acts.RELEASE_REQUEST: lambda s: s.release_request(NOTICE, judicial_use=True, reason=WHY),
    acts.RELEASE_DECISION: lambda s: s.release_decision(
        NOTICE, requested_by="DE-BKA", request_act_id=ID, granted=True
    ),
    acts.ADDRESSING: lambda s: s.narrower_addressing(
        ID, bytes(32), AddressingRule(agencies=["IT-NCB"])
    ),
}
BAD: dict[str, Callable[[ActSigner], Any]] = {
    "reason": lambda s: s.suspension(NOTICE, reason=[]),
    "texts": lambda s: s.addendum(NOTICE, texts=[]),
    "since": lambda s: s.flag(NOTICE, not_executable=True),
    "onward_to": lambda s: s.release_request(NOTICE, reason=WHY),
    "conditions": lambda s: s.release_decision(
        NOTICE, requested_by="DE-BKA", request_act_id=ID, granted=False
    ),
    "provision": lambda s: s.recall_answer(
        "FR-NCB", ID, recall_entry=1, outcome=RECALL_OUTCOME_RETAINED
    ),
}


@pytest.mark.parametrize("kind", GOOD)
def test_an_act_names_its_officer_and_its_notice(kind: acts.ActKind.ValueType) -> None:
    [envelope] = GOOD[kind](signer()).acts

    parsed = parse_act(envelope)
    assert parsed.kind == kind
    assert parsed.act.header.officer == "officer-7"
    assert parsed.notice_id == ID


@pytest.mark.parametrize("fault", BAD)
def test_a_malformed_act_is_never_signed(fault: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        BAD[fault](signer())
    assert refused.value.violations


def test_only_an_officer_acknowledges() -> None:
    with pytest.raises(LogInRequired, match="comity login"):
        signer(officer="").acknowledgement(NOTICE)


def test_an_addressing_that_narrows_says_so() -> None:
    [narrower] = GOOD[acts.ADDRESSING](signer()).acts
    [wider] = signer().wider_addressing(ID, bytes(32), AddressingRule(all_members=True)).acts

    assert parse_act(narrower).body.narrows
    assert not parse_act(wider).body.narrows


@pytest.mark.parametrize(
    ("current", "left_out", "expected"),
    [
        (
            AddressingRule(agencies=["BR-NCB", "KE-NCB"]),
            AddressingRule(except_agencies=["BR-NCB"]),
            AddressingRule(agencies=["KE-NCB"]),
        ),
        (
            AddressingRule(countries=["BR", "KE"], agencies=["BR-PF"]),
            AddressingRule(except_countries=["BR"]),
            AddressingRule(countries=["KE"]),
        ),
        (
            AddressingRule(all_members=True, except_agencies=["IT-NCB"], and_later_members=True),
            AddressingRule(except_agencies=["BR-PF"], except_countries=["KE"]),
            AddressingRule(
                all_members=True,
                except_agencies=["BR-PF", "IT-NCB"],
                except_countries=["KE"],
                and_later_members=True,
            ),
        ),
        (
            AddressingRule(countries=["BR"]),
            AddressingRule(except_agencies=["BR-PF"]),
            AddressingRule(countries=["BR"], except_agencies=["BR-PF"]),
        ),
    ],
    ids=["agency", "country", "all", "agency of a country"],
)
def test_a_narrower_rule_leaves_out_who_is_named(
    current: AddressingRule, left_out: AddressingRule, expected: AddressingRule
) -> None:
    assert narrower_rule(current, left_out) == expected
