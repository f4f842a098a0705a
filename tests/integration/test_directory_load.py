"""`comity-hub directory load`: what States have notified, entered beside a hub that serves."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import select, update

from comity.errors import LedgerForked
from comity.v1 import authorities_pb2
from comity.v1 import directory_pb2 as pb
from deploy.stage import DOMAIN
from directory.sample.file import SAMPLE_FILE, load_sample
from directory.store.tables import authorities, versions
from hub.settings import load_settings
from hub.store.audit import audit_ledger
from hub.store.database import Database
from tests.databases import new_database
from tests.integration.directories import ask
from tests.integration.officers import serving
from tests.stages import Stage

WHY = ("--note-verbale", "Specimen 7/2026", "--emergency")


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path, database_url=url)
    made.admit("FR-NCB")
    return made


async def test_a_hub_that_serves_finds_what_was_loaded(stage: Stage) -> None:
    sample = load_sample()
    find = pb.FindAuthoritiesRequest(filter=pb.AuthorityFilter(countries=["BR"]))
    async with serving(stage) as served, served.officer("FR-NCB") as (france, _):
        assert not (await ask(france, "FindAuthorities", find)).matches

        # The hub serves in this process, and must not be held up.
        done = await asyncio.to_thread(stage.run_hub, "directory", "load", str(SAMPLE_FILE), *WHY)

        assert f"Entered {len(sample)} authorities." in done.stdout
        found = [each.record for each in (await ask(france, "FindAuthorities", find)).matches]
        assert {each.authority.authority_id for each in found} == {
            each.authority_id for each in sample if each.country == "BR"
        }
        for record in found:
            assert record.keeper.kind == authorities_pb2.KEEPER_KIND_HUB
            assert record.keeper.note_verbale == "Specimen 7/2026"
            assert record.freshness == authorities_pb2.FRESHNESS_FRESH
    again = stage.run_hub("directory", "load", str(SAMPLE_FILE), *WHY, expected=1)
    assert "authorities[0].authority_id: is in the directory already" in again.stderr


async def test_a_file_with_faults_names_them_and_enters_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    plain = json.loads(SAMPLE_FILE.read_text(encoding="utf-8"))
    plain["authorities"][1]["country"] = "QQ"
    plain["authorities"][2]["names"][0]["text"] = "=1+1"
    spoilt = tmp_path / "spoilt.json"
    spoilt.write_text(json.dumps(plain), encoding="utf-8")

    refused = stage.run_hub("directory", "load", str(spoilt), *WHY, expected=1)

    assert "authorities[1].country" in refused.stderr
    assert "authorities[2].names[0].text" in refused.stderr
    plain["authorities"][3]["unheardOf"] = 1
    spoilt.write_text(json.dumps(plain), encoding="utf-8")
    refused = stage.run_hub("directory", "load", str(spoilt), *WHY, expected=1)
    assert "authorities[3]" in refused.stderr
    spoilt.write_bytes(b"\xff{}")
    assert "no JSON" in stage.run_hub("directory", "load", str(spoilt), *WHY, expected=1).stderr
    stage.hub("directory", "load", str(SAMPLE_FILE), *WHY)


@pytest.mark.threat("T126")
async def test_an_entry_that_is_shown_otherwise_than_it_was_entered_is_found(stage: Stage) -> None:
    stage.hub("directory", "load", str(SAMPLE_FILE), *WHY)
    database = Database(load_settings(stage.folder / "hub").database_url)
    await audit_ledger(database, hub_domain=DOMAIN)
    forged = load_sample()[0]
    forged.contacts[0].value = "+442079460999"
    for table, fault in (
        (authorities, "is shown otherwise than entered"),
        (versions, "^Entry .*commitment is to something else"),
    ):
        kept = table.c.authority_id == forged.authority_id
        async with database.write() as connection:
            before = (await connection.execute(select(table.c.authority).where(kept))).scalar_one()
            changed = {"authority": forged.SerializeToString(deterministic=True)}
            await connection.execute(update(table).where(kept).values(**changed))
        with pytest.raises(LedgerForked, match=fault):
            await audit_ledger(database, hub_domain=DOMAIN)
        async with database.write() as connection:
            await connection.execute(update(table).where(kept).values(authority=before))
    await audit_ledger(database, hub_domain=DOMAIN)
    await database.dispose()
