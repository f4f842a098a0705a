"""One agency at work: profile, inbox, trust and client, opened together."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from agency_client.channel import HubChannel
from agency_client.client import HubClient
from agency_client.inbox import Inbox
from agency_client.profile import INBOX, Profile
from agency_client.trust import Trust
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.keys import PrivateKey


def utc_now() -> datetime:
    """The client's clock."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Agency:
    """What every use of the client has at hand."""

    profile: Profile
    inbox: Inbox
    client: HubClient
    passphrase: bytes | None = None
    clock: Callable[[], datetime] = utc_now
    token_bytes: Callable[[int], bytes] = secrets.token_bytes

    @property
    def trust(self) -> Trust:
        return self.client.trust

    def new_id(self) -> str:
        """A new UUIDv7."""
        return uuid7_from(self.clock(), self.token_bytes(UUID7_RANDOM_BYTES))

    def signing_keys(self) -> list[PrivateKey]:
        """The keys that sign this agency's acts.

        Raises: MalformedInput.
        """
        return self.profile.load_signing_keys(self.passphrase)

    def keep_trust(self) -> None:
        """Writes what was learned of the ledger to disk."""
        self.inbox.save_roster_leaves(self.client.new_roster_leaves)
        self.client.new_roster_leaves.clear()
        self.inbox.save_checkpoint(self.trust.checkpoint)


def load_trust(profile: Profile, inbox: Inbox) -> Trust:
    """What the profile knows of its hub's ledger.

    Raises: MalformedInput, CheckpointInvalid, LedgerForked.
    """
    ledger_keys = profile.load_ledger_keys()
    return Trust(
        profile.hub_domain,
        ledger_keys=ledger_keys,
        checkpoint=inbox.find_checkpoint(ledger_keys[-1].origin),
        roster_leaves=inbox.list_roster_leaves(),
    )


@asynccontextmanager
async def open_agency(
    profile: Profile, *, passphrase: bytes | None = None
) -> AsyncIterator[Agency]:
    """An agency ready to work. What it learned of the ledger is kept when it closes.

    Raises: MalformedInput, StoreUnavailable.
    """
    inbox = Inbox(profile.path(INBOX))
    try:
        trust = load_trust(profile, inbox)
        channel = HubChannel(profile, passphrase=passphrase)
        async with HubClient(channel, trust=trust) as client:
            agency = Agency(profile, inbox, client, passphrase)
            try:
                yield agency
            finally:
                agency.keep_trust()
    finally:
        inbox.close()
