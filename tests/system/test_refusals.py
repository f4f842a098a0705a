"""Bad acts over the wire: each refused with its own reason, and a good one after them taken."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse

from agency_client.agency import Agency, open_agency
from agency_client.profile import load_profile
from comity.acts import sign_act
from comity.errors import (
    AddressingInvalid,
    ComityError,
    IdReused,
    IssuedInFuture,
    IssuedTooLongAgo,
    NotFound,
    NoticeInvalid,
    SignatureInvalid,
    UnknownFields,
    WrongHub,
    WrongOriginator,
)
from comity.identifiers import uuid7_from
from comity.keys import PrivateKey
from comity.times import timestamp_from
from comity.v1 import acts_pb2, notices_pb2
from deploy.stage import DOMAIN, EXAMPLES, Stage

Acts = list[acts_pb2.Envelope]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    world = Stage(tmp_path_factory.mktemp("refusals"))
    for agency in ("FR-NCB", "BR-NCB"):
        world.admit(agency)
    world.start_hub()
    yield world
    world.stop_hub()


@pytest.fixture
async def agency(served: Stage) -> AsyncIterator[Agency]:
    async with open_agency(load_profile(served.folder / "agencies" / "FR-NCB")) as opened:
        yield opened


class Draft:
    """A good submission, of which a test spoils one thing."""

    def __init__(self, keys: list[PrivateKey]) -> None:
        self.keys = keys
        now = datetime.now(UTC)
        text = Path(EXAMPLES / "notice-red.json").read_text(encoding="utf-8")
        self.notice = Parse(text, notices_pb2.Notice())
        self.notice.notice_id = new_id()
        self.notice.version = 1
        self.notice.traffic = notices_pb2.TRAFFIC_LIVE
        self.notice.issued_at.CopyFrom(timestamp_from(now))
        self.notice.expires_at.CopyFrom(timestamp_from(now + timedelta(days=30)))
        year = now.year + 1
        retain = notices_pb2.CalendarDate(year=year, month=1, day=1)
        self.notice.handling.retain_until.CopyFrom(retain)
        self.header = acts_pb2.ActHeader(hub_domain=DOMAIN, originator="FR-NCB", act_id=new_id())
        self.rule = acts_pb2.AddressingRule(agencies=["BR-NCB"])

    def version(self) -> acts_pb2.Envelope:
        self.header.issued_at.CopyFrom(self.notice.issued_at)
        version = acts_pb2.VersionAct(notice=self.notice)
        return sign_act(acts_pb2.Act(header=self.header, version=version), self.keys)

    def acts(self) -> Acts:
        version = self.version()
        header = acts_pb2.ActHeader()
        header.CopyFrom(self.header)
        header.act_id = new_id()
        addressing = acts_pb2.AddressingAct(
            notice_id=self.notice.notice_id,
            version_digest=hashlib.sha256(version.payload).digest(),
            rule=self.rule,
        )
        return [version, sign_act(acts_pb2.Act(header=header, addressing=addressing), self.keys)]


def new_id() -> str:
    return uuid7_from(datetime.now(UTC), secrets.token_bytes(10))


def tampered(draft: Draft) -> Acts:
    acts = draft.acts()
    acts[0].payload = acts[0].payload.replace(b"EXAMPLE", b"EXAMPLF")
    return acts


def with_unknown_field(draft: Draft) -> Acts:
    known = draft.notice.SerializeToString()
    draft.notice = notices_pb2.Notice.FromString(known + b"\xfa\x7f\x01x")  # field 2047
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


def without_addressing(draft: Draft) -> Acts:
    return [draft.version()]


def to_nobody(draft: Draft) -> Acts:
    draft.rule = acts_pb2.AddressingRule(all_members=True, except_countries=["BR", "ZZ"])
    return draft.acts()


def to_an_unknown_agency(draft: Draft) -> Acts:
    draft.rule = acts_pb2.AddressingRule(agencies=["XK-NONE"])
    return draft.acts()


def with_control_characters(draft: Draft) -> Acts:
    draft.notice.case_reference = "A\x1b[31m"
    return draft.acts()


def with_an_overlong_name(draft: Draft) -> Acts:
    draft.notice.subjects[0].person.names[0].full = "E" * 513
    return draft.acts()


def following_what_is_not_there(draft: Draft) -> Acts:
    draft.notice.version = 2
    draft.notice.predecessor_digest = bytes(32)
    return [draft.version()]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (tampered, SignatureInvalid),
        (with_unknown_field, UnknownFields),
        (for_another_hub, WrongHub),
        (as_another_agency, WrongOriginator),
        (issued_ahead, IssuedInFuture),
        (issued_long_ago, IssuedTooLongAgo),
        (without_addressing, AddressingInvalid),
        (to_nobody, AddressingInvalid),
        (to_an_unknown_agency, AddressingInvalid),
        (with_control_characters, NoticeInvalid),
        (with_an_overlong_name, NoticeInvalid),
        (following_what_is_not_there, NotFound),
    ],
)
async def test_a_bad_act_is_refused_with_its_reason(
    agency: Agency, spoil: Callable[[Draft], Acts], expected: type[ComityError]
) -> None:
    with pytest.raises(expected):
        await agency.client.submit_acts(spoil(Draft(agency.profile.load_signing_keys())))

    good = await agency.client.submit_acts(Draft(agency.profile.load_signing_keys()).acts())
    assert not good.duplicate


async def test_the_same_acts_again_give_the_same_entry_and_other_bytes_are_refused(
    agency: Agency,
) -> None:
    draft = Draft(agency.profile.load_signing_keys())
    acts = draft.acts()

    first = await agency.client.submit_acts(acts)
    again = await agency.client.submit_acts(acts)
    assert again.duplicate
    assert first.receipt.entry_index == again.receipt.entry_index
    assert first.receipt.entry == again.receipt.entry

    draft.notice.case_reference = "SAMPLE-OTHER"
    with pytest.raises(IdReused):
        await agency.client.submit_acts(draft.acts())
