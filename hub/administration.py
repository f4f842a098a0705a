"""What is done at the hub's own machine: beginning a ledger, admitting agencies, a new epoch.

Each opens the database by itself, beside a hub that may be serving. Called by `hub.cli`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256

from comity.application import VerifiedApplication, verify_application
from comity.checkpoint import LedgerKey, verifier_key_text
from comity.envelope import envelope_from_json
from comity.errors import MalformedInput
from comity.v1 import agencies_pb2
from hub.certificates import pem_from_certificate
from hub.folder import NewHub, load_authority, load_ledger_key, make_folder, write_public
from hub.own_agency import OWN_AGENCY_FOLDER, make_own_agency
from hub.services.admission import AdmissionService, Admittance
from hub.services.epochs import NewEpoch, begin_epoch, begin_ledger, empty_head
from hub.services.membership import Membership
from hub.settings import Settings, load_settings
from hub.store.database import Database, NotDurable
from hub.store.ledger import add_head, load_head
from hub.store.migrations import current_revision, head_revision, migrate
from hub.store.transaction import LedgerTransaction
from hub.store.writer import UseCase, commit_alone


class Administration:
    """The hub's folder and database, opened for one command."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self._clock = clock

    async def __aenter__(self) -> Administration:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.database.dispose()

    async def commit(self, use_case: UseCase, item: object) -> object:
        """Commits one item of a use case."""
        return await commit_alone(
            self.database, use_case, item, clock=self._clock, token_bytes=secrets.token_bytes
        )

    async def begin(self) -> None:
        """Migrates an empty database and begins the ledger with its first epoch."""
        await migrate(self.database)
        async with self.database.write() as connection:
            await add_head(connection, empty_head(self.settings.domain))
        await self.commit(_begin_ledger, self.settings.domain)

    async def require_durable(self) -> None:
        """Refuses a database that could lose what it acknowledged.

        Raises: MalformedInput, StoreUnavailable.
        """
        try:
            await self.database.require_durable()
        except NotDurable as error:
            raise MalformedInput(str(error)) from error

    async def require_migrated(self) -> None:
        """Refuses a database whose schema is not this version's.

        Raises: MalformedInput.
        """
        async with self.database.read() as connection:
            revision = await current_revision(connection)
        if revision != head_revision():
            raise MalformedInput(
                f"The database is at revision {revision}, this version works with "
                f"{head_revision()}: run 'comity-hub migrate'."
            )

    async def admit(self, verified: VerifiedApplication) -> agencies_pb2.Admission:
        """Signs an agency's certificate, enters the agency, and gives what it connects with.

        Raises: AgencyExists, StoreUnavailable.
        """
        settings = self.settings
        authority = load_authority(settings)
        certificate = authority.sign_agency(
            verified.certificate_key,
            agency=verified.agency,
            hub_domain=settings.domain,
            now=self._clock(),
        )
        membership = Membership(self.database, monotonic=time.monotonic)
        await membership.refresh()
        admittance = Admittance(verified, certificate.fingerprint(SHA256()).hex())
        await self.commit(AdmissionService(membership).commit_many, admittance)
        return agencies_pb2.Admission(
            hub_domain=settings.domain,
            hub_address=settings.public_address,
            agency_id=verified.agency,
            certificate=pem_from_certificate(certificate).decode(),
            ca_certificate=settings.ca_certificate.read_text(encoding="ascii"),
            ledger_key=await self.ledger_key_text(),
        )

    async def members(self) -> list[agencies_pb2.Agency]:
        """The members, by id."""
        membership = Membership(self.database, monotonic=time.monotonic)
        await membership.refresh()
        return [agency for _, agency in sorted(membership.roster.agencies.items())]

    async def ledger_key_text(self) -> str:
        """The verifier key of the ledger's present origin."""
        async with self.database.read() as connection:
            head = await load_head(connection)
        public = load_ledger_key(self.settings).public
        return verifier_key_text(LedgerKey(head.origin, public))

    async def begin_epoch(self, highest_presented: bytes) -> str:
        """Begins a new epoch and gives its verifier key."""
        await self.commit(_begin_epoch, NewEpoch(self.settings.domain, highest_presented))
        return await self.ledger_key_text()


async def _begin_ledger(transaction: LedgerTransaction, domains: Sequence[str]) -> list[int]:
    return [await begin_ledger(transaction, domain) for domain in domains]


async def _begin_epoch(transaction: LedgerTransaction, epochs: Sequence[NewEpoch]) -> list[int]:
    return [await begin_epoch(transaction, new) for new in epochs]


async def init_hub(folder: Path, new: NewHub, *, clock: Callable[[], datetime]) -> None:
    """Makes a hub: its folder, its ledger, its own agency as the first member.

    Raises: MalformedInput where the folder holds a hub already; StoreUnavailable.
    """
    make_folder(folder, new, now=clock())
    async with Administration(load_settings(folder), clock=clock) as administration:
        await administration.begin()
        verified = make_own_agency(folder, agency=new.agency, hub_domain=new.domain, now=clock())
        admission = await administration.admit(verified)
    home = folder / OWN_AGENCY_FOLDER
    write_public(home / "certificate.pem", admission.certificate.encode())


def load_application(path: Path, *, hub_domain: str) -> VerifiedApplication:
    """The verified application in a file.

    Raises: MalformedInput, ApplicationInvalid.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error
    return verify_application(envelope_from_json(content), hub_domain=hub_domain)
