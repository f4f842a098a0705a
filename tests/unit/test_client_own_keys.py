"""A key that the hub has entered for the agency and the agency has not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from agency_client.agency import open_agency
from agency_client.application import NewKeys, write_application
from agency_client.client import HubClient
from agency_client.own_keys import OwnKeys
from agency_client.profile import Profile
from agency_client.trust import Trust
from comity.errors import LedgerForked
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.v1 import agencies_pb2, ledger_pb2
from tests.unit.small_ledger import DOMAIN, NOW, SmallHub, SmallLedger

FOREIGN = generate_private_key(ED25519)
PASSPHRASE = b"correct horse"


def make_profile(folder: Path, new: NewKeys) -> Profile:
    profile = Profile(folder, AgencyId("FR-NCB"), DOMAIN, "127.0.0.1:8443")
    write_application(profile, name="Sample bureau", new=new, now=NOW)
    return profile


def make_client(profile: Profile, ledger: SmallLedger, passphrase: bytes | None) -> HubClient:
    own_keys = OwnKeys(profile, passphrase=lambda: passphrase)
    trust = Trust(DOMAIN, ledger_keys=[ledger.ledger_key])
    hub = SmallHub(ledger)
    return HubClient(hub, trust=trust, require_roster=own_keys.require_roster)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "new",
    [
        NewKeys(),
        NewKeys("ecdsa-p256", with_post_quantum=True),
        NewKeys("ed25519", with_post_quantum=True, passphrase=PASSPHRASE),
    ],
    ids=["ed25519", "p256 and ml-dsa", "encrypted"],
)
@pytest.mark.threat("T33")
async def test_a_key_that_the_agency_has_not_made_halts_the_client(
    tmp_path: Path, new: NewKeys
) -> None:
    profile = make_profile(tmp_path, new)
    ledger = SmallLedger()
    own = profile.load_signing_keys(new.passphrase)
    ledger.add_roster("FR-NCB", added=own)
    ledger.add_roster("BR-NCB", added=[FOREIGN])
    client = make_client(profile, ledger, new.passphrase)
    await client.refresh_roster()

    ledger.add_roster("FR-NCB", added=[FOREIGN])

    with pytest.raises(LedgerForked, match=r"Entry 3 .*has not made.*comity agencies FR-NCB"):
        await client.refresh_roster()
    ledger.add_roster("FR-NCB", ended=[FOREIGN])
    await client.refresh_roster()


@pytest.mark.threat("T33")
async def test_a_foreign_key_under_the_id_of_an_own_one_halts_the_client(tmp_path: Path) -> None:
    profile = make_profile(tmp_path, NewKeys())
    ledger = SmallLedger()
    [own] = profile.load_signing_keys()
    ledger.add_roster("FR-NCB", added=[own])
    key = agencies_pb2.AgencyKey(
        key_id=own.public.key_id,
        purpose=agencies_pb2.KEY_PURPOSE_SIGNING,
        algorithm=ED25519,
        public_key=FOREIGN.public.spki,
    )
    agency = agencies_pb2.Agency(agency_id="FR-NCB", status=agencies_pb2.AGENCY_STATUS_ACTIVE)
    entry = ledger_pb2.RosterEntry(predecessor=1, agency=agency, keys_added=[key])
    ledger.roster.append(ledger.append(roster=entry))

    with pytest.raises(LedgerForked):
        await make_client(profile, ledger, None).refresh_roster()


async def test_an_opened_agency_looks_at_its_own_keys(tmp_path: Path) -> None:
    profile = make_profile(tmp_path, NewKeys())
    ledger = SmallLedger()
    ledger.add_roster("FR-NCB", added=[FOREIGN])
    for name in ("certificate.pem", "hub-ca.pem"):
        profile.path(name).write_text("unused")
    profile.add_ledger_key(ledger.ledger_key)

    async with open_agency(profile) as agency:
        agency.client.channel = SmallHub(ledger)  # type: ignore[assignment]
        with pytest.raises(LedgerForked):
            await agency.client.refresh_roster()
