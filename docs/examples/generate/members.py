"""The hub and the members of the story: made, admitted, ready to sign and to call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agency_client.application import NewKeys, join_hub, write_application
from agency_client.profile import APPLICATION, Profile
from agency_client.signing import ActSigner
from comity.acts import message_from_envelope
from comity.envelope import envelope_from_json
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.identity import AgencyId
from comity.v1.acts_pb2 import Envelope
from comity.v1.agencies_pb2 import Admission
from docs.examples.generate.seeded import SeededBytes, StoryClock
from hub.administration import Administration, load_application
from hub.folder import NewHub
from hub.making import init_hub
from hub.settings import Settings, load_settings

DOMAIN = "hub.example"
ADDRESS = "hub.example:8443"
AGENCIES = {
    "FR-NCB": "Sample bureau of France",
    "BR-NCB": "Sample bureau of Brazil",
    "KE-NCB": "Sample bureau of Kenya",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it was admitted."""

    profile: Profile
    signer: ActSigner
    new_id: Callable[[], str]
    application: Envelope
    admission: Admission


async def make_hub(folder: Path, *, clock: StoryClock) -> Settings:
    """A hub's folder and its ledger."""
    new = NewHub(
        domain=DOMAIN,
        agency=AgencyId("ZZ-HUB"),
        listen="127.0.0.1:8443",
        public_address=ADDRESS,
        database_url="sqlite:///hub.sqlite",
    )
    await init_hub(folder, new, clock=clock)
    return load_settings(folder)


async def admit_members(
    settings: Settings, folder: Path, *, clock: StoryClock, draw: SeededBytes
) -> Sequence[Member]:
    """The members, in the order of their admission."""
    members = []
    async with Administration(settings, clock=clock) as administration:
        for agency, name in AGENCIES.items():
            clock.advance(seconds=60)
            profile = Profile(folder / agency, AgencyId(agency), DOMAIN, ADDRESS)
            profile.folder.mkdir()
            write_application(profile, name=name, new=NewKeys(), now=clock())
            admission = await administration.admit(
                load_application(profile.path(APPLICATION), hub_domain=DOMAIN)
            )
            join_hub(profile, admission)
            members.append(_member(profile, admission, clock=clock, draw=draw))
    return members


def _member(
    profile: Profile, admission: Admission, *, clock: StoryClock, draw: SeededBytes
) -> Member:
    def new_id() -> str:
        return uuid7_from(clock(), draw(UUID7_RANDOM_BYTES))

    keys = profile.load_signing_keys()
    signer = ActSigner(profile, keys=keys, clock=clock, new_id=new_id)
    application = envelope_from_json(profile.path(APPLICATION).read_bytes())
    return Member(profile, signer, new_id, message_from_envelope(application), admission)
