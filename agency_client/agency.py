"""One agency at work: profile, inbox, trust and client, opened together."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from agency_client.channel import HubChannel
from agency_client.client import HubClient
from agency_client.inbox import Inbox
from agency_client.own_keys import OwnKeys
from agency_client.pending_keys import PendingKeys
from agency_client.policy import load_kept_policy
from agency_client.profile import INBOX, Profile
from agency_client.session import Session
from agency_client.signing import ActSigner
from agency_client.trust import Trust
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.times import utc_now


@dataclass(slots=True)
class Agency:
    """What every use of the client has at hand."""

    profile: Profile
    inbox: Inbox
    client: HubClient
    passphrase: Callable[[], bytes | None] = lambda: None
    clock: Callable[[], datetime] = utc_now
    token_bytes: Callable[[int], bytes] = secrets.token_bytes

    @property
    def trust(self) -> Trust:
        return self.client.trust

    def new_id(self) -> str:
        """A new UUIDv7."""
        return uuid7_from(self.clock(), self.token_bytes(UUID7_RANDOM_BYTES))

    async def officer_signer(self) -> ActSigner:
        """What signs acts in the name of the officer who is logged in, if anybody is.

        Raises: as `signer`; LogInRequired, HubUnavailable.
        """
        officer = ""
        if self.client.channel.kept_session is not None:
            officer = (await self.client.officers.who_am_i()).officer.officer_id
        return self.signer(officer=officer)

    def signer(self, *, officer: str = "") -> ActSigner:
        """What signs this agency's acts, by the roster as it is known now. `officer` is the id of
        who hands them over; nobody's where a system does.

        Raises: MalformedInput where a key cannot be read; PolicyInvalid where the kept policy
        cannot.
        """
        PendingKeys(self.profile).settle(self.trust.roster, self.passphrase())
        return ActSigner(
            self.profile,
            keys=self.profile.load_signing_keys(self.passphrase()),
            clock=self.clock,
            new_id=self.new_id,
            copied_to=self.trust.roster.find_copied_lead(self.profile.agency),
            officer=officer,
            policy=load_kept_policy(self.profile),
        )


def load_trust(profile: Profile, inbox: Inbox) -> Trust:
    """What the profile knows of its hub's ledger.

    Raises: MalformedInput, CheckpointInvalid, LedgerForked, InboxFailed.
    """
    ledger_keys = profile.load_ledger_keys()
    return Trust(
        profile.hub_domain,
        ledger_keys=ledger_keys,
        checkpoint=inbox.memory.find_checkpoint(ledger_keys[-1].origin),
        roster_leaves=inbox.memory.list_roster_leaves(),
        reader=profile.agency,
    )


@asynccontextmanager
async def open_agency(
    profile: Profile,
    *,
    passphrase: Callable[[], bytes | None] = lambda: None,
    session: Session | None = None,
) -> AsyncIterator[Agency]:
    """An agency ready to work. What it learned of the ledger is kept when it closes.

    `passphrase` is asked for once a private key is needed. `session` is the log-in that goes with
    calls; without one the agency's system calls by its certificate alone.

    Raises: MalformedInput, InboxFailed.
    """
    profile.require_joined()
    inbox = Inbox(profile.path(INBOX))
    try:
        channel = HubChannel(profile, passphrase=passphrase, session=session)
        own_keys = OwnKeys(profile, passphrase=passphrase)
        async with HubClient(
            channel, trust=load_trust(profile, inbox), require_roster=own_keys.require_roster
        ) as client:
            try:
                yield Agency(profile, inbox, client, passphrase)
            finally:
                inbox.save_trust(client.trust)  # Whatever failed, this was verified.
    finally:
        inbox.close()
