"""`comity-hub agency invite`, `approve`, `refuse` with administrators who log in, or without."""

from __future__ import annotations

import asyncio
import os
import pty
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from agency_client.cli.enrolling import CODE_FILE_VARIABLE
from comity.v1.ledger_pb2 import (
    ROSTER_CHANGE_ADMITTED,
    ROSTER_CHANGE_APPLIED,
    ROSTER_CHANGE_APPROVED,
    ROSTER_CHANGE_DESCRIBED,
    ROSTER_CHANGE_INVITED,
    ROSTER_CHANGE_REFUSED,
    ROSTER_CHANGE_REINSTATED,
    ROSTER_CHANGE_REVOKED,
    ROSTER_CHANGE_SUSPENDED,
    RosterEntry,
)
from deploy.stage import DOMAIN
from hub.settings import load_settings
from hub.store.database import Database
from hub.store.ledger import list_roster_entries, roster_entry_of
from tests.integration.desk import PASSWORD, Desk, last_word

DIGEST_CHARS = 64
INVITED = ("--name", "Sample office", "--kind", "police")


class Administrators:
    """A desk where admin-1 and admin-2 have taken every step, and admin-1 is logged in."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.own = f"{desk.stage.folder}/hub/agency/"
        # A recovery code is good in the place of the next code, which is half a minute away.
        self._codes = {user: iter(self._set_up(user)) for user in ("admin-2", "admin-1")}

    def _set_up(self, user: str) -> Sequence[str]:
        return self.desk.set_up(
            self.own, user, last_word(self.desk.stage.hub("officer", "reset", user))
        )

    def run(self, user: str, *arguments: str, expected: int = 0) -> str:
        """What a command wrote that an administrator has logged in for."""
        code = next(self._codes[user])
        done = self.desk.hub_as(user, code, "agency", *arguments, expected=expected)
        return done.stdout + done.stderr

    def emergency(self, *arguments: str) -> str:
        """What a command wrote that nobody has logged in for."""
        done = self.desk.stage.run_hub("agency", *arguments, "--emergency")
        return done.stdout + done.stderr

    def apply(self, agency: str, invitation: str) -> str:
        """The agency's part; gives the digest that its people read out."""
        words = dict(x.split()[:2] for x in invitation.splitlines() if len(x.split()) > 1)
        self.desk.secret(CODE_FILE_VARIABLE, words["code"])
        where = ("--hub", self.desk.enrolment_address, "--hub-domain", DOMAIN)
        command = ("enrol", agency, *where, "--fingerprint", words["fingerprint"], "--no-wait")
        lines = [x.strip() for x in self.desk.stage.comity(agency, *command).splitlines()]
        return next(line for line in lines if len(line) == DIGEST_CHARS)

    def changes(self, agency: str) -> list[tuple[int, list[str]]]:
        """What members see became of an agency, and whose administrators did it."""
        entries = asyncio.run(self._roster_entries())
        return [(e.change, list(e.changed_by)) for e in entries if e.agency.agency_id == agency]

    async def _roster_entries(self) -> list[RosterEntry]:
        database = Database(load_settings(self.desk.stage.folder / "hub").database_url)
        try:
            async with database.read() as connection:
                stored = await list_roster_entries(connection, 0, limit=100)
        finally:
            await database.dispose()
        return [roster_entry_of(entry) for entry in stored]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrators]:
    desk = Desk(tmp_path_factory.mktemp("administrators"))
    yield Administrators(desk)
    desk.stage.stop_hub()


@pytest.mark.threat("T83")
def test_two_administrators_let_an_agency_in_and_one_alone_cannot(hub: Administrators) -> None:
    digest = hub.apply("SE-NCB", hub.run("admin-1", "invite", "SE-NCB", *INVITED))
    approve = ("approve", "SE-NCB", "--digest", digest)

    again = hub.run("admin-1", *approve, expected=1)
    elsewhere = hub.desk.stage.run(hub.own, "admin", *approve, expected=1).stderr
    assert "Admitted SE-NCB" in hub.run("admin-2", *approve)

    assert "APPROVED_ALREADY" in again
    assert "APPROVED_ALREADY" in elsewhere
    assert hub.changes("SE-NCB") == [
        (ROSTER_CHANGE_INVITED, ["ZZ-HUB"]),
        (ROSTER_CHANGE_APPLIED, []),
        (ROSTER_CHANGE_APPROVED, ["ZZ-HUB", "ZZ-HUB"]),
    ]
    hub.desk.stage.hub("verify-ledger")


@pytest.mark.threat("T83")
def test_who_invited_over_the_network_cannot_approve_at_the_machine(hub: Administrators) -> None:
    invitation = hub.desk.stage.comity(hub.own, "admin", "invite", "NO-NCB", *INVITED)
    digest = hub.apply("NO-NCB", invitation)

    refused = hub.run("admin-1", "approve", "NO-NCB", "--digest", digest, expected=1)

    assert "APPROVED_ALREADY" in refused


@pytest.mark.threat("T83")
def test_an_emergency_names_nobody_and_says_so(hub: Administrators) -> None:
    invitation = hub.emergency("invite", "FI-NCB", *INVITED)
    digest = hub.apply("FI-NCB", invitation)
    approved = hub.emergency("approve", "FI-NCB", "--digest", digest)

    assert "all members see" in invitation
    assert "all members see" in approved
    assert "Admitted FI-NCB" in approved
    assert [(change, by) for change, by in hub.changes("FI-NCB") if by] == []


