"""`comity directory` by the command line: from a case to whom to call, and an entry kept true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson

from agency_client.cli.secrets import NEW_PASSWORD_FILE_VARIABLE, PASSWORD_FILE_VARIABLE
from comity.v1.authorities_pb2 import CONTACT_MEANS_TELEPHONE
from directory.sample.file import SAMPLE_FILE, load_sample
from tests.integration.desk import PASSWORD, Desk, last_word
from tests.integration.directories import new_authority, text_of

OFFICERS = ("a.sample", "b.sample")


class Counter(Desk):
    """A hub with the sample directory, and two officers of France's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        why = ("--note-verbale", "Specimen 7/2026", "--emergency")
        self.stage.hub("directory", "load", str(SAMPLE_FILE), *why)
        for user in OFFICERS:
            added = ("officer", "add", user, "--agency", "FR-NCB", "--name", "Sample")
            self.secret(
                PASSWORD_FILE_VARIABLE, last_word(self.stage.hub(*added, "--role", "officer"))
            )
            self.secret(NEW_PASSWORD_FILE_VARIABLE, PASSWORD)
            self.stage.comity("FR-NCB", "login", user)
            self.stage.comity("FR-NCB", "password")
        self.secret(PASSWORD_FILE_VARIABLE, PASSWORD)

    def directory(self, *arguments: str, expected: int = 0) -> str:
        done = self.stage.run("FR-NCB", "directory", *arguments, expected=expected)
        return done.stdout if expected == 0 else done.stderr

    def log_in(self, user: str) -> None:
        self.stage.comity("FR-NCB", "login", user)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    made = Counter(tmp_path_factory.mktemp("counter"))
    yield made
    made.stage.stop_hub()


def test_a_case_leads_to_a_card_that_an_officer_can_act_on(counter: Counter) -> None:
    card = counter.directory("resolve", "BR", "extradition", "--for", "UNTOC 16")

    expected = [each for each in load_sample() if each.country == "BR"]
    assert any(text_of(each) in card for each in expected)
    for line in (
        "under        UNTOC article 16",
        "because      as asked",
        "with  ",
        "now   ",
        "address ",
    ):
        assert line in card, card
    assert "reach now    " in card or "contact      " in card
    assert "notified     Specimen 7/2026" in card
    nobody = counter.directory("resolve", "ZZ", "extradition", expected=1)
    assert "knows nobody in ZZ" in nobody
    assert "is no article of UNTOC" in counter.directory(
        "resolve", "BR", "extradition", "--for", "UNTOC 999", expected=1
    )
    assert "is not one of mutual-legal-assistance" in counter.directory(
        "resolve", "BR", "nonsense", expected=2
    )


def test_an_entry_is_found_shown_and_reported(counter: Counter) -> None:
    found = counter.directory("find", "--country", "BR", "--limit", "1")
    identity = found.split()[0]

    assert identity in counter.directory("show", identity)
    assert "by ZZ-HUB" in counter.directory("history", identity)
    counter.directory("report", identity, "The line is dead.", "--field", "contacts[0].value")
    assert "reported     wrong 1 times" in counter.directory("show", identity)


def test_an_entry_is_proposed_approved_confirmed_and_moved(
    counter: Counter, tmp_path: Path
) -> None:

    authority, file = new_authority("FR", "Bureau d'exemple"), tmp_path / "entry.json"
    file.write_text(MessageToJson(authority), encoding="utf-8")
    counter.log_in(OFFICERS[0])
    proposal = last_word(counter.directory("propose", str(file), "--reason", "Sample"))
    assert "another officer" in counter.directory("approve", proposal, "--yes", expected=1)
    counter.log_in(OFFICERS[1])
    assert proposal in counter.directory("proposals")

    assert "In effect: version 1" in counter.directory("approve", proposal, "--yes")
    assert "Confirmed" in counter.directory("confirm", authority.authority_id, "--version", "1")

    record = json.loads(counter.directory("show", authority.authority_id, "--json"))
    record["authority"]["contacts"][0]["value"] = "+442079460009"
    file.write_text(json.dumps(record), encoding="utf-8")
    called = ("--called", authority.contacts[0].value, "--spoken-to", "Ada Specimen")
    moved = counter.directory("propose", str(file), "--reason", "Sample", *called)
    assert "In effect: version 2" in moved
    assert "contacts[0].value" in counter.directory(
        "history", authority.authority_id, "--between", "1", "2"
    )
    counter.stage.comity("FR-NCB", "ledger", "verify")
    counter.stage.hub("verify-ledger")
    late = counter.directory("propose", str(file), "--reason", "Sample", expected=1)
    assert "AUTHORITY_CHANGED" in late
    assert "contacts[0].value" in late


def test_whether_somebody_is_there_is_asked_called_and_listed(counter: Counter) -> None:
    counter.log_in(OFFICERS[0])
    identity = counter.directory("find", "--country", "BR", "--limit", "1").split()[0]
    [record] = [each for each in load_sample() if each.authority_id == identity]
    number = next(c.value for c in record.contacts if c.means == CONTACT_MEANS_TELEPHONE)

    asked = counter.directory("test-contact", identity)
    called = counter.directory("test-contact", identity, "--called", number, "--not-reached")

    assert "FR-NCB asked on" in asked
    assert "not answered yet" in asked
    assert f"FR-NCB called {number} on" in called
    assert "nobody answered" in called
    assert counter.directory("tests") == called + asked
    assert "tested       FR-NCB called" in counter.directory("show", identity)
    assert "NOT_FOUND" in counter.directory("answer-test", asked.split()[0], expected=1)
    assert counter.directory("due") == ""
    for wrong in (("--spoken-to", "A"), ("--called", number, "--contact", number)):
        counter.directory("test-contact", identity, *wrong, expected=2)


def test_nobody_looks_anything_up_without_a_log_in(counter: Counter) -> None:
    counter.stage.comity("FR-NCB", "logout")

    assert "LOG_IN_REQUIRED" in counter.directory("find", "--country", "BR", expected=1)


def test_a_card_is_in_the_officers_language_and_an_entry_is_verified(counter: Counter) -> None:
    counter.log_in(OFFICERS[0])
    case = ("resolve", "BR", "extradition", "--for", "UNTOC 16", "--shown-in", "ar")
    card = counter.directory(*case)
    found = counter.directory("find", "ipe amarelo", "--shown-in", "fr")
    entry = counter.directory("show", found.split()[0])
    translated = counter.directory("show", found.split()[0], "--shown-in", "fr")

    assert "البرازيل" in card
    assert "Brésil" in found
    assert "ledger       has this version, to the letter" in entry
    assert "  Pays: Brésil" in translated
    assert "has this version, to the letter" in translated
    assert "shown in" in counter.directory(*case[:-1], "tlh", expected=1)
