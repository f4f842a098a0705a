"""The life of a membership by the command lines, and what other members see of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from deploy.stage import EXAMPLES
from tests.integration.desk import Desk, last_word

RED = str(EXAMPLES / "notice-red.json")
WARNING = "originator suspended: do not act"
WHY = ("--reason", "Sample reason")


class Club(Desk):
    """A hub with members, an administrator of its own and one of France's, logged in."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for agency in ("BR-NCB", "KE-NCB"):
            self.stage.admit(agency)
        self.own = f"{self.stage.folder}/hub/agency/"
        self.set_up(self.own, "admin-1", last_word(self.stage.hub("officer", "reset", "admin-1")))
        self.set_up("FR-NCB", "e.example", self.administrator_of("FR-NCB"))

    def administrator_of(self, agency: str) -> str:
        added = ("officer", "add", "e.example", "--agency", agency, "--name", "Sample")
        return last_word(self.stage.hub(*added, "--role", "agency-administrator"))

    def admin(self, *arguments: str, expected: int = 0) -> str:
        done = self.stage.run(self.own, "admin", *arguments, expected=expected)
        return done.stdout + done.stderr

    def publish(self, agency: str, *to: str) -> str:
        terms = [part for term in to for part in ("--to", term)]
        [sent] = self.stage.documents(agency, "notice", "submit", RED, *terms)
        return str(sent["noticeId"])

    def receive(self, agency: str, count: int, name: str = "terminal") -> list[dict[str, Any]]:
        options = ("--from-start", "--count", str(count), "--name", name)
        return self.stage.documents(agency, "notice", "watch", *options)

    def member(self, agency: str) -> dict[str, Any]:
        [found] = self.stage.documents("KE-NCB", "agencies", agency)
        return dict(found)


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    made = Club(tmp_path_factory.mktemp("club"))
    yield made
    made.stage.stop_hub()


@pytest.fixture
def brazil_back(club: Club) -> Iterator[None]:
    yield
    if club.member("BR-NCB")["agency"]["status"] == "AGENCY_STATUS_SUSPENDED":
        club.admin("reinstate", "BR-NCB", *WHY)


@pytest.mark.usefixtures("brazil_back")
def test_nobody_acts_on_notices_of_who_is_suspended(club: Club) -> None:
    stage = club.stage
    notice_id = club.publish("BR-NCB", "FR")
    ours = club.publish("FR-NCB", "BR")
    theirs = club.publish("FR-NCB", "KE")
    before = club.receive("FR-NCB", 1, "before")

    club.admin("suspend", "BR-NCB", "--reason", "Suspected break-in")
    assert "AGENCY_NOT_ACTIVE" in stage.run("BR-NCB", "notice", "list", "--held-by", "FR-NCB",
                                            expected=1).stderr  # fmt: skip
    stage.comity("FR-NCB", "agencies")  # lists are as of the roster that is known here
    listed = stage.comity("FR-NCB", "notice", "list", "--from", "BR-NCB")
    [document] = stage.documents("FR-NCB", "notice", "list", "--from", "BR-NCB")
    [shown] = stage.documents("FR-NCB", "notice", "show", notice_id)
    [held] = stage.documents("FR-NCB", "notice", "list", "--held-by", "BR-NCB")

    assert not any(event.get("isOriginatorSuspended") for event in before)
    assert listed.startswith(f"! {WARNING}")
    assert stage.comity("FR-NCB", "notice", "show", notice_id).startswith(f"! {WARNING}")
    assert document["isOriginatorSuspended"]
    assert shown["isOriginatorSuspended"]
    assert (ours, held["isOriginatorSuspended"]) == (held["noticeId"], False)
    assert theirs not in stage.comity("FR-NCB", "notice", "list", "--held-by", "BR-NCB")
    assert stage.comity("FR-NCB", "notice", "list", "--from", "KE-NCB") == ""
    for option in ("--from", "--held-by"):
        wrong = stage.run("FR-NCB", "notice", "list", option, "NZ-NCB", expected=1).stderr
        assert "NZ-NCB was never a member" in wrong
    none = stage.run("KE-NCB", "notice", "list", "--held-by", "BR-NCB", "--exercise").stderr
    assert "no notice of your own that BR-NCB is addressed by" in none
    assert "says the hub. Next: ask" in stage.run("BR-NCB", "status", expected=1).stdout
    assert "active by entry" in stage.comity("FR-NCB", "status")


