"""From files to signed acts: drafts, addressing, and what is filled in."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from agency_client.addressing import (
    option_violations,
    rule_from_terms,
    unmatched_countries,
    wider_rule,
)
from agency_client.checking import check_notices, require_sound
from agency_client.draft_form import MAX_CHOICES
from agency_client.drafts import load_drafts, parse_draft
from agency_client.profile import Profile
from agency_client.signing import DEFAULT_LIFE, ActSigner
from comity.acts import parse_act, verify_act
from comity.addressing import resolve_rule
from comity.errors import AddressingInvalid, MalformedInput, NoticeInvalid
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.minimum.policy import builtin_policy
from comity.notices import verify_notice
from comity.times import datetime_from_timestamp
from comity.v1.acts_pb2 import WITHDRAWAL_REASON_OTHER, AddressingRule
from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, TRAFFIC_LIVE, LocalizedText, NoticeKind
from tests.unit.small_ledger import DOMAIN, NOW, SmallLedger

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "notice-red.json"
KEY = generate_private_key(ED25519)
NOTICE_ID = "01a20d6d-5a00-7000-8000-000000000001"
RULE = AddressingRule(all_members=True)


def make_signer() -> ActSigner:
    profile = Profile(Path("unused"), AgencyId("FR-NCB"), DOMAIN, "127.0.0.1:8443")
    return ActSigner(profile, keys=[KEY], clock=lambda: NOW, new_id=SmallLedger().new_id)


def document(**changes: Any) -> str:
    return json.dumps({**json.loads(EXAMPLE.read_text()), **changes})


def test_what_a_draft_leaves_out_is_filled_in() -> None:
    [draft] = load_drafts([EXAMPLE], traffic=TRAFFIC_LIVE)
    notice = make_signer().completed(draft.notice)

    verify_notice(notice)
    assert notice.version == 1
    assert notice.traffic == TRAFFIC_LIVE
    assert datetime_from_timestamp(notice.issued_at) == NOW
    assert datetime_from_timestamp(notice.expires_at) == NOW + DEFAULT_LIFE
    assert notice.handling.retain_until.year == 2027
    assert not draft.notice.notice_id


def test_acts_that_belong_together_are_signed_together() -> None:
    [draft] = load_drafts([EXAMPLE], traffic=TRAFFIC_LIVE)
    signer = make_signer()
    request = signer.first_version(signer.completed(draft.notice), RULE)
    version, addressing = (parse_act(envelope) for envelope in request.acts)

    keys = {KEY.public.key_id: KEY.public}
    for act in (version, addressing):
        verify_act(act, hub_domain=DOMAIN, originator=AgencyId("FR-NCB"), keys=keys)
    assert addressing.act.addressing.version_digest == version.digest
    assert version.act.header.issued_at == version.act.version.notice.issued_at
    assert version.act_id != addressing.act_id


def test_the_next_version_names_the_one_before() -> None:
    [draft] = load_drafts([EXAMPLE], traffic=TRAFFIC_LIVE)
    signer = make_signer()
    first = parse_act(signer.first_version(signer.completed(draft.notice), RULE).acts[0])
    [second] = (parse_act(e) for e in signer.next_version(draft.notice, first).acts)

    assert second.notice_id == first.notice_id
    assert second.act.version.notice.version == 2
    assert second.act.version.notice.predecessor_digest == first.digest


def test_another_reason_has_to_be_said() -> None:
    signer = make_signer()
    words = [LocalizedText(language="en", text="Invented", original=True)]
    signer.withdrawal(NOTICE_ID, bytes(32), reason=WITHDRAWAL_REASON_OTHER, details=words)

    with pytest.raises(MalformedInput) as refused:
        signer.withdrawal(NOTICE_ID, bytes(32), reason=WITHDRAWAL_REASON_OTHER)
    assert [violation.field for violation in refused.value.violations] == ["details"]


def test_every_file_at_fault_is_named_at_once(tmp_path: Path) -> None:
    texts = {
        "good.json": document(),
        "unknown.json": document(nonsense=1),
        "array.json": "[]",
        "empty.json": "",
        "lines.jsonl": f"{document()}\n\n{{\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "latin.json").write_bytes(b'{"caseReference": "\xe9"}')
    names = [*texts, "latin.json", "missing.json"]

    with pytest.raises(MalformedInput) as refused:
        load_drafts([tmp_path / name for name in names], traffic=TRAFFIC_LIVE)

    at_fault = [Path(violation.field).name for violation in refused.value.violations]
    expected = ["unknown.json: nonsense", "array.json", "empty.json", "lines.jsonl:3"]
    assert at_fault == [*expected, "latin.json", "missing.json"]


def test_everything_that_a_draft_cannot_hold_is_named_at_once(tmp_path: Path) -> None:
    text = document(
        nonsense=1,
        kind="NOTICE_KIND_PINK",
        caseReference=7,
        narratives={"language": "en"},
        version=True,
        expiresAt=12,
        subjects=[{"person": {"nmes": [], "sex": "SEX_MALE", "titles": [1]}}, "nobody"],
    )
    (tmp_path / "draft.json").write_text(text)

    with pytest.raises(MalformedInput) as refused:
        load_drafts([tmp_path / "draft.json"], traffic=TRAFFIC_LIVE)

    fields = [violation.field.rpartition("json: ")[2] for violation in refused.value.violations]
    assert sorted(fields) == [
        "caseReference",
        "expiresAt",
        "kind",
        "narratives",
        "nonsense",
        "subjects[0].person.nmes",
        "subjects[0].person.titles[0]",
        "subjects[1]",
        "version",
    ]


def test_what_a_code_may_be_and_what_a_time_looks_like_is_said() -> None:
    text = document(kind="NOTICE_KIND_PINK", expiresAt="tomorrow", urgency="NOW")

    with pytest.raises(MalformedInput) as refused:
        parse_draft(text)

    said = {violation.field: violation.description for violation in refused.value.violations}
    assert said["kind"].startswith("'NOTICE_KIND_PINK' is none of NOTICE_KIND_RED, ")
    assert said["kind"].endswith(", ...") == (len(NoticeKind.keys()) > MAX_CHOICES + 1)
    assert "UNSPECIFIED" not in said["urgency"]
    assert said["expiresAt"] == "is no time such as 2027-01-31T12:00:00Z"


@pytest.mark.parametrize("has_names_of_proto", [False, True])
@pytest.mark.parametrize("has_numbers_for_codes", [False, True])
def test_every_form_of_a_notice_that_protobuf_takes_is_taken(
    has_names_of_proto: bool, has_numbers_for_codes: bool
) -> None:
    [draft] = load_drafts([EXAMPLE], traffic=TRAFFIC_LIVE)
    notice = make_signer().completed(draft.notice)
    found = MessageToDict(
        notice,
        preserving_proto_field_name=has_names_of_proto,
        use_integers_for_enums=has_numbers_for_codes,
    )

    assert notice == parse_draft(json.dumps(found | {"version": "1", "sanctionsListing": None}))


def test_every_field_at_fault_of_every_draft_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text(
        f"{document(caseReference='')}\n{document()}\n{document(subjects=[], urgency=0)}\n"
    )
    signer = make_signer()
    drafts = load_drafts([path], traffic=TRAFFIC_LIVE)
    completed = [(draft.source, signer.completed(draft.notice)) for draft in drafts]

    with pytest.raises(NoticeInvalid) as refused:
        require_sound(list(check_notices(completed, builtin_policy())))

    fields = [violation.field.rpartition("/")[2] for violation in refused.value.violations]
    assert fields == [
        "many.jsonl:1: caseReference",
        "many.jsonl:3: urgency",
        "many.jsonl:3: subjects",  # none, by the form
        "many.jsonl:3: subjects",  # nobody wanted, by the legal minimum
    ]


def test_live_and_exercise_are_never_mistaken_for_each_other(tmp_path: Path) -> None:
    for traffic in ("TRAFFIC_LIVE", "TRAFFIC_EXERCISE"):
        (tmp_path / f"{traffic}.json").write_text(document(traffic=traffic))
    live, exercise = (tmp_path / f"{name}.json" for name in ("TRAFFIC_LIVE", "TRAFFIC_EXERCISE"))

    assert load_drafts([exercise], traffic=TRAFFIC_LIVE)[0].notice.traffic == TRAFFIC_EXERCISE
    assert load_drafts([EXAMPLE], traffic=TRAFFIC_EXERCISE)[0].notice.traffic == TRAFFIC_EXERCISE
    with pytest.raises(MalformedInput):
        load_drafts([live], traffic=TRAFFIC_EXERCISE)


def test_terms_state_a_rule() -> None:
    rule = rule_from_terms(["DE-BKA,BR", "ZZ", "all"], exceptions=["KE-NCB", "UG"])

    assert rule == AddressingRule(
        agencies=["DE-BKA"],
        countries=["BR", "ZZ"],
        all_members=True,
        except_agencies=["KE-NCB"],
        except_countries=["UG"],
    )


def test_every_term_at_fault_is_named_at_once() -> None:
    with pytest.raises(AddressingInvalid) as refused:
        rule_from_terms(["DE-BKA", "de-bka", "QQ", "", "ALL"], exceptions=["all"])

    assert [violation.field for violation in refused.value.violations] == ["to"] * 4 + ["except"]


def test_what_is_wrong_with_a_rule_is_said_by_its_options() -> None:
    members = [AgencyId("FR-NCB"), AgencyId("BR-NCB")]
    rule = AddressingRule(countries=["KE"], except_agencies=["DE-BKA"])
    with pytest.raises(AddressingInvalid) as refused:
        resolve_rule(rule, originator=AgencyId("FR-NCB"), members=members)

    violations = option_violations(refused.value, rule, members=members)

    assert [(violation.field, violation.description) for violation in violations] == [
        ("--to", "no member is of KE"),
        ("--except", "'DE-BKA' is not a member"),
    ]


def test_a_country_that_is_excluded_and_has_no_member_is_found() -> None:
    rule = AddressingRule(all_members=True, except_countries=["BR", "KE"])

    assert unmatched_countries(rule, members=[AgencyId("BR-NCB")]) == ["KE"]


def test_a_wider_rule_names_everybody_that_was_named() -> None:
    current = AddressingRule(
        agencies=["DE-BKA", "XK-OLD"], countries=["BR"], except_agencies=["BR-PF", "BR-OLD"]
    )
    added = AddressingRule(agencies=["BR-PF"], countries=["KE"], and_later_members=True)
    members = [AgencyId(a) for a in ("DE-BKA", "BR-PF", "BR-NCB", "KE-NCB")]

    assert wider_rule(current, added, members=members) == AddressingRule(
        agencies=["BR-PF", "DE-BKA"], countries=["BR", "KE"], and_later_members=True
    )


def test_a_draft_names_its_own_expiry(tmp_path: Path) -> None:
    moment = NOW + timedelta(days=3)
    path = tmp_path / "short.json"
    path.write_text(document(expiresAt=moment.isoformat()))
    [draft] = load_drafts([path], traffic=TRAFFIC_LIVE)
    notice = make_signer().completed(draft.notice)

    assert datetime_from_timestamp(notice.expires_at) == moment
    assert (notice.handling.retain_until.month, notice.handling.retain_until.day) == (11, 27)
