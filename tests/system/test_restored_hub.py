"""A hub restored from an older backup: members halt and say why, accept, and nothing is lost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.stage import EXAMPLES, Stage
from tests.databases import copy_of

RED = str(EXAMPLES / "notice-red.json")
PURPLE = str(EXAMPLES / "notice-purple.json")
ALL = ("--to", "all")


def back_up(stage: Stage) -> Callable[[], None]:
    """A copy of the stopped hub's database, and what puts it in the place of the newer one."""
    if stage.database_url is None:
        database = stage.folder / "hub" / "hub.sqlite"
        copy = stage.folder / "backup.sqlite"
        shutil.copy(database, copy)
        return lambda: _put_back(copy, database)
    backup, settings = copy_of(stage.database_url), stage.folder / "hub" / "hub.toml"
    original = settings.read_text(encoding="utf-8")

    def restore() -> None:
        text = original.replace(str(stage.database_url), copy_of(backup))
        assert text != original
        settings.write_text(text, encoding="utf-8")

    return restore


@pytest.mark.threat("T34")
def test_a_restored_hub_is_refused_until_its_epoch_is_accepted(
    world: Stage, tmp_path: Path
) -> None:
    world.comity("FR-NCB", "notice", "submit", RED, *ALL)
    world.comity("BR-NCB", "notice", "watch", "--from-start", "--count", "1")
    world.stop_hub()
    restore = back_up(world)
    world.start_hub()
    world.comity("FR-NCB", "notice", "submit", PURPLE, *ALL)  # receipted, and then lost by the hub
    world.comity("BR-NCB", "notice", "watch", "--count", "1")
    highest = tmp_path / "highest.note"
    highest.write_text(world.comity("BR-NCB", "ledger", "checkpoint"), encoding="utf-8")

    world.stop_hub()
    restore()
    world.start_hub()
    for agency in ("FR-NCB", "BR-NCB"):
        halted = world.run(agency, "status", expected=4).stderr
        assert "restored from a backup" in halted
    assert "restored" in world.run("FR-NCB", "notice", "submit", RED, *ALL, expected=4).stderr

    world.stop_hub()
    told = world.hub("new-epoch", "--highest", str(highest), "--yes")
    key = told.splitlines()[-1]
    world.start_hub()
    assert "accept-epoch KEY" in world.run("BR-NCB", "status", expected=4).stderr
    world.comity("BR-NCB", "ledger", "accept-epoch", key, "--yes")
    accepted = world.comity("FR-NCB", "ledger", "accept-epoch", key, "--yes")
    sent_again = re.search(r"Sent again what was lost: (\d+)", accepted)
    assert sent_again is not None

    world.comity("BR-NCB", "notice", "watch", "--count", sent_again[1])
    published = notices(world, "FR-NCB", "--own")
    assert len(published) >= 2
    assert published == notices(world, "BR-NCB")
    for agency in ("FR-NCB", "BR-NCB"):
        world.comity(agency, "ledger", "verify")
    world.stop_hub()
    assert "The ledger verifies" in world.hub("verify-ledger")


def _put_back(copy: Path, database: Path) -> None:
    for beside in ("-wal", "-shm"):
        database.with_name(database.name + beside).unlink(missing_ok=True)
    shutil.copy(copy, database)


def test_a_backup_that_is_restored_twice_never_has_an_origin_twice(
    world: Stage, tmp_path: Path
) -> None:
    """The second time, what is restored knows nothing of the epoch that members have accepted."""
    world.comity("FR-NCB", "notice", "submit", RED, *ALL)
    world.comity("BR-NCB", "status")
    highest = tmp_path / "highest.note"
    world.stop_hub()
    restore = back_up(world)
    for epoch in (2, 3):
        world.stop_hub()
        restore()
        note = world.comity("BR-NCB", "ledger", "checkpoint")
        highest.write_text(note, encoding="utf-8")
        key = world.hub("new-epoch", "--highest", str(highest), "--yes").splitlines()[-1]
        assert f"epoch-{epoch}" in key
        world.start_hub()
        for agency in ("BR-NCB", "FR-NCB"):
            world.comity(agency, "ledger", "accept-epoch", key, "--yes")
        world.comity("FR-NCB", "notice", "submit", PURPLE, *ALL)
        world.comity("BR-NCB", "status")

    assert notices(world, "FR-NCB", "--own")
    world.comity("FR-NCB", "ledger", "verify")
    world.stop_hub()
    assert "The ledger verifies" in world.hub("verify-ledger")


def notices(stage: Stage, agency: str, *options: str) -> set[str]:
    listed = stage.documents(agency, "notice", "list", *options)
    return {document["noticeId"] for document in listed}
