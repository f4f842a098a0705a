"""The exchange end to end: real processes, real files, SQLite and PostgreSQL."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest

from deploy.long_list import lengthened
from deploy.stage import EXAMPLES, Stage

RED = str(EXAMPLES / "notice-red.json")
LIST = str(EXAMPLES / "un-list-sample.xml")
NEXT_LIST = str(EXAMPLES / "un-list-sample-next.xml")
LISTED = 39
COPIES = 20  # an import of a second, long enough to be killed in the middle
KILLS = 4


def test_a_notice_reaches_whom_it_is_addressed_to_and_nobody_else(world: Stage) -> None:
    world.comity("FR-NCB", "notice", "submit", RED, "--to", "BR-NCB")

    seen = world.comity("BR-NCB", "notice", "watch", "--from-start", "--count", "1")

    assert "RED" in seen
    assert "EXAMPLE" in world.comity("BR-NCB", "notice", "list")
    assert world.comity("KE-NCB", "notice", "list").strip() == ""


@pytest.mark.threat("T71")
def test_an_unstated_addressing_is_a_usage_error(world: Stage) -> None:
    assert "--to" in world.run("FR-NCB", "notice", "submit", RED, expected=2).stderr


def test_importing_again_publishes_nothing_and_a_newer_edition_what_changed(world: Stage) -> None:
    first = world.comity("FR-NCB", "import", "un-list", LIST, "--to", "all")
    again = world.comity("FR-NCB", "import", "un-list", LIST, "--to", "all")
    newer = world.comity("FR-NCB", "import", "un-list", NEXT_LIST, "--to", "all")

    assert first.startswith(f"{LISTED} new, 0 changed")
    assert again.startswith(f"0 new, 0 changed, {LISTED} unchanged")
    assert newer.startswith("2 new, 3 changed, 34 unchanged, 2 delisted")
    world.comity("KE-NCB", "ledger", "verify")


def test_nothing_acknowledged_is_lost_or_out_of_order_when_the_hub_is_killed(
    world: Stage, tmp_path: Path
) -> None:
    """kill -9 in mid-import, again and again; the client goes on where it was."""
    chance = random.Random(20261124)
    sample = Path(LIST).read_text(encoding="utf-8")
    long_list = tmp_path / "list.xml"
    long_list.write_text(lengthened(sample, copies=COPIES), encoding="utf-8")
    command = world.comity_command("FR-NCB", "import", "un-list", str(long_list), "--to", "all")
    acknowledged: set[str] = set()
    for _ in range(KILLS):
        importing = subprocess.Popen(
            command, env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.4, 1.2))
        world.kill_hub()
        acknowledged |= world.receipted("FR-NCB")
        world.start_hub()
        importing.wait(60)
    world.comity("FR-NCB", "import", "un-list", str(long_list), "--to", "all")

    count = str(LISTED * COPIES)
    events = world.documents("BR-NCB", "notice", "watch", "--from-start", "--count", count)
    places = [event["entryIndex"] for event in events]
    received = [event["noticeId"] for event in events if "noticeId" in event]
    assert sorted(set(places)) == places
    assert LISTED * COPIES == len(set(received)) == len(received)
    assert acknowledged <= set(received)
    world.comity("BR-NCB", "ledger", "verify")
    world.comity("FR-NCB", "ledger", "verify")
    world.stop_hub()
    assert "The ledger verifies" in world.hub("verify-ledger")