@pytest.mark.threat("T83")
def test_an_emergency_after_an_administrator_s_invitation_names_nobody(
    hub: Administrators,
) -> None:
    digest = hub.apply("DK-NCB", hub.run("admin-2", "invite", "DK-NCB", *INVITED))

    hub.emergency("approve", "DK-NCB", "--digest", digest)

    assert hub.changes("DK-NCB") == [
        (ROSTER_CHANGE_INVITED, ["ZZ-HUB"]),
        (ROSTER_CHANGE_APPLIED, []),
        (ROSTER_CHANGE_APPROVED, []),
    ]


def test_a_refusal_names_the_agency_of_who_refused(hub: Administrators) -> None:
    hub.run("admin-1", "invite", "IS-NCB", *INVITED)

    hub.run("admin-2", "refuse", "IS-NCB", "--reason", "Sample reason")

    assert hub.changes("IS-NCB")[-1] == (ROSTER_CHANGE_REFUSED, ["ZZ-HUB"])


def test_a_wrong_log_in_does_nothing(hub: Administrators) -> None:
    arguments = ("agency", "invite", "LV-NCB", *INVITED)

    wrong = hub.desk.hub_as("admin-1", "000000", *arguments, expected=1).stderr

    assert "LOG_IN_REFUSED" in wrong
    assert PASSWORD not in wrong
    assert hub.changes("LV-NCB") == []


def test_at_a_terminal_everything_is_asked_for_and_no_secret_is_shown(
    hub: Administrators,
) -> None:
    code = next(hub._codes["admin-2"])
    command = hub.desk.stage.hub_command("agency", "invite", "EE-NCB", *INVITED)

    status, shown = at_a_terminal(hub, command, ["admin-2", PASSWORD, code])

    assert status == 0
    assert "Invited EE-NCB" in shown
    assert "admin-2" in shown
    assert PASSWORD not in shown
    assert code not in shown


def test_an_interruption_at_a_prompt_ends_the_command(hub: Administrators) -> None:
    command = hub.desk.stage.hub_command("agency", "invite", "LT-NCB", *INVITED)

    status, _ = at_a_terminal(hub, command, ["admin-2", "\x03"])

    assert status == 130
    assert hub.changes("LT-NCB") == []


def at_a_terminal(hub: Administrators, command: list[str], typed: list[str]) -> tuple[int, str]:
    """The exit code of a command that asks, and all that the terminal has shown."""
    names_files = ("COMITY_PASSWORD_FILE", "COMITY_SECOND_FACTOR_FILE")
    environment = {k: v for k, v in hub.desk.stage.environment.items() if k not in names_files}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment)
    shown = b""
    for line in typed:
        before = len(shown)
        while not shown[before:].endswith(b": "):
            shown += os.read(terminal, 1024)
        time.sleep(0.2)  # the terminal's echo is turned off a moment after the words
        os.write(terminal, line.encode() + (b"" if line == "\x03" else b"\n"))
    with suppress(OSError):  # the terminal is gone when the command is
        while more := os.read(terminal, 1024):
            shown += more
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_members_are_watched_over_with_a_log_in_and_in_an_emergency_without(
    hub: Administrators,
) -> None:
    why = ("--reason", "Sample reason")
    hub.desk.stage.admit("PE-NCB")
    said = hub.run("admin-1", "suspend", "PE-NCB", *why)
    assert "Suspended PE-NCB" in said
    hub.emergency("reinstate", "PE-NCB", *why)
    described = ("--duty-line", "+12025550123", "--publishes", "yellow", "--no-searches")
    hub.emergency("describe", "PE-NCB", *why, *described)
    asked = hub.desk.stage.run_hub("agency", "revoke", "PE-NCB", "--emergency", *why, expected=1)
    assert "comity-hub agency suspend PE-NCB" in asked.stderr
    hub.emergency("revoke", "PE-NCB", *why, "--yes")

    assert hub.changes("PE-NCB") == [
        (ROSTER_CHANGE_ADMITTED, []),
        (ROSTER_CHANGE_SUSPENDED, ["ZZ-HUB"]),
        (ROSTER_CHANGE_REINSTATED, []),
        (ROSTER_CHANGE_DESCRIBED, []),
        (ROSTER_CHANGE_REVOKED, []),
    ]


def test_nobody_is_suspended_without_a_log_in(hub: Administrators) -> None:
    why = ("--reason", "Sample reason")
    done = hub.desk.stage.run_hub("agency", "suspend", "FR-NCB", *why, expected=1)
    assert "[LOG_IN_REQUIRED]" in done.stderr
    assert "--emergency" in done.stderr


def test_the_revocation_list_is_written_where_it_is_wanted(
    hub: Administrators, tmp_path: Path
) -> None:
    path = tmp_path / "hub.crl"
    hub.desk.stage.hub("crl", "--out", str(path))
    authority = hub.desk.stage.folder / "hub" / "ca.pem"
    issuer = x509.load_pem_x509_certificate(authority.read_bytes()).subject
    assert x509.load_der_x509_crl(path.read_bytes()).issuer == issuer
