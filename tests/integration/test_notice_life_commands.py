"""The life of a notice by the commands of its originator and of an addressee, over the wire."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from agency_client.agency import Agency
from agency_client.custody import custody_alerts
from agency_client.event_kinds import WITHDRAWN
from agency_client.events import VerifiedEvent
from agency_client.profile import INBOX
from agency_client.recalls import RecallAnswer, answer_recalls, settle_copies
from agency_client.runner import kept_windows, opening_of
from agency_client.watching import Watch
from comity.v1 import acts_pb2, events_pb2
from comity.v1.notices_pb2 import TRAFFIC_LIVE
from deploy.stage import EXAMPLES
from tests.stages import Stage

NOTICE = EXAMPLES / "notice-purple.json"  # of a kind that is not reviewed before it goes out
WATCH = "life-commands"


class Case:
    """One notice of France's, and Brazil's inbox as it is filled by the watch of this test."""

    def __init__(
        self, stage: Stage, brazil: Agency, to: str = "BR", *, notice: Path = NOTICE
    ) -> None:
        self.stage = stage
        self.brazil = brazil
        [sent] = stage.documents("FR-NCB", "notice", "submit", str(notice), "--to", to)
        self.notice_id = str(sent["noticeId"])
        self.end = int(sent["entryIndex"])

    def france(self, *arguments: str, expected: int = 0) -> str:
        """A command of France's about the notice."""
        noun, verb, *rest = arguments
        done = self.stage.run("FR-NCB", noun, verb, self.notice_id, *rest, expected=expected)
        return done.stdout + done.stderr

    def from_brazil(self, *arguments: str, expected: int = 0) -> str:
        """A command of Brazil's about the notice."""
        noun, verb, *rest = arguments
        done = self.stage.run("BR-NCB", noun, verb, self.notice_id, *rest, expected=expected)
        return done.stdout + done.stderr

    async def heard(
        self, kind: events_pb2.EventKind.ValueType, *, by: Agency | None = None
    ) -> VerifiedEvent:
        """The event of a kind about the notice, once it is in an inbox: Brazil's by default."""
        agency = by or self.brazil
        watch = Watch(agency.client, opening_of(agency, WATCH, traffic=TRAFFIC_LIVE))
        async for window, _ in kept_windows(agency, watch, WATCH):
            assert not window.quarantined
            for event in window.verified:
                is_ours = event.notice_id in (self.notice_id, "")
                if event.kind == kind and is_ours and event.entry_index >= self.end:
                    return event
        raise AssertionError("the watch has ended")


@pytest.fixture
def case(served: Stage, brazil: Agency) -> Case:
    return Case(served, brazil)


async def test_what_an_originator_does_is_heard_and_shown(case: Case, tmp_path: Path) -> None:
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    case.france("notice", "addendum", "--text", "Seen in a port.", "--warning", "armed")
    case.france("notice", "extend", "--until", "2028-11-01", "--reason", "trial is set")
    await case.heard(events_pb2.EVENT_KIND_EXTENDED)

    shown = case.from_brazil("notice", "show")
    [document] = case.stage.documents("BR-NCB", "notice", "show", case.notice_id)

    assert "addendum: ARMED; Seen in a port." in shown
    assert "extended until 2028-11-01" in shown
    assert document["expiresAt"].startswith("2028-11-01")


async def test_who_is_added_later_knows_of_addenda_and_extension(
    served: Stage, brazil: Agency
) -> None:
    case = Case(served, brazil, to="KE")
    case.france("notice", "addendum", "--text", "Seen in a port.", "--warning", "armed")
    case.france("notice", "extend", "--until", "2028-11-01", "--reason", "trial is set")
    case.france("notice", "widen", "--to", "KE", "--to", "BR")

    await case.heard(events_pb2.EVENT_KIND_ADDRESSEE_ADDED)
    shown = case.from_brazil("notice", "show")

    assert "addendum: ARMED; Seen in a port." in shown
    assert "extended until 2028-11-01" in shown


async def test_a_suspended_notice_says_so_until_it_stands_again(case: Case) -> None:
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    case.france("notice", "suspend", "--reason", "identity in doubt", "--reason", "fr=doute")
    await case.heard(events_pb2.EVENT_KIND_SUSPENDED)
    suspended = case.from_brazil("notice", "show")
    at_hub = case.from_brazil("notice", "show", "--hub", expected=1)
    case.france("notice", "resume", "--reason", "identity is sure")
    await case.heard(events_pb2.EVENT_KIND_RESUMED)
    again = case.from_brazil("notice", "show")

    assert "SUSPENDED: nobody may act" in suspended
    assert "suspended because: identity in doubt; doute" in suspended
    assert "The notice is suspended" in at_hub
    assert "SUSPENDED" not in again


async def test_a_correction_says_what_was_changed(case: Case, tmp_path: Path) -> None:
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    better = tmp_path / "better.json"
    better.write_text(json.dumps(json.loads(NOTICE.read_text()) | {"caseReference": "NEW-1"}))

    case.france("notice", "correct", str(better), "--change", "the case number was another's")
    event = await case.heard(events_pb2.EVENT_KIND_NEW_VERSION)

    assert event.act is not None
    assert event.act.body.changes[0].text == "the case number was another's"
    assert "NEW-1" in case.from_brazil("notice", "show")


