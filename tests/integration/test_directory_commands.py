"""`comity directory` by the command line: from a case to whom to call, and an entry kept true."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson

from agency_client.cli.secrets import NEW_PASSWORD_FILE_VARIABLE, PASSWORD_FILE_VARIABLE
from comity.v1 import ledger_pb2
from comity.v1.authorities_pb2 import CONTACT_MEANS_TELEPHONE, AuthorityRecord
from directory.files.csv_rows import parse_csv, write_csv
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


def plain(refused: str) -> str:
    """What is said in a box of lines."""
    return " ".join(refused.replace("│", " ").split())


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


def test_what_is_found_accepts_the_channel_and_is_as_fresh_as_was_asked(counter: Counter) -> None:
    fresh = counter.directory(
        "find", "--country", "BR", "--freshness", "fresh", "--channel", "direct"
    )
    assert fresh.startswith(tuple(x.authority_id for x in load_sample() if x.country == "BR"))
    assert counter.directory("find", "--country", "BR", "--freshness", "stale") == ""
    assert "is not one of fresh, due, stale, unverified" in counter.directory(
        "find", "--freshness", "old", expected=2
    )


def test_an_entry_is_found_shown_and_reported(counter: Counter) -> None:
    found = counter.directory("find", "--country", "BR", "--limit", "1")
    identity = found.split()[0]

    assert identity in counter.directory("show", identity)
    assert "by ZZ-HUB" in counter.directory("history", identity)
    counter.directory("report", identity, "The line is dead.", "--field", "contacts[0].value")
    assert "reported     wrong 1 times" in counter.directory("show", identity)


def test_a_history_is_on_record_with_the_purpose_that_was_given(counter: Counter) -> None:
    identity = counter.directory("find", "--country", "BR", "--limit", "1").split()[0]

    counter.directory("history", identity, "--purpose", "exercise")

    access = newest_access(counter)
    assert access.action == ledger_pb2.ACCESS_ACTION_LOOK_UP_AUTHORITIES
    assert access.purpose == ledger_pb2.LOOK_UP_PURPOSE_EXERCISE


def newest_access(counter: Counter) -> ledger_pb2.AccessRecord:
    """The last that the hub has on disk, beside the hub that serves."""
    [file] = (counter.stage.folder / "hub").glob("*.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        [record] = connection.execute(
            "SELECT record FROM access_records ORDER BY entry_index DESC, leaf_index DESC LIMIT 1"
        ).fetchone()
    return ledger_pb2.AccessRecord.FromString(record)


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
    at = ("--called-at", "2026-11-02T10:00:00")
    for wrong, said in (
        (("--spoken-to", "A"), "go with --called"),
        (at, "--called-at, --not-reached and --note go with --called"),
        (("--called", number, "--contact", number), "one of the two"),
    ):
        refused = counter.directory("test-contact", identity, *wrong, expected=2)
        assert said in plain(refused)


def test_a_country_is_exported_for_a_case_and_never_over_a_file(
    counter: Counter, tmp_path: Path
) -> None:
    counter.log_in(OFFICERS[0])
    file = tmp_path / "br.csv"
    asked = ("export", "--country", "BR", "--format", "csv", "--output", str(file))
    expected = [each for each in load_sample() if each.country == "BR"]

    done = counter.directory(*asked, "--case", "Specimen 3/2026")

    assert f"{len(expected)} entries" in done
    assert file.stat().st_mode & 0o777 == 0o600
    kept = file.read_bytes()
    rows = parse_csv(kept).rows
    assert [each.authority for each in rows] == expected
    again = counter.directory(*asked, "--case", "Specimen 3/2026", expected=1)
    assert "exists already" in again
    assert kept == file.read_bytes()
    counter.directory(*asked, "--case", "Specimen 4/2026", "--force")
    assert kept != file.read_bytes()
    assert "has 1 to 80" in counter.directory(*asked, "--case", " ", "--force", expected=1)
    assert file.stat().st_mode & 0o777 == 0o600
    narrowed = ("--language", "pt", "--freshness", "fresh", "--channel", "diplomatic")
    found = counter.directory("find", "--country", "BR", *narrowed)
    counter.directory(*asked, *narrowed, "--case", "Specimen 4/2026", "--force")
    ids = {row.authority.authority_id for row in parse_csv(file.read_bytes()).rows}
    assert 0 < len(ids) < len(expected)
    heads = [line for line in found.splitlines() if not line.startswith(" ")]
    assert {line.split()[0] for line in heads} == ids
    nothing = ("export", "--format", "csv", "--case", "1", "--output", str(tmp_path / "x.csv"))
    assert "say which" in counter.directory(*nothing, expected=2)
    pages = tmp_path / "br.pdf"
    said = counter.directory(
        "export", "--country", "BR", "--format", "pdf", "--shown-in", "ar",
        "--case", "Specimen 3/2026", "--output", str(pages), "--json",
    )  # fmt: skip
    assert json.loads(said)["mediaType"] == "application/pdf"
    assert pages.read_bytes().startswith(b"%PDF-")


def test_a_table_is_tried_mended_imported_and_approved_as_a_whole(
    counter: Counter, tmp_path: Path
) -> None:
    entries = [new_authority("FR", f"Bureau d'exemple numéro {n}") for n in range(3)]
    file = tmp_path / "fr.csv"
    right = write_csv([AuthorityRecord(authority=each) for each in entries], "Sample")
    file.write_bytes(right.replace(b"+442079460000", b"+44", 1))
    counter.log_in(OFFICERS[0])
    why = ("--reason", "Sample")

    wrong = counter.stage.run("FR-NCB", "directory", "import", str(file), *why, expected=1).stdout

    assert "row     2  contacts, line 1: is not E.164; right would be: a plus sign" in wrong
    assert "2 new, 0 changed, 0 unchanged, 1 at fault" in wrong
    assert "Nothing was written." in wrong
    file.write_bytes(right)
    assert "this was a trial" in counter.directory("import", str(file), *why, "--dry-run")
    assert counter.directory("proposals") == ""
    said = json.loads(counter.directory("import", str(file), *why, "--json"))
    assert said["newRows"] == 3
    whole = ("approve", "--import", said["importId"], "--yes")
    assert "another officer" in counter.directory(*whole, expected=1)
    counter.log_in(OFFICERS[1])
    approved = counter.directory(*whole)
    assert approved.count("In effect: version 1") == 3
    assert entries[0].authority_id in counter.directory("show", entries[0].authority_id)
    assert "Nothing of that import waits" in counter.directory(*whole, expected=1)
    assert "name a proposal, or an import" in counter.directory("approve", expected=2)
    for format_ in ("odt", "pdf"):
        refused = counter.directory("import", str(file), *why, "--format", format_, expected=2)
        assert f"'{format_}' is not one of csv, json." in plain(refused)
    assert "--format is one of csv, json" in counter.directory(
        "import", str(tmp_path), *why, expected=2
    )


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
