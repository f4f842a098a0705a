"""The officers of the story: at the hub two administrators, in France an administrator who adds a
colleague. Their passwords and keys are drawn from a text that everybody can read."""

from __future__ import annotations

from dataclasses import dataclass

import pyotp

from comity.identity import AgencyId
from comity.v1 import officers_pb2, sessions_pb2
from comity.v1.officers_pb2_grpc import OfficerServiceStub
from comity.v1.sessions_pb2_grpc import SessionServiceStub
from docs.examples.generate.recording import RecordingChannel
from docs.examples.generate.seeded import StoryClock
from hub.accounts import Accounts
from hub.administration import Administration
from hub.settings import Settings

FRANCE = AgencyId("FR-NCB")
ADMINISTRATOR = "e.example"
PASSWORD = "invented ferry lantern 7 oblique"  # noqa: S105 - protects nothing


@dataclass(frozen=True, slots=True)
class Office:
    """France's channel, and how its administrator logs in for the first time."""

    clock: StoryClock
    channel: RecordingChannel
    one_time_password: str


async def add_administrator(settings: Settings, *, clock: StoryClock) -> str:
    """France's administrator, added at the hub's machine. Gives the one-time password."""
    request = officers_pb2.AddOfficerRequest(
        user_name=ADMINISTRATOR,
        display_name="Éloïse Example",
        nationality="FR",
        roles=[officers_pb2.ROLE_AGENCY_ADMINISTRATOR],
    )
    async with Administration(settings, clock=clock) as administration:
        accounts = Accounts(settings, administration.database, clock=clock)
        return await accounts.add(FRANCE, request)


async def log_in_and_manage(office: Office) -> None:
    """The administrator takes every step, and manages a colleague."""
    await _log_in(office)
    await _manage(office)


async def _log_in(office: Office) -> None:
    channel = office.channel
    await channel.call_as_agency(
        lambda c: SessionServiceStub(c).DescribeLogIn, sessions_pb2.DescribeLogInRequest()
    )
    request = sessions_pb2.LogInRequest(user_name=ADMINISTRATOR, password=office.one_time_password)
    response = await channel.call_as_agency(lambda c: SessionServiceStub(c).LogIn, request)
    channel.keep_tokens(response.tokens)
    change = sessions_pb2.ChangePasswordRequest(
        password=office.one_time_password, new_password=PASSWORD
    )
    await channel.call_once(lambda c: SessionServiceStub(c).ChangePassword, change)
    begun = await channel.call_once(
        lambda c: SessionServiceStub(c).BeginSecondFactor,
        sessions_pb2.BeginSecondFactorRequest(),
    )
    factor = pyotp.parse_uri(begun.provisioning_uri)
    assert isinstance(factor, pyotp.TOTP)
    await channel.call_once(
        lambda c: SessionServiceStub(c).ConfirmSecondFactor,
        sessions_pb2.ConfirmSecondFactorRequest(code=factor.at(office.clock())),
    )
    office.clock.advance(seconds=60)
    again = sessions_pb2.LogInRequest(
        user_name=ADMINISTRATOR, password=PASSWORD, second_factor=factor.at(office.clock())
    )
    response = await channel.call_as_agency(lambda c: SessionServiceStub(c).LogIn, again)
    channel.keep_tokens(response.tokens)


async def _manage(office: Office) -> None:
    channel = office.channel
    request = officers_pb2.AddOfficerRequest(
        user_name="s.sample",
        display_name="Simon Sample",
        nationality="FR",
        roles=[officers_pb2.ROLE_OFFICER, officers_pb2.ROLE_SUPERVISOR],
    )
    added = await channel.call_once(lambda c: OfficerServiceStub(c).AddOfficer, request)
    officer_id = added.officer.officer_id
    change = officers_pb2.ChangeOfficerRequest(
        officer_id=officer_id,
        roles=[officers_pb2.ROLE_OFFICER],
        status=officers_pb2.OFFICER_STATUS_LOCKED,
        display_name="Simon P. Sample",
    )
    await channel.call_once(lambda c: OfficerServiceStub(c).ChangeOfficer, change)
    reset = officers_pb2.ResetOfficerRequest(officer_id=officer_id)
    await channel.call_once(lambda c: OfficerServiceStub(c).ResetOfficer, reset)
    first = await channel.call(
        lambda c: OfficerServiceStub(c).ListOfficers, officers_pb2.ListOfficersRequest(limit=1)
    )
    after = officers_pb2.ListOfficersRequest(after_officer_id=first.officers[0].officer_id, limit=1)
    await channel.call(lambda c: OfficerServiceStub(c).ListOfficers, after)


async def go_on_and_log_out(office: Office) -> None:
    """The administrator comes back a little later, and logs out."""
    channel = office.channel
    office.clock.advance(seconds=900)  # The access token has run out, and is refreshed.
    await channel.call(lambda c: SessionServiceStub(c).WhoAmI, sessions_pb2.WhoAmIRequest())
    request = sessions_pb2.LogOutRequest(everywhere=True)
    await channel.call_once(lambda c: SessionServiceStub(c).LogOut, request)
    channel.forget_tokens()