@pytest.mark.usefixtures("brazil_back")
def test_addressees_are_alerted_in_one_line(club: Club) -> None:
    stage = club.stage
    first = club.publish("BR-NCB", "KE")
    club.publish("KE-NCB", "BR")
    club.admin("suspend", "BR-NCB", "--reason", "Suspected break-in")
    last = club.publish("FR-NCB", "KE")
    command = ("notice", "watch", "--from-start", "--name", "alerted")
    events = [json.loads(line) for line in _until(club, last, *command, "--json")]
    lines = _until(club, last, "notice", "watch", "--from-start", "--name", "again")

    [alert] = [d["alert"] for d in events if d.get("alert", {}).get("change") == "SUSPENDED"][-1:]
    assert (alert["agency"], alert["reason"]) == ("BR-NCB", "Suspected break-in")
    assert alert["noticesReceived"] >= 1
    [line] = [line for line in lines if "ALERT  BR-NCB suspended" in line][-1:]
    assert "comity notice list --held-by BR-NCB" in line
    assert any(line.startswith(f"! {WARNING}  {first}") for line in lines)
    assert not any(WARNING in line for line in lines if last in line)
    stage.comity("KE-NCB", "ledger", "verify")


def _until(club: Club, notice_id: str, *command: str) -> list[str]:
    """The lines of a watch of Kenya's up to an event of a notice."""
    process = club.stage.background("KE-NCB", *command)
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if notice_id in line:
                break
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert notice_id in lines[-1]
    return lines


def test_who_is_reinstated_goes_on_where_it_stopped(club: Club) -> None:
    stage = club.stage
    first = club.publish("FR-NCB", "BR")
    [*_, seen] = club.receive("BR-NCB", 1, "own")
    club.admin("suspend", "BR-NCB", *WHY)
    missed = club.publish("FR-NCB", "KE")
    stage.run("BR-NCB", "renew", expected=1)
    club.admin("reinstate", "BR-NCB", *WHY)

    stage.comity("BR-NCB", "renew")
    later = club.publish("FR-NCB", "BR")
    options = ("--count", "1", "--name", "own")
    went_on = stage.documents("BR-NCB", "notice", "watch", *options)

    ids = [event.get("noticeId") for event in went_on]
    assert seen["noticeId"] not in ids
    assert {first, later} & set(ids)
    assert missed not in ids


def test_members_see_how_an_agency_is_described_and_what_became_of_it(club: Club) -> None:
    described = (
        "describe", "KE-NCB", "--name", "Sample office", "--names", "sw=Ofisi", "--kind", "police",
        "--contact", "office@ke.example", "--duty-line", "+12025550101", "--publishes",
        "yellow,black", "--no-searches", *WHY,
    )  # fmt: skip
    club.admin(*described)
    found = club.member("KE-NCB")
    club.admin("describe", "KE-NCB", "--searches", *WHY)
    again = club.member("KE-NCB")
    text = club.stage.comity("FR-NCB", "agencies", "KE-NCB")
    listed = club.stage.comity("FR-NCB", "agencies")
    refused = club.stage.run("KE-NCB", "notice", "submit", RED, "--to", "all", expected=1).stderr

    agency = found["agency"]
    assert (agency["contact"], agency["dutyLine"]) == ("office@ke.example", "+12025550101")
    assert agency["scopes"]["publishes"] == ["NOTICE_KIND_YELLOW", "NOTICE_KIND_BLACK"]
    assert again["agency"]["scopes"] == agency["scopes"] | {"searches": True}
    assert found["history"][-1]["entry"]["reason"] == WHY[1]
    assert {key["key"]["purpose"] for key in found["keys"]} == {
        "KEY_PURPOSE_TLS", "KEY_PURPOSE_SIGNING", "KEY_PURPOSE_SEALING", "KEY_PURPOSE_WITNESS",
    }  # fmt: skip
    assert "described by ZZ-HUB: Sample reason" in text
    assert "may publish YELLOW, BLACK and search" in listed
    assert "SCOPE_EXCEEDED" in refused
    assert "NOT_FOUND" not in text
    club.admin("describe", "KE-NCB", "--publishes", "all", *WHY)


def test_an_agency_describes_itself_as_far_as_that_is_its_own(club: Club) -> None:
    club.admin("describe", "FR-NCB", "--kind", "ncb", *WHY)
    own = ("--contact", "https://fr.example/", "--duty-line", "+12025550102", *WHY)
    club.stage.comity("FR-NCB", "describe", *own, "--names", "fr=Bureau", "--names", "en=Bureau")
    refused = club.stage.run("FR-NCB", "describe", "--outgoing", "free", *WHY, expected=1).stderr
    nothing = club.stage.run("FR-NCB", "describe", *WHY, expected=2).stderr

    agency = club.member("FR-NCB")["agency"]
    assert agency["contact"] == "https://fr.example/"
    assert [name["language"] for name in agency["names"]] == ["fr", "en"]
    assert "leads its country" in refused
    assert "what is to be changed" in " ".join(nothing.split())