async def test_what_an_addressee_says_reaches_the_originator(case: Case, france: Agency) -> None:
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    case.from_brazil("notice", "flag", "--reason", "no treaty")
    case.from_brazil("notice", "in-custody", "--reference", "BR-77")
    without = case.from_brazil("notice", "acknowledge", expected=1)

    await case.heard(events_pb2.EVENT_KIND_CUSTODY, by=france)
    shown = case.france("notice", "show")
    case.from_brazil("notice", "flag", "--lift")
    case.from_brazil("notice", "in-custody", "--released")
    await case.heard(events_pb2.EVENT_KIND_CUSTODY, by=france)
    later = case.france("notice", "show")

    assert "comity login" in without
    assert "not executable at BR-NCB: no treaty" in shown
    assert "SOMEBODY IS HELD on it at BR-NCB" in shown
    assert "BR-77" in shown
    assert "not executable" not in later
    assert "HELD" not in later


async def settle(brazil: Agency) -> list[RecallAnswer]:
    answers: list[RecallAnswer] = []
    failures: list[Exception] = []
    await answer_recalls(brazil, on_answer=answers.append, on_unanswered=failures.append)
    assert not failures
    return answers


async def test_a_withdrawal_erases_the_copies_and_is_answered(case: Case) -> None:
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    case.from_brazil("notice", "in-custody", "--reference", "BR-78")
    case.france("notice", "withdraw", "--reason", "other", "--details", "the charge was dropped")
    await case.heard(WITHDRAWN)
    alerts = [a for a in custody_alerts(case.brazil) if a.notice_id == case.notice_id]

    answers = await settle(case.brazil)

    [answer] = [a for a in answers if a.recall.notice_id == case.notice_id]
    shown = case.from_brazil("notice", "show")
    assert answer.outcome == acts_pb2.RECALL_OUTCOME_DELETED
    assert "WITHDRAWN on" in shown
    assert "the charge was dropped" in shown
    assert [alert.reference for alert in alerts] == ["BR-78"]
    assert [a for a in custody_alerts(case.brazil) if a.notice_id == case.notice_id]
    case.from_brazil("notice", "in-custody", "--from", "FR-NCB", "--released")
    assert not [a for a in custody_alerts(case.brazil) if a.notice_id == case.notice_id]
    assert not [a for a in settle_copies(case.brazil) if a.recall.notice_id == case.notice_id]


@pytest.mark.threat("T155")
async def test_nothing_of_what_is_erased_is_left_in_the_file(
    served: Stage, brazil: Agency, tmp_path: Path
) -> None:
    case = Case(served, brazil)
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    [held] = brazil.inbox.received.find_notices(case.notice_id)
    signature = held.version.signatures[0].value
    path = brazil.profile.path(INBOX)
    case.france("notice", "withdraw", "--reason", "purpose-achieved")
    await case.heard(WITHDRAWN)
    wal = path.with_name(path.name + "-wal")
    before = path.read_bytes() + wal.read_bytes()

    await settle(brazil)

    assert signature in before
    assert signature not in path.read_bytes() + wal.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        [(count,)] = connection.execute(
            "SELECT count(*) FROM events WHERE notice_id = ?", (case.notice_id,)
        )
    assert count == 0


async def test_what_law_demands_is_kept_and_said(case: Case) -> None:
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    case.from_brazil("recall", "passed-on", "--to", "KE-NCB")
    case.from_brazil("recall", "retain", "--provision", "Act 9, s. 2", "--until", "2030-01-01")
    case.france("notice", "withdraw", "--reason", "delisted")
    await case.heard(WITHDRAWN)

    [answer] = [a for a in await settle(case.brazil) if a.recall.notice_id == case.notice_id]

    assert answer.outcome == acts_pb2.RECALL_OUTCOME_PASSED_ON
    assert answer.passed_on_to == ["KE-NCB"]
    assert case.brazil.inbox.received.holds("FR-NCB", case.notice_id)


async def test_who_is_taken_off_has_its_copies_recalled(served: Stage, brazil: Agency) -> None:
    case = Case(served, brazil, to="BR,KE")
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    unmeant = case.france("notice", "narrow", "--except", "BR", expected=2)
    nobody = case.france("notice", "narrow", "--except", "UG", "--yes", expected=1)
    case.france("notice", "narrow", "--except", "BR", "--yes")
    await case.heard(events_pb2.EVENT_KIND_RECALLED)

    [answer] = [a for a in await settle(brazil) if a.recall.notice_id == case.notice_id]

    assert "BR-NCB" in unmeant
    assert "names nobody" in nobody
    assert answer.outcome == acts_pb2.RECALL_OUTCOME_DELETED
    assert not brazil.inbox.received.holds("FR-NCB", case.notice_id)


