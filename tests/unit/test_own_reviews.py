"""How one's own notices stand while the hub's reviewers look at them, as far as it was heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.held import find_standing
from agency_client.inbox import KeptWindow
from agency_client.notice_standing import is_listed
from agency_client.submission import Submitting
from agency_client.watching import verify_each
from comity.acts import parse_act
from comity.errors import NotFound
from comity.minimum.policy import builtin_policy
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2
from tests.unit.client_desk import FRANCE, GERMANY, ClientDesk
from tests.unit.small_ledger import NOW

OWN = "DE-BKA"
RED = notices_pb2.NOTICE_KIND_RED


TERMS: dict[str, Any] = {"traffic": 1, "expires_at": timestamp_from(NOW + timedelta(days=90))}


class Reviewed(ClientDesk):
    """Germany's desk, with notices of its own before a hub that reviews."""

    is_waiting = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.hub.answers["GetNotice"] = self._get_notice
        self.id = self.ledger.new_id()
        self.entries: list[int] = []

    def _get_notice(self, request: events_pb2.GetNoticeRequest) -> Any:
        if not self.is_waiting:
            return NotFound()
        index = self.entries_of()[-1]
        record = events_pb2.NoticeRecord(
            state=events_pb2.NOTICE_STATE_IN_REVIEW, originator=OWN, notice_id=self.id
        )
        record.version.CopyFrom(self.ledger.event(events_pb2.EVENT_KIND_PUBLISHED, index).act)
        record.version.leaf.CopyFrom(self.ledger.leaf(index))
        proof = self.ledger.proof([index], known_size=request.known_size)
        return events_pb2.GetNoticeResponse(notice=record, proof=proof)

    def entries_of(self) -> list[int]:
        """The entries of the versions, the newest last."""
        kinds = {
            i: parse_act(acts[0]).act.WhichOneof("body") for i, acts in self.ledger.acts.items()
        }
        return [i for i, kind in kinds.items() if kind == "version"]

    async def submit(self, number: int) -> int:
        """Submits a version; gives its entry."""
        notice = notices_pb2.Notice(notice_id=self.id, version=number, kind=RED, **TERMS)
        envelope = self.ledger.version(OWN, GERMANY, notice=notice)
        await Submitting(self.agency).send(acts_pb2.SubmitActsRequest(acts=[envelope]))
        return self.entries_of()[-1]

    def decide(self, change: str, version_entry: int) -> None:
        """Hears what reviewers decided."""
        kind = events_pb2.EventKind.Value(f"EVENT_KIND_{change}")
        entry = self.ledger.decide(
            ledger_pb2.NoticeChange.Value(f"NOTICE_CHANGE_{change}"), version_entry
        )
        self._hear(self.ledger.event(kind, entry))

    def let_out(self, version_entry: int, kind: events_pb2.EventKind.ValueType) -> None:
        """Hears that reviewers let a version out."""
        entry = self.ledger.decide(ledger_pb2.NOTICE_CHANGE_PUBLISHED, version_entry)
        self._hear(self.ledger.event(kind, entry, act_entry=version_entry))

    def _hear(self, event: events_pb2.Event) -> None:
        trust = self.agency.trust
        proof = self.ledger.proof(known_size=trust.size)
        trust.advance(trust.open_note(self.ledger.note()), proof.consistency_path)
        verified, quarantined = verify_each([event], trust)
        assert not quarantined
        self.inbox.commit_window("w", KeptWindow(verified, [], self.ledger.size), trust)

    def state(self) -> str:
        return find_standing(self.agency, OWN, self.id).state


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Reviewed]:
    made = Reviewed(tmp_path)
    yield made
    made.inbox.close()


@pytest.mark.parametrize(
    ("change", "state"), [("RETURNED", "returned"), ("REFUSED", "refused"), (None, "in review")]
)
async def test_a_first_version_stands_as_reviewers_decided(
    desk: Reviewed, change: str | None, state: str
) -> None:
    entry = await desk.submit(1)
    if change is not None:
        desk.decide(change, entry)

    assert desk.state() == state
    assert is_listed(desk.state())


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("RETURNED", "correction returned"),
        ("REFUSED", "correction refused"),
        (None, "correction in review"),
    ],
)
async def test_a_correction_that_waits_does_not_end_what_is_out(
    desk: Reviewed, change: str | None, state: str
) -> None:
    first = await desk.submit(1)
    desk.let_out(first, events_pb2.EVENT_KIND_PUBLISHED)
    before = desk.state()
    second = await desk.submit(2)
    if change is not None:
        desk.decide(change, second)
    waiting = desk.state()
    desk.let_out(second, events_pb2.EVENT_KIND_NEW_VERSION)

    assert (before, waiting, desk.state()) == ("in force", state, "in force")


async def test_what_the_hub_does_not_review_is_in_force_at_once(desk: Reviewed) -> None:
    desk.is_waiting = False

    await desk.submit(1)

    assert desk.state() == "in force"
    assert builtin_policy().review(notices_pb2.Notice(kind=RED)).is_before_publication


async def test_what_was_announced_and_is_out_now_is_in_force(desk: Reviewed) -> None:
    notice = notices_pb2.Notice(notice_id=desk.id, version=1, **TERMS)
    version = desk.ledger.publish("FR-NCB", FRANCE, notice=notice)
    entry = desk.ledger.decide(ledger_pb2.NOTICE_CHANGE_PROCESSING, version)
    desk._hear(desk.ledger.event(events_pb2.EVENT_KIND_PROCESSING, entry))
    notice_id = desk.notice_id(version)
    announced = find_standing(desk.agency, "FR-NCB", notice_id).state
    desk.let_out(version, events_pb2.EVENT_KIND_PUBLISHED)

    assert announced == "in review"
    assert find_standing(desk.agency, "FR-NCB", notice_id).state == "in force"
