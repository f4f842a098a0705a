"""Bad acts over the wire: each refused with its own reason, and a good one after them taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from agency_client.agency import Agency
from comity.acts import PAYLOAD_TYPES, WITHDRAWAL, message_from_envelope
from comity.envelope import sign_payload
from comity.errors import (
    AddressingInvalid,
    ComityError,
    IdReused,
    IssuedInFuture,
    IssuedTooLongAgo,
    MalformedInput,
    NotFound,
    NoticeExpired,
    NoticeInvalid,
    SignatureInvalid,
    SigningKeyUnknown,
    TooLarge,
    UnknownFields,
    WrongHub,
    WrongOriginator,
)
from comity.keys import ED25519, generate_private_key
from comity.times import timestamp_from
from comity.v1 import acts_pb2, notices_pb2
from tests.integration.drafts import Acts, Draft, new_id


def tampered(draft: Draft) -> Acts:
    acts = draft.acts()
    acts[0].payload = acts[0].payload.replace(b"EXAMPLE", b"EXAMPLF")
    return acts


def by_an_unknown_key(draft: Draft) -> Acts:
    draft.keys = [generate_private_key(ED25519)]
    return draft.acts()


def by_another_key_under_its_id(draft: Draft) -> Acts:
    acts = draft.acts()
    other = sign_payload(
        acts[0].payload,
        payload_type=acts[0].payload_type,
        keys=[generate_private_key(ED25519)],
    )
    acts[0].signatures[0].value = other.signatures[0].value
    return acts


def unsigned(draft: Draft) -> Acts:
    acts = draft.acts()
    del acts[0].signatures[:]
    return acts


def signed_as_something_else(draft: Draft) -> Acts:
    acts = draft.acts()
    other = sign_payload(acts[0].payload, payload_type=PAYLOAD_TYPES[WITHDRAWAL], keys=draft.keys)
    acts[0].signatures[0].value = other.signatures[0].value
    return acts


def shown_as_something_else(draft: Draft) -> Acts:
    acts = draft.acts()
    acts[0].CopyFrom(
        message_from_envelope(
            sign_payload(acts[0].payload, payload_type=PAYLOAD_TYPES[WITHDRAWAL], keys=draft.keys)
        )
    )
    return acts


def with_unknown_field(draft: Draft) -> Acts:
    known = draft.notice.SerializeToString()
    draft.notice = notices_pb2.Notice.FromString(known + b"\xfa\x7f\x01x")  # field 2047
    return draft.acts()


def with_unknown_field_deep_inside(draft: Draft) -> Acts:
    name = draft.notice.subjects[0].person.names[0]
    name.MergeFromString(b"\xfa\x7f\x01x")
    return draft.acts()


def for_another_hub(draft: Draft) -> Acts:
    draft.header.hub_domain = "other.example"
    return draft.acts()


def as_another_agency(draft: Draft) -> Acts:
    draft.header.originator = "BR-NCB"
    return draft.acts()


def issued_ahead(draft: Draft) -> Acts:
    draft.notice.issued_at.CopyFrom(timestamp_from(datetime.now(UTC) + timedelta(minutes=11)))
    return draft.acts()


def issued_long_ago(draft: Draft) -> Acts:
    draft.notice.issued_at.CopyFrom(timestamp_from(datetime.now(UTC) - timedelta(days=31)))
    return draft.acts()


def expired(draft: Draft) -> Acts:
    now = datetime.now(UTC)
    draft.notice.issued_at.CopyFrom(timestamp_from(now - timedelta(days=2)))
    draft.notice.expires_at.CopyFrom(timestamp_from(now - timedelta(days=1)))
    return draft.acts()


def without_addressing(draft: Draft) -> Acts:
    return [draft.version()]


def without_a_rule(draft: Draft) -> Acts:
    draft.rule = acts_pb2.AddressingRule()
    return draft.acts()


def to_nobody(draft: Draft) -> Acts:
    draft.rule = acts_pb2.AddressingRule(
        all_members=True, except_countries=["BR", "KE", "ZZ", "XK"]
    )
    return draft.acts()


def to_an_unknown_agency(draft: Draft) -> Acts:
    draft.rule = acts_pb2.AddressingRule(agencies=["XK-NONE"])
    return draft.acts()


def with_the_addressing_of_another_version(draft: Draft) -> Acts:
    version = draft.version()
    draft.digest = bytes(32)
    return [version, draft.addressing()]


def with_the_addressing_of_another_notice(draft: Draft) -> Acts:
    version = draft.version()
    draft.notice.notice_id = new_id()
    return [version, draft.addressing()]


def twice_the_version(draft: Draft) -> Acts:
    return [draft.version(), draft.version()]


def with_control_characters(draft: Draft) -> Acts:
    draft.notice.case_reference = "A\x1b[31m"
    return draft.acts()


def with_an_overlong_name(draft: Draft) -> Acts:
    draft.notice.subjects[0].person.names[0].full = "E" * 513
    return draft.acts()


def with_a_notice_past_the_limit(draft: Draft) -> Acts:
    for _ in range(60):
        draft.notice.narratives.add(language="en", text="SAMPLE " * 700)
    return draft.acts()


def with_an_act_id_of_no_form(draft: Draft) -> Acts:
    draft.header.act_id = "../../etc/passwd"
    return draft.acts()


def following_what_is_not_there(draft: Draft) -> Acts:
    draft.digest = bytes(32)
    return [draft.next_version()]


SPOILT = [
    (tampered, SignatureInvalid),
    (by_an_unknown_key, SigningKeyUnknown),
    (by_another_key_under_its_id, SignatureInvalid),
    (unsigned, SigningKeyUnknown),
    (signed_as_something_else, SignatureInvalid),
    (shown_as_something_else, MalformedInput),
    (with_unknown_field, UnknownFields),
    (with_unknown_field_deep_inside, UnknownFields),
    (for_another_hub, WrongHub),
    (as_another_agency, WrongOriginator),
    (issued_ahead, IssuedInFuture),
    (issued_long_ago, IssuedTooLongAgo),
    (expired, NoticeExpired),
    (without_addressing, AddressingInvalid),
    (without_a_rule, AddressingInvalid),
    (to_nobody, AddressingInvalid),
    (to_an_unknown_agency, AddressingInvalid),
    (with_the_addressing_of_another_version, AddressingInvalid),
    (with_the_addressing_of_another_notice, MalformedInput),
    (twice_the_version, MalformedInput),
    (with_control_characters, NoticeInvalid),
    (with_an_overlong_name, NoticeInvalid),
    (with_a_notice_past_the_limit, TooLarge),
    (with_an_act_id_of_no_form, MalformedInput),
    (following_what_is_not_there, NotFound),
]


@pytest.mark.parametrize(("spoil", "expected"), SPOILT, ids=[s.__name__ for s, _ in SPOILT])
@pytest.mark.threat("T16")
async def test_a_bad_act_is_refused_with_its_reason(
    france: Agency, draft: Draft, spoil: Callable[[Draft], Acts], expected: type[ComityError]
) -> None:
    with pytest.raises(expected):
        await france.client.submit_acts(spoil(draft))

    good = await france.client.submit_acts(Draft(france.profile.load_signing_keys()).acts())
    assert not good.duplicate


async def test_every_field_at_fault_is_named(france: Agency, draft: Draft) -> None:
    draft.notice.case_reference = "A\x00"
    draft.notice.subjects[0].person.names[0].full = ""
    draft.notice.urgency = 77  # type: ignore[assignment]

    with pytest.raises(NoticeInvalid) as refused:
        await france.client.submit_acts(draft.acts())

    fields = {violation.field for violation in refused.value.violations}
    assert {"case_reference", "subjects[0].person.names[0].full", "urgency"} <= fields


@pytest.mark.threat("T12")
async def test_another_agencys_signed_acts_are_refused(brazil: Agency, draft: Draft) -> None:
    with pytest.raises(WrongOriginator):
        await brazil.client.submit_acts(draft.acts())


@pytest.mark.threat("T14")
async def test_the_same_acts_again_give_the_same_entry_and_other_bytes_are_refused(
    france: Agency, draft: Draft
) -> None:
    acts = draft.acts()

    first = await france.client.submit_acts(acts)
    again = await france.client.submit_acts(acts)
    assert again.duplicate
    assert first.receipt.entry_index == again.receipt.entry_index
    assert first.receipt.entry == again.receipt.entry

    draft.notice.case_reference = "SAMPLE-OTHER"
    with pytest.raises(IdReused):
        await france.client.submit_acts(draft.acts())