def test_the_lead_agency_gets_a_copy_and_cannot_be_left_out(club: Club) -> None:
    stage = club.stage
    stage.admit("BR-PF")
    club.admin("describe", "BR-NCB", "--leads-country", "--kind", "ncb", *WHY)
    sent = stage.run("BR-PF", "notice", "submit", RED, "--to", "FR-NCB")
    listed = stage.run("BR-PF", "notice", "submit", RED, RED, "--to", "FR-NCB", "--json")
    out = ("--to", "all", "--except", "BR-NCB")
    refused = stage.run("BR-PF", "notice", "submit", RED, *out, expected=1).stderr
    named = stage.run("BR-PF", "notice", "submit", RED, "--to", "BR,FR").stderr
    refused_to_hub = club.admin("describe", "BR-NCB", "--outgoing", "free", *WHY, expected=1)
    describe = ("agency", "describe", "BR-NCB", "--emergency", *WHY)
    stage.hub(*describe, "--outgoing", "free")
    free = stage.run("BR-PF", "notice", "submit", RED, *out).stderr
    stage.hub(*describe, "--no-leads-country")

    assert "addressed to BR-NCB as well: it leads the country" in sent.stderr
    assert "sent to BR-NCB, FR-NCB;" in sent.stdout
    documents = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [document["addressees"] for document in documents] == [["BR-NCB", "FR-NCB"]] * 2
    assert "--except: BR-NCB cannot be excluded" in refused
    assert "as well" not in named
    assert "as well" not in free
    assert "BR-NCB leads its country" in refused_to_hub


def test_a_key_that_was_ended_signs_nothing_more(club: Club) -> None:
    stage = club.stage
    stage.admit("SE-NCB")
    [keys] = stage.documents("SE-NCB", "keys", "list")
    [signing] = [k["key"]["keyId"] for k in keys["keys"] if "SIGNING" in k["key"]["purpose"]]
    club.admin("end-key", "SE-NCB", signing, *WHY)
    refused = stage.run("SE-NCB", "notice", "submit", RED, "--to", "FR-NCB", expected=1).stderr
    twice = club.admin("end-key", "SE-NCB", signing, *WHY, expected=1)

    assert "SIGNING_KEY_UNKNOWN" in refused
    assert "is no current key" in twice
    [found] = [k for k in club.member("SE-NCB")["keys"] if k["key"]["keyId"] == signing]
    assert found["endedEntry"] is not None


def test_the_revocation_list_has_who_was_revoked(club: Club) -> None:
    stage = club.stage
    stage.admit("NO-NCB")
    pem = (stage.folder / "agencies" / "NO-NCB" / "certificate.pem").read_bytes()
    serial = x509.load_pem_x509_certificate(pem).serial_number
    out = stage.folder / "list.crl"
    stage.comity("FR-NCB", "crl", "--out", str(out))
    before = x509.load_der_x509_crl(out.read_bytes())
    asked = club.admin("revoke", "NO-NCB", *WHY, expected=1)
    still = club.member("NO-NCB")["agency"]["status"]
    said = club.admin("revoke", "NO-NCB", *WHY, "--yes")
    stage.comity("FR-NCB", "crl", "--out", str(out))
    after = x509.load_der_x509_crl(out.read_bytes())
    nowhere = str(stage.folder / "missing" / "list.crl")

    assert "comity admin suspend NO-NCB" in asked
    assert "never a member's again" in asked
    assert still == "AGENCY_STATUS_ACTIVE"
    assert "never a member's again" in said
    assert before.get_revoked_certificate_by_serial_number(serial) is None
    assert after.get_revoked_certificate_by_serial_number(serial) is not None
    assert "cannot be written" in stage.run("FR-NCB", "crl", "--out", nowhere, expected=1).stderr
    assert "WRONG_STATUS" in club.admin("reinstate", "NO-NCB", *WHY, expected=1)


def test_who_leaves_is_asked_first_and_is_out(club: Club) -> None:
    stage = club.stage
    stage.admit("DK-NCB")
    club.set_up("DK-NCB", "e.example", club.administrator_of("DK-NCB"))
    asked = stage.run("DK-NCB", "leave", *WHY, expected=1)
    still = club.member("DK-NCB")["agency"]["status"]

    stage.comity("DK-NCB", "leave", *WHY, "--yes")

    assert "for good?" in asked.stderr
    assert still == "AGENCY_STATUS_ACTIVE"
    assert club.member("DK-NCB")["agency"]["status"] == "AGENCY_STATUS_LEFT"
    assert "AGENCY_NOT_ACTIVE" in stage.run("DK-NCB", "renew", expected=1).stderr


def test_an_invitation_says_what_it_grants(club: Club) -> None:
    options = ("--name", "Sample", "--kind", "police", "--publishes", "green", "--no-searches")
    said = club.admin("invite", "FI-POL", *options, "--contact", "office@fi.example")
    wrong = club.admin("invite", "FI-NCB", *options[:4], "--publishes", "mauve", expected=2)

    agency = club.member("FI-POL")["agency"]
    assert "It will be let publish GREEN." in said
    assert agency["scopes"] == {"publishes": ["NOTICE_KIND_GREEN"]}
    assert agency["contact"] == "office@fi.example"
    assert "mauve" in wrong
