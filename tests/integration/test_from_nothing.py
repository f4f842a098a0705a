"""From nothing to an active agency, over the network: what its people and administrators type."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.cli.enrolling import CODE_FILE_VARIABLE
from agency_client.cli.secrets import SECOND_FACTOR_FILE_VARIABLE
from deploy.stage import DOMAIN, EXAMPLES
from tests.integration.desk import Desk, last_word

RED = str(EXAMPLES / "notice-red.json")
WAIT_SECONDS = 60
DIGEST_CHARS = 64


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.stage.stop_hub()


def invited(shown: str) -> tuple[str, str]:
    """The code and the hub's fingerprint, as an administrator reads them."""
    words = dict(line.split()[:2] for line in shown.splitlines() if len(line.split()) > 1)
    return words["code"], words["fingerprint"]


def enrolling(desk: Desk, code: str, fingerprint: str) -> subprocess.Popen[str]:
    """The agency's one command; it waits to be admitted."""
    desk.secret(CODE_FILE_VARIABLE, code)
    where = ("--hub", desk.enrolment_address, "--hub-domain", DOMAIN)
    command = ("enrol", "SE-NCB", *where, "--fingerprint", fingerprint)
    return desk.stage.background("SE-NCB", *command)


def test_an_agency_gets_in_by_one_command_and_two_administrators(desk: Desk) -> None:
    stage, own = desk.stage, f"{desk.stage.folder}/hub/agency/"
    first_password, second_password = (
        last_word(stage.hub("officer", "reset", user)) for user in ("admin-1", "admin-2")
    )
    desk.set_up(own, "admin-1", first_password)
    options = ("--name", "Sample bureau", "--kind", "ncb")
    code, fingerprint = invited(stage.comity(own, "admin", "invite", "SE-NCB", *options))

    agency = enrolling(desk, code, fingerprint)
    assert agency.stdout is not None
    lines = (line.strip() for line in iter(agency.stdout.readline, ""))
    digest = next(line for line in lines if len(line) == DIGEST_CHARS)
    assert digest in stage.comity(own, "admin", "applications")
    approve = ("admin", "approve", "SE-NCB", "--digest", digest)
    assert "APPROVED_ALREADY" in stage.run(own, *approve, expected=1).stderr

    stage.comity(own, "logout")
    desk.set_up(own, "admin-2", second_password)
    stage.comity(own, *approve)

    assert agency.wait(WAIT_SECONDS) == 0
    agency.stdout.close()
    sent = stage.comity("SE-NCB", "notice", "submit", RED, "--to", "FR-NCB")
    assert "sent to FR-NCB" in sent
    assert SECOND_FACTOR_FILE_VARIABLE not in stage.environment