async def test_a_release_is_asked_for_and_decided(case: Case, tmp_path: Path) -> None:
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    case.from_brazil("release", "ask", "--to", "KE-NCB", "--reason", "joint case")
    [asked] = case.stage.documents("FR-NCB", "release", "list", case.notice_id)

    case.france("release", "decide", asked["request"], "--grant", "--condition", "once")
    event = await case.heard(events_pb2.EVENT_KIND_RELEASE_DECIDED)

    assert asked["state"] == "OPEN"
    assert event.act is not None
    assert event.act.body.granted
    assert "[granted (once)]" in case.from_brazil("release", "list")


@pytest.mark.threat("T155")
async def test_a_recall_shows_who_has_not_answered(case: Case) -> None:
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    case.from_brazil("recall", "retain", "--provision", "Act 9, s. 2", "--until", "2030-01-01")
    case.france("notice", "withdraw", "--reason", "delisted")
    await case.heard(WITHDRAWN)
    before = case.france("recall", "status")
    await settle(case.brazil)
    after = case.france("recall", "status")

    assert "BR-NCB       NOT ANSWERED for 0 h 00 min" in before
    assert "BR-NCB       retained (Act 9, s. 2)" in after


async def test_an_originator_sees_at_the_hub_how_its_notice_stands(case: Case) -> None:
    case.from_brazil("notice", "flag", "--from", "FR-NCB", "--reason", "no treaty")
    case.france("notice", "suspend", "--reason", "identity in doubt")

    shown = case.france("notice", "show", "--hub")

    assert "SUSPENDED" in shown
    assert "not executable at BR-NCB: no treaty" in shown


def lines_about(log: Path, notice_id: str) -> list[str]:
    return [line for line in log.read_text().splitlines() if notice_id in line]


def test_run_answers_a_recall_and_alarms_by_itself(served: Stage, tmp_path: Path) -> None:
    [sent] = served.documents("FR-NCB", "notice", "submit", str(NOTICE), "--to", "KE")
    notice_id, log = sent["noticeId"], tmp_path / "run.log"
    with log.open("w") as written:
        command = served.comity_command("KE-NCB", "run")
        running = subprocess.Popen(
            command, env=served.environment, cwd=served.folder, stderr=written
        )
    try:
        while notice_id not in served.comity("KE-NCB", "notice", "list"):
            time.sleep(0.05)
        served.comity("KE-NCB", "notice", "in-custody", notice_id, "--reference", "KE-5")
        served.comity("FR-NCB", "notice", "withdraw", notice_id, "--reason", "purpose-achieved")
        while len(seen := lines_about(log, notice_id)) < 2:
            time.sleep(0.05)
    finally:
        running.terminate()
        running.wait(timeout=20)
    answered, alarmed = sorted(seen, key=lambda line: "URGENT" in line)

    [recall] = served.documents("FR-NCB", "recall", "status", notice_id)
    assert f"recalled notice={notice_id}" in answered
    assert "answer=deleted" in answered
    assert 'reference="KE-5"' in alarmed
    assert "the notice on which you hold this person no longer stands" in alarmed
    assert recall["addressees"] == [{"agency": "KE-NCB", "answer": "deleted"}]


async def test_a_file_of_what_was_received_is_for_whom_handling_allows(
    served: Stage, brazil: Agency, tmp_path: Path
) -> None:
    strict = tmp_path / "strict.json"
    content = json.loads(NOTICE.read_text())
    content["handling"] |= {"codes": ["HANDLING_CODE_H2"], "onwardCountries": ["KE"]}
    strict.write_text(json.dumps(content))
    case = Case(served, brazil, notice=strict)
    await case.heard(events_pb2.EVENT_KIND_PUBLISHED)
    allowed, refused = tmp_path / "for-ke.txt", tmp_path / "for-it.txt"

    said = case.from_brazil("notice", "show", "--to", str(refused), "--for", "IT", expected=1)
    case.from_brazil("notice", "show", "--to", str(allowed), "--for", "KE")
    draft = ("notice", "submit", str(NOTICE), "--source", case.notice_id)
    onward = served.run("BR-NCB", *draft, "--to", "FR", expected=0)

    assert "comity release ask" in said
    assert not refused.exists()
    assert allowed.read_text().startswith("HANDLING:")
    assert brazil.inbox.recalls.list_passed_on("FR-NCB", case.notice_id) == ["KE"]
    assert "sent to FR-NCB" in onward.stdout


def test_a_notice_that_is_reviewed_first_says_so(tmp_path: Path) -> None:
    red = str(EXAMPLES / "notice-red.json")
    stage = Stage(tmp_path, reviews=True)
    for agency in ("FR-NCB", "BR-NCB"):
        stage.admit(agency)
    stage.start_hub()
    try:
        sent = stage.run("FR-NCB", "notice", "submit", red, "--to", "BR", expected=0)
        notice_id = sent.stdout.split()[0]
        shown = stage.comity("FR-NCB", "notice", "show", notice_id, "--hub")
        asked = ("notice", "show", notice_id, "--from", "FR-NCB")
        foreign = stage.run("BR-NCB", *asked, expected=1)
    finally:
        stage.stop_hub()

    assert "in review" in sent.stderr
    assert "review: 0 of 2 decided" in shown
    assert "Sample" not in foreign.stdout
