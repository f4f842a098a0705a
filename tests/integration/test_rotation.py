"""Changing keys over the wire: old ones end, new ones sign, and what was cut off goes on."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agency_client import membership, rotation
from agency_client.agency import Agency, open_agency
from agency_client.pending_keys import PendingKeys
from agency_client.rotation import WantedKeys, finish_rotation, rotate
from comity.errors import RotationInvalid, SigningKeyUnknown
from comity.identity import AgencyId
from comity.v1 import agencies_pb2 as pb
from deploy.stage import EXAMPLES
from tests.databases import new_database
from tests.integration.conftest import DATABASES
from tests.integration.drafts import Draft
from tests.integration.officers import Served, serving
from tests.integration.test_renewal import running, until
from tests.stages import Stage
from tests.unit.members import Cut, Interrupted

FRANCE, BRAZIL = AgencyId("FR-NCB"), AgencyId("BR-NCB")
RED = str(EXAMPLES / "notice-red.json")


@pytest.fixture(params=DATABASES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path, database_url=url)
    for agency in (FRANCE, BRAZIL):
        made.admit(agency)
    return made


@pytest.fixture
async def hub(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as served:
        yield served


@pytest.fixture
async def france(hub: Served) -> AsyncIterator[Agency]:
    async with open_agency(hub.profile(FRANCE)) as opened:
        yield opened


@pytest.fixture
async def brazil(hub: Served) -> AsyncIterator[Agency]:
    async with open_agency(hub.profile(BRAZIL)) as opened:
        yield opened


async def publish(agency: Agency) -> str:
    draft = Draft(agency.profile.load_signing_keys())
    await agency.client.submit_acts(draft.acts())
    return draft.notice.notice_id


async def test_new_keys_sign_and_old_ones_sign_nothing_more(france: Agency, brazil: Agency) -> None:
    old = Draft(france.profile.load_signing_keys())
    before = await publish(france)
    async with running(brazil):
        done = await rotate(france, WantedKeys())
        after = await publish(france)
        with pytest.raises(SigningKeyUnknown):
            await france.client.submit_acts(old.acts())
        for notice_id in (before, after):
            await until(lambda n=notice_id: bool(brazil.inbox.received.find_notices(n)))  # type: ignore[misc]

    roster = france.trust.roster
    current = [r.key for r in roster.keys_of(FRANCE) if r.ended_entry is None]
    assert {k.key_id for k in done.keys_added} == {
        key.key_id for key in current if key.purpose != pb.KEY_PURPOSE_TLS
    }
    assert brazil.inbox.received.list_quarantined() == []
    assert not PendingKeys(france.profile).exist


async def test_an_answer_that_was_lost_is_asked_for_again(
    hub: Served, france: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        lost = Cut(1, after=True).wrapped_call(membership.rotate_keys)
        patched.setattr(rotation, "rotate_keys", lost)
        with pytest.raises(Interrupted):
            await rotate(france, WantedKeys())
    async with open_agency(hub.profile(FRANCE)) as again:
        assert await finish_rotation(again) is not None
        await publish(again)
        entries = [r.first_entry for r in again.trust.roster.keys_of(FRANCE)]

    assert len(set(entries)) == 2  # the admission and one change


async def test_run_finishes_a_change_that_was_cut_off(
    hub: Served, france: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        cut = Cut(1, after=False)
        patched.setattr(PendingKeys, "take_places", cut.wrapped(PendingKeys.take_places))
        with pytest.raises(Interrupted):
            await rotate(france, WantedKeys())
    async with open_agency(hub.profile(FRANCE)) as again, running(again) as heard:
        await until(lambda: "rotated" in heard.said)
        await publish(again)

    assert not PendingKeys(france.profile).exist


async def test_a_run_that_goes_on_beside_a_change_of_keys_is_not_alarmed(
    hub: Served, france: Agency
) -> None:
    async with open_agency(hub.profile(FRANCE)) as other, running(other) as heard:
        await until(lambda: other.trust.size > 0)
        await rotate(france, WantedKeys(with_post_quantum=True))
        last = france.trust.roster.last_entry
        await until(lambda: other.trust.roster.last_entry == last)
        await other.client.refresh_roster()
        await publish(other)

    assert not any("has not made" in said for said in heard.said)


@pytest.mark.parametrize("purpose", [pb.KEY_PURPOSE_SIGNING, pb.KEY_PURPOSE_SEALING])
async def test_a_change_of_keys_that_have_ended_meanwhile_is_refused_and_forgotten(
    hub: Served,
    france: Agency,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    purpose: pb.KeyPurpose.ValueType,
) -> None:
    """Two copies of a profile, which nobody should have: the second one is refused."""
    copied = replace(france.profile, folder=tmp_path / "copy")
    shutil.copytree(france.profile.folder, copied.folder)
    async with open_agency(copied) as other:
        with monkeypatch.context() as patched:
            cut = Cut(1, after=False)
            patched.setattr(rotation, "rotate_keys", cut.wrapped_call(membership.rotate_keys))
            with pytest.raises(Interrupted):
                await rotate(other, WantedKeys([purpose]))
        await rotate(france, WantedKeys([pb.KEY_PURPOSE_SEALING]))
        if purpose == pb.KEY_PURPOSE_SEALING:
            with pytest.raises(RotationInvalid, match="not valid"):
                await finish_rotation(other)
        else:
            assert await finish_rotation(other) is not None

    assert not PendingKeys(copied).exist


def test_keys_are_listed_and_changed_by_commands(stage: Stage) -> None:
    stage.start_hub()
    try:
        [before] = stage.documents(FRANCE, "keys", "list")
        said = stage.comity(FRANCE, "keys", "rotate", "--signing", "--signing-key", "ecdsa-p256")
        [after] = stage.documents(FRANCE, "keys", "list")
        stage.comity(FRANCE, "notice", "submit", RED, "--to", BRAZIL)
        stage.comity(FRANCE, "keys", "rotate")
        stage.comity(FRANCE, "notice", "submit", RED, "--to", BRAZIL)
        text = stage.comity(FRANCE, "keys", "list")
        wrong = stage.run(FRANCE, "keys", "rotate", "--signing-key", "rsa", expected=2).stderr
        stage.comity(BRAZIL, "notice", "watch", "--from-start", "--count", "2")
        stage.comity(BRAZIL, "ledger", "verify")
        stage.comity(FRANCE, "ledger", "verify")
    finally:
        stage.stop_hub()

    assert _new_purposes(before, after) == {"KEY_PURPOSE_SIGNING"}
    assert "new signing" in said
    assert "1 old keys have ended" in said
    assert "KEY_ALGORITHM_ECDSA_P256_SHA256" in {k["key"].get("algorithm") for k in after["keys"]}
    assert "'comity run' renews it from" in text
    assert "ecdsa-p256" in wrong
    stage.hub("verify-ledger")


def _new_purposes(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The purposes of the keys that were not there before."""
    known = {one["key"]["keyId"] for one in before["keys"]}
    return {one["key"]["purpose"] for one in after["keys"] if one["key"]["keyId"] not in known}
