"""What is done at the hub's own machine: admitting agencies, watching over them, a new epoch.

Each opens the database by itself, beside a hub that may be serving. Called by `hub.cli`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from cryptography import x509

from comity.application import VerifiedApplication, verify_application
from comity.checkpoint import LedgerKey, verifier_key_text
from comity.envelope import envelope_from_json
from comity.errors import AgencyExists, ComityError, MalformedInput
from comity.v1 import agencies_pb2
from hub.certificates import (
    pem_from_certificate,
)
from hub.folder import (
    find_certificate,
    load_authority,
    load_ledger_key,
)
from hub.issuing import issue, load_identity
from hub.services.admission import AdmissionService, Admittance
from hub.services.applications import ApplicationsService
from hub.services.approving import Approving
from hub.services.change_limits import ChangeLimits
from hub.services.epochs import NewEpoch, begin_epoch, begin_ledger, empty_head
from hub.services.issued_certificates import stored_certificate
from hub.services.key_changes import KeyChanges
from hub.services.member_changes import MemberChanges
from hub.services.members import MembersService
from hub.services.membership import PAGE_ENTRIES, Membership
from hub.services.revocations import Revocations
from hub.settings import Settings
from hub.store.database import Database, NotDurable
from hub.store.ledger import add_head, list_entries, list_roster_entries, load_head, roster_entry_of
from hub.store.migrations import (
    create_schema,
    find_revision,
    head_revision,
    migrate,
)
from hub.store.transaction import LedgerTransaction
from hub.store.writer import UseCase, commit_alone

TLS = agencies_pb2.KEY_PURPOSE_TLS


class Administration:
    """The hub's folder and database, opened for one command.

    Raises: MalformedInput where the database's file or driver is missing.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self._clock = clock
        file = settings.database_file
        if file is not None and not file.is_file():  # SQLite would make one
            raise MalformedInput(f"The database {file} is missing.")
        try:
            self.database = Database(settings.database_url)
        except ModuleNotFoundError as error:
            raise MalformedInput(
                "PostgreSQL needs its driver: pip install 'comity[production]'."
            ) from error

    async def __aenter__(self) -> Administration:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.database.dispose()

    async def commit(self, use_case: UseCase, item: object) -> object:
        """Commits one item of a use case."""
        return await commit_alone(
            self.database, use_case, item, clock=self._clock, token_bytes=secrets.token_bytes
        )

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        """Begins the ledger in an empty database; takes it back where what follows fails.

        Raises: MalformedInput where the database holds a hub; StoreUnavailable.
        """
        await create_schema(self.database)
        try:
            async with self.database.write() as connection:
                await add_head(connection, empty_head(self.settings.domain))
            await self.commit(_begin_ledger, self.settings.domain)
            yield
        except BaseException:
            await migrate(self.database, revision="base")
            raise

    async def require_durable(self) -> None:
        """Refuses a database that could lose what it acknowledged.

        Raises: MalformedInput, StoreUnavailable.
        """
        try:
            await self.database.require_durable()
        except NotDurable as error:
            raise MalformedInput(str(error)) from error

    async def require_ledger(self) -> None:
        """Refuses a database whose schema is not this version's, or that no ledger was begun in.

        Raises: MalformedInput, StoreUnavailable.
        """
        revision = await find_revision(self.database)
        if revision != head_revision():
            raise MalformedInput(
                f"The database is at revision {revision}, this version works with "
                f"{head_revision()}: run 'comity-hub migrate'."
            )
        async with self.database.read() as connection:
            if not await list_entries(connection, 0, limit=1):
                raise MalformedInput("The database holds no ledger; is it the right one?")

    async def admit(self, verified: VerifiedApplication) -> agencies_pb2.Admission:
        """Signs an agency's certificate, enters the agency, and gives what it connects with.

        The same application again gives the same certificate again.

        Raises: AgencyExists, StoreUnavailable; MalformedInput where the authority cannot sign.
        """
        certificate = await self._find_admitted(verified) or await self._enter(verified)
        settings = self.settings
        return agencies_pb2.Admission(
            hub_domain=settings.domain,
            hub_address=settings.public_address,
            agency_id=verified.agency,
            certificate=pem_from_certificate(certificate).decode(),
            ca_certificate=settings.ca_certificate.read_text(encoding="ascii"),
            ledger_key=await self.ledger_key_text(),
        )

    async def _find_admitted(self, verified: VerifiedApplication) -> x509.Certificate | None:
        """The certificate that was signed for this very application and is the agency's still."""
        membership = await self.membership()
        for certificate_id in await self._admitted_certificate_ids(verified):
            if membership.roster.has_current_key(verified.agency, certificate_id):
                found = find_certificate(self.settings, verified.agency, certificate_id)
                if found is not None:
                    return found
        return None

    async def _admitted_certificate_ids(self, verified: VerifiedApplication) -> list[str]:
        first, found = 0, list[str]()
        async with self.database.read() as connection:
            while page := await list_roster_entries(connection, first, limit=PAGE_ENTRIES):
                for entry in map(roster_entry_of, page):
                    if entry.application_digest == verified.digest:
                        found += [k.key_id for k in entry.keys_added if k.purpose == TLS]
                first = page[-1].entry_index + 1
        return found

    async def _enter(self, verified: VerifiedApplication) -> x509.Certificate:
        # On disk before the commit: once entered, an agency is signed no second certificate.
        certificate, kept = issue(
            self.settings, verified.agency, verified.certificate_key, now=self._clock()
        )
        admittance = Admittance(verified, stored_certificate(certificate, agency=verified.agency))
        service = AdmissionService(await self.membership())
        try:
            await self.commit(service.commit_many, admittance)
        except AgencyExists:
            kept.unlink()
            raise
        return certificate

    async def membership(self) -> Membership:
        """The roster as it is now.

        Raises: StoreUnavailable.
        """
        membership = Membership(self.database, monotonic=time.monotonic)
        await membership.refresh()
        return membership

    async def applications(self) -> ApplicationsService:
        """What agencies that enrol over the network are let in with.

        Raises: MalformedInput, StoreUnavailable.
        """
        membership = await self.membership()
        return ApplicationsService(
            load_identity(self.settings),
            database=self.database,
            membership=membership,
            approving=Approving(
                membership,
                hub_domain=self.settings.domain,
                issue=lambda verified: issue(
                    self.settings, verified.agency, verified.certificate_key, now=self._clock()
                )[0],
            ),
            commit=self.commit,
            clock=self._clock,
            token_bytes=secrets.token_bytes,
        )

    async def watching(self) -> tuple[MembersService, Revocations]:
        """What members are watched over with.

        Raises: MalformedInput, StoreUnavailable.
        """
        membership, settings = await self.membership(), self.settings
        members = MembersService(
            load_identity(settings),
            membership=membership,
            changes=MemberChanges(membership, own_agency=settings.agency),
            keys=KeyChanges(membership, hub_domain=settings.domain),
            limits=ChangeLimits(monotonic=time.monotonic),
            sign=lambda agency, key: issue(settings, agency, key, now=self._clock())[0],
            commit=self.commit,
            refresh=membership.refresh,
        )
        revocations = Revocations(
            self.database,
            membership=membership,
            sign=lambda revoked, now: load_authority(settings).sign_revocation_list(
                revoked, now=now
            ),
            clock=self._clock,
        )
        return members, revocations

    async def members(self) -> list[agencies_pb2.Agency]:
        """The members, by id."""
        membership = await self.membership()
        return [agency for _, agency in sorted(membership.roster.agencies.items())]

    async def ledger_key_text(self) -> str:
        """The verifier key of the ledger's present origin."""
        async with self.database.read() as connection:
            head = await load_head(connection)
        public = load_ledger_key(self.settings).public
        return verifier_key_text(LedgerKey(head.origin, public))

    async def begin_epoch(self, highest_presented: bytes) -> str:
        """Begins a new epoch and gives its verifier key.

        Raises: MalformedInput where the ledger's key cannot be read; StoreUnavailable.
        """
        load_ledger_key(self.settings)  # before the commit: nobody can be told of it otherwise
        await self.commit(_begin_epoch, NewEpoch(self.settings.domain, highest_presented))
        return await self.ledger_key_text()


async def _begin_ledger(transaction: LedgerTransaction, domains: Sequence[str]) -> list[int]:
    return [await begin_ledger(transaction, domain) for domain in domains]


async def _begin_epoch(transaction: LedgerTransaction, epochs: Sequence[NewEpoch]) -> list[int]:
    return [await begin_epoch(transaction, new) for new in epochs]


def load_application(path: Path, *, hub_domain: str) -> VerifiedApplication:
    """The verified application in a file.

    Raises: MalformedInput, ApplicationInvalid.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error
    try:
        envelope = envelope_from_json(content)
    except ComityError as error:
        raise MalformedInput(f"{path} is no application as 'comity init' writes it.") from error
    return verify_application(envelope, hub_domain=hub_domain)
