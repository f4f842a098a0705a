"""A hub that agencies enrol at, in this process, and administrators known by their tokens.

Officers are stood in for here: whoever knows them by their tokens is another part of the hub.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from agency_client.enrolment import Enroller
from agency_client.enrolment_channel import EnrolmentPort
from agency_client.profile import Profile
from comity.errors import TokenRefused
from comity.identity import AgencyId
from comity.statuses import error_from_rpc
from comity.times import utc_now
from comity.v1 import membership_pb2 as pb
from comity.v1.agencies_pb2 import AGENCY_KIND_POLICE, Agency
from comity.v1.membership_pb2_grpc import MembershipServiceStub
from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_HUB_REVIEWER,
    Role,
)
from deploy.stage import DOMAIN, Stage
from hub import app
from hub.app import RunningHub, running_hub
from hub.issuing import load_identity
from hub.rpc import peer_limits
from hub.rpc.guard import Guard
from hub.services.admission import every_scope
from hub.services.calls import Officer
from hub.settings import Settings, load_settings

_ROLES: dict[str, Role.ValueType] = {
    "alice": ROLE_HUB_ADMINISTRATOR,
    "bob": ROLE_HUB_ADMINISTRATOR,
    "carol": ROLE_HUB_ADMINISTRATOR,
    "rita": ROLE_HUB_REVIEWER,
    "lea": ROLE_AGENCY_ADMINISTRATOR,
}


class KnownOfficers:
    """Knows officers by tokens that are their names."""

    async def identify(self, token: str, *, agency: AgencyId, certificate_id: str) -> Officer:
        if token not in _ROLES:
            raise TokenRefused()
        return Officer(token, frozenset({_ROLES[token]}), f"session of {token}")


@dataclass(frozen=True, slots=True)
class EnrolmentHub:
    """The hub, where it is reached, and what it is known by."""

    stage: Stage
    settings: Settings
    running: RunningHub

    @property
    def enrolment_address(self) -> str:
        return f"127.0.0.1:{self.running.enrolment_port}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.running.port}"

    @property
    def port(self) -> EnrolmentPort:
        return EnrolmentPort(self.enrolment_address, hub_domain=DOMAIN)

    @property
    def fingerprint(self) -> str:
        return load_identity(self.settings).fingerprint

    @property
    def ca(self) -> str:
        return self.settings.ca_certificate.read_text(encoding="ascii")

    def enroller(self, agency: str, folder: Path, **other: Any) -> Enroller:
        return Enroller(
            folder,
            agency=AgencyId(agency),
            port=other.get("port", self.port),
            fingerprint=other.get("fingerprint", self.fingerprint),
            sleep=other.get("sleep", _no_sleep),
        )

    async def invite(self, agency: str, *, by: str = "alice", **other: Any) -> str:
        """Invites an agency, and gives the code."""
        invited = Agency(agency_id=agency, name="Sample office", kind=AGENCY_KIND_POLICE)
        invited.leads_country = other.pop("leads_country", False)
        invited.scopes.CopyFrom(every_scope())
        request = pb.InviteAgencyRequest(agency=invited, **other)
        response: pb.InviteAgencyResponse = await self.call("InviteAgency", request, by=by)
        return response.code

    async def approve(self, agency: str, digest: bytes, *, by: str = "bob") -> bool:
        request = pb.ApproveApplicationRequest(agency_id=agency, application_digest=digest.hex())
        response: pb.ApproveApplicationResponse = await self.call(
            "ApproveApplication", request, by=by
        )
        return response.admitted

    async def refuse(self, agency: str, *, by: str = "bob") -> None:
        request = pb.RefuseApplicationRequest(agency_id=agency, reason="Sample reason")
        await self.call("RefuseApplication", request, by=by)

    async def pending(self) -> list[pb.PendingApplication]:
        response: pb.ListApplicationsResponse = await self.call(
            "ListApplications", pb.ListApplicationsRequest(), by="bob"
        )
        return list(response.applications)

    async def call(
        self, name: str, request: Any, *, by: str | None, folder: Path | None = None
    ) -> Any:
        """One call as an officer, by default of the hub's own agency."""
        own = folder or self.settings.folder / "agency"
        credentials = grpc.ssl_channel_credentials(
            self.settings.ca_certificate.read_bytes(),
            (own / "tls-key.pem").read_bytes(),
            (own / "certificate.pem").read_bytes(),
        )
        options = [("grpc.ssl_target_name_override", DOMAIN)]
        metadata = (("authorization", f"Bearer {by}"),) if by else ()
        async with grpc.aio.secure_channel(self.address, credentials, options=options) as channel:
            try:
                method = getattr(MembershipServiceStub(channel), name)
                return await method(request, timeout=20, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                raise error_from_rpc(error) from error

    def moved(self, profile: Profile) -> Profile:
        """A profile that connects to where this hub serves."""
        return replace(profile, hub_address=self.address)


async def _no_sleep(_seconds: float) -> None:
    return None


@asynccontextmanager
async def enrolment_hub(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, clock: Callable[[], Any] = utc_now
) -> AsyncIterator[EnrolmentHub]:
    """Serves; whoever is refused may come again at once."""
    monkeypatch.setattr(peer_limits, "FIRST_DELAY_SECONDS", 0.0)
    monkeypatch.setattr(peer_limits, "CALLS_AT_ONCE", 1_000)
    monkeypatch.setattr(app, "Guard", _guard_that_knows_officers)
    settings = load_settings(stage.folder / "hub").listening_on("127.0.0.1:0")
    settings = replace(settings, enrol_listen="127.0.0.1:0")
    async with running_hub(settings, clock=clock) as running:
        yield EnrolmentHub(stage, settings, running)


def _guard_that_knows_officers(**parts: Any) -> Guard:
    return Guard(**{**parts, "officers": KnownOfficers()})
