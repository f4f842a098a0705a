"""What was received goes on only as its originator allows: in notices and in files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.act_signing import NoticeReference
from agency_client.inbox import HeldNotice
from agency_client.notice_files import handling_head, write_private
from agency_client.onward import require_file_for, require_onward, with_sources
from agency_client.submission import Submitting
from comity.acts import parse_act
from comity.errors import MalformedInput, NotFound, NoticeInvalid, ReleaseRequired
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2
from comity.v1.notices_pb2 import (
    HANDLING_CODE_H0,
    HANDLING_CODE_H2,
    TLP_AMBER,
    Handling,
    LocalizedText,
    Notice,
)
from tests.unit.client_desk import ClientDesk

STRICT = Handling(codes=[HANDLING_CODE_H2], tlp=TLP_AMBER, onward_countries=["IT"])
REASON = [LocalizedText(language="en", text="why")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClientDesk]:
    made = ClientDesk(tmp_path)
    yield made
    made.inbox.close()


def received(desk: ClientDesk, handling: Handling = STRICT) -> tuple[int, HeldNotice]:
    version = desk.publish(handling=handling)
    [held] = desk.inbox.received.find_notices(desk.notice_id(version))
    return version, held


def test_a_draft_takes_its_sources_and_their_conditions(desk: ClientDesk) -> None:
    version, held = received(desk)
    draft = Notice(handling=Handling(codes=[HANDLING_CODE_H0]))

    notice = with_sources(desk.agency, draft, [held.notice_id])

    [source] = notice.sources
    assert source.version_digest == desk.ledger.reference(version)["version_digest"]
    assert list(notice.handling.codes) == [HANDLING_CODE_H0, HANDLING_CODE_H2]
    assert notice.handling.tlp == TLP_AMBER
    assert not draft.sources


def test_sources_that_are_not_here_are_all_named(desk: ClientDesk) -> None:
    missing = [desk.ledger.new_id(), desk.ledger.new_id()]

    with pytest.raises(NotFound) as refused:
        with_sources(desk.agency, Notice(), missing)
    assert len(refused.value.violations) == 2


@pytest.mark.threat("T154")
def test_conditions_have_to_be_carried(desk: ClientDesk) -> None:
    _, held = received(desk)
    notice = with_sources(desk.agency, Notice(), [held.notice_id])
    del notice.handling.codes[:]

    with pytest.raises(NoticeInvalid) as refused:
        require_onward(desk.agency, notice, ["IT-NCB"])
    assert "condition of sources[0]" in refused.value.violations[0].description


@pytest.mark.threat("T154")
def test_whom_handling_forbids_gets_nothing(desk: ClientDesk) -> None:
    _, held = received(desk)
    notice = with_sources(desk.agency, Notice(), [held.notice_id])

    require_onward(desk.agency, notice, ["IT-NCB", "FR-NCB"])
    with pytest.raises(ReleaseRequired, match="comity release ask") as refused:
        require_onward(desk.agency, notice, ["IT-NCB", "KE-NCB", "PE-NCB"])
    assert len(refused.value.violations) == 2


async def release(desk: ClientDesk, version: int, **how: Any) -> None:
    named = desk.ledger.reference(version)
    notice = NoticeReference("FR-NCB", named["notice_id"], named["version_digest"])
    request = desk.agency.signer().release_request(notice, onward_to=["KE-NCB"], reason=REASON)
    await Submitting(desk.agency).send(request)
    terms: dict[str, Any] = {"granted": True, "requested_by": "DE-BKA"} | how
    decision = acts_pb2.ReleaseDecisionAct(
        **named, request_act_id=parse_act(request.acts[0]).act_id, **terms
    )
    desk.by_france(events_pb2.EVENT_KIND_RELEASE_DECIDED, release_decision=decision)


async def test_a_release_lets_it_go_on_to_whom_it_was_asked_for(desk: ClientDesk) -> None:
    version, held = received(desk)
    await release(desk, version)
    notice = with_sources(desk.agency, Notice(), [held.notice_id])

    require_onward(desk.agency, notice, ["KE-NCB"])
    assert notice.sources[0].release_act_id
    with pytest.raises(ReleaseRequired):
        require_onward(desk.agency, notice, ["PE-NCB"])


@pytest.mark.parametrize("how", ["refused", "run out"])
@pytest.mark.threat("T154")
async def test_what_was_refused_or_has_run_out_is_no_release(desk: ClientDesk, how: str) -> None:
    version, held = received(desk)
    past = timestamp_from(desk.now - timedelta(days=1))
    await release(
        desk, version, **({"granted": False} if how == "refused" else {"valid_until": past})
    )

    with pytest.raises(ReleaseRequired):
        require_file_for(desk.agency, held, ["KE-NCB"])


@pytest.mark.threat("T154")
def test_a_file_is_for_whom_handling_allows(desk: ClientDesk) -> None:
    _, held = received(desk)

    require_file_for(desk.agency, held, [])
    require_file_for(desk.agency, held, ["IT", "IT-NCB"])
    with pytest.raises(ReleaseRequired) as refused:
        require_file_for(desk.agency, held, ["IT", "KE", "PE-NCB"])
    assert [v.description[:2] for v in refused.value.violations] == ["KE", "PE"]


def test_a_file_begins_with_its_handling_and_is_private(desk: ClientDesk, tmp_path: Path) -> None:
    _, held = received(desk)
    path = tmp_path / "notice.txt"

    write_private(path, handling_head(held, ["IT"], str))

    text = path.read_text(encoding="utf-8")
    assert text.startswith("HANDLING: H2; AMBER\n")
    assert "for IT." in text
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(MalformedInput):
        write_private(path, [])
