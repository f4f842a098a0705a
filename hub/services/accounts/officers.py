"""Officers added, changed, reset: by an agency's administrator, or at the hub's machine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from comity.commitment import officer_commitment
from comity.errors import (
    AgencyNotActive,
    ComityError,
    LastAdministrator,
    NotFound,
    NotPermitted,
    OfficerExists,
)
from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import ledger_pb2
from comity.v1.officers_pb2 import (
    OFFICER_STATUS_ACTIVE,
    OFFICER_STATUS_REMOVED,
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_HUB_ADMINISTRATOR,
    OfficerStatus,
    Role,
)
from hub.services.accounts.roles import (
    ADMINISTRATORS,
    MIN_AGENCY_ADMINISTRATORS,
    MIN_HUB_ADMINISTRATORS,
)
from hub.services.calls import Caller
from hub.services.membership import Membership
from hub.store.credentials import ONE_TIME_PASSWORD, put_password, remove_credentials
from hub.store.officers import (
    StoredOfficer,
    add_opening,
    advance_officer_version,
    count_officers_with,
    find_officer,
    find_officer_by_name,
    insert_officer,
    update_officer,
)
from hub.store.sessions import end_sessions_of
from hub.store.transaction import LedgerTransaction


@dataclass(frozen=True, slots=True)
class NewOfficer:
    """An officer that is to be added. `by` is None at the hub's machine."""

    officer: StoredOfficer
    password_hash: str
    by: Caller | None


@dataclass(frozen=True, slots=True)
class OfficerChange:
    """What is to be changed of an officer; what is None stays."""

    agency: AgencyId
    officer_id: str
    by: Caller | None
    roles: frozenset[Role.ValueType] | None = None
    status: OfficerStatus.ValueType | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class OfficerReset:
    """A new one-time password for an officer."""

    agency: AgencyId
    officer_id: str
    password_hash: str
    by: Caller | None


class OfficerCommits:
    """The commit halves; run by the hub's writer, and by the command line beside it."""

    def __init__(self, membership: Membership, *, own_agency: AgencyId) -> None:
        self._membership = membership
        self._own_agency = own_agency

    async def add_many(
        self, transaction: LedgerTransaction, items: Sequence[NewOfficer]
    ) -> list[StoredOfficer | ComityError]:
        """Adds officers."""
        return [await self._or_error(self._add_one, transaction, item) for item in items]

    async def change_many(
        self, transaction: LedgerTransaction, items: Sequence[OfficerChange]
    ) -> list[StoredOfficer | ComityError]:
        """Changes officers."""
        return [await self._or_error(self._change_one, transaction, item) for item in items]

    async def reset_many(
        self, transaction: LedgerTransaction, items: Sequence[OfficerReset]
    ) -> list[StoredOfficer | ComityError]:
        """Gives officers one-time passwords in the place of all that they log in with."""
        return [await self._or_error(self._reset_one, transaction, item) for item in items]

    async def _or_error(
        self, do: Callable[..., object], transaction: LedgerTransaction, item: object
    ) -> StoredOfficer | ComityError:
        """Every one of these decides before it writes, so that an error leaves nothing behind."""
        try:
            officer = await do(transaction, item)  # type: ignore[misc]
        except ComityError as error:
            return error
        assert isinstance(officer, StoredOfficer)
        return officer

    async def _add_one(self, transaction: LedgerTransaction, item: NewOfficer) -> StoredOfficer:
        officer, connection = item.officer, transaction.connection
        await self._require_authority(transaction, item.by, officer.agency_id)
        _require_machine_for(officer.roles, item.by)
        if await find_officer_by_name(connection, officer.agency_id, officer.user_name):
            raise OfficerExists()
        await insert_officer(connection, officer)
        await put_password(
            connection,
            officer.officer_id,
            password_hash=item.password_hash,
            one_time=ONE_TIME_PASSWORD,
        )
        await advance_officer_version(connection)
        await _append(transaction, officer)
        return officer

    async def _change_one(
        self, transaction: LedgerTransaction, item: OfficerChange
    ) -> StoredOfficer:
        await self._require_authority(transaction, item.by, item.agency)
        before = await _require_officer(transaction, item.agency, item.officer_id)
        after = replace(
            before,
            roles=before.roles if item.roles is None else item.roles,
            status=before.status if item.status is None else item.status,
            display_name=item.display_name or before.display_name,
        )
        if not _administers(before, ROLE_HUB_ADMINISTRATOR) and _administers(
            after, ROLE_HUB_ADMINISTRATOR
        ):
            _require_machine_for(after.roles, item.by)
        await self._require_administrators_left(transaction, before, after)
        await update_officer(transaction.connection, after)
        if (before.roles, before.status) != (after.roles, after.status):
            await _append(transaction, after)
            await self._end_rights(transaction, after)
        return after

    async def _end_rights(self, transaction: LedgerTransaction, after: StoredOfficer) -> None:
        """Lets every process know; whoever is not active has no session and gets none."""
        if after.status != OFFICER_STATUS_ACTIVE:
            now = microseconds_from(transaction.now)
            await end_sessions_of(transaction.connection, after.officer_id, now=now)
        if after.status == OFFICER_STATUS_REMOVED:
            await remove_credentials(transaction.connection, after.officer_id)
        await advance_officer_version(transaction.connection)

    async def _reset_one(self, transaction: LedgerTransaction, item: OfficerReset) -> StoredOfficer:
        connection = transaction.connection
        await self._require_authority(transaction, item.by, item.agency)
        officer = await _require_officer(transaction, item.agency, item.officer_id)
        _require_machine_for(officer.roles, item.by)
        await remove_credentials(connection, officer.officer_id)
        await put_password(
            connection,
            officer.officer_id,
            password_hash=item.password_hash,
            one_time=ONE_TIME_PASSWORD,
        )
        now = microseconds_from(transaction.now)
        await end_sessions_of(connection, officer.officer_id, now=now)
        await advance_officer_version(connection)
        await _append(transaction, officer)
        return replace(officer, has_second_factor=False)

    async def _require_authority(
        self, transaction: LedgerTransaction, by: Caller | None, agency: AgencyId
    ) -> None:
        """Judges again under the lock what the guard judged before it.

        Raises: NotFound, AgencyNotActive, NotPermitted.
        """
        await self._membership.refresh_within(transaction.connection, transaction.head)
        if agency not in self._membership.roster.agencies:
            raise NotFound(f"There is no agency {agency} here.")
        if by is None:
            return
        if not self._membership.roster.is_active(agency):
            raise AgencyNotActive()
        acting = by.officer and await find_officer(transaction.connection, by.officer.officer_id)
        if (
            not acting
            or acting.agency_id != agency
            or acting.status != OFFICER_STATUS_ACTIVE
            or not acting.roles & ADMINISTRATORS
        ):
            raise NotPermitted()

    async def _require_administrators_left(
        self, transaction: LedgerTransaction, before: StoredOfficer, after: StoredOfficer
    ) -> None:
        is_of_hub = before.agency_id == self._own_agency
        role = ROLE_HUB_ADMINISTRATOR if is_of_hub else ROLE_AGENCY_ADMINISTRATOR
        if not _administers(before, role) or _administers(after, role):
            return
        count = await count_officers_with(
            transaction.connection, before.agency_id, role=role, status=OFFICER_STATUS_ACTIVE
        )
        least = MIN_HUB_ADMINISTRATORS if is_of_hub else MIN_AGENCY_ADMINISTRATORS
        if count - 1 < least:
            raise LastAdministrator()


def _require_machine_for(roles: Collection[Role.ValueType], by: Caller | None) -> None:
    """Whoever makes an administrator of the hub, or holds the first password of one, could be a
    second one alone. So that is done at the hub's machine, where members see that it was.

    Raises: NotPermitted.
    """
    if by is not None and ROLE_HUB_ADMINISTRATOR in roles:
        raise NotPermitted(
            "An administrator of the hub is made, unlocked or reset at the hub's machine "
            "('comity-hub officer ...'): over the network one could be two."
        )


def _administers(officer: StoredOfficer, role: Role.ValueType) -> bool:
    return officer.status == OFFICER_STATUS_ACTIVE and role in officer.roles


async def _require_officer(
    transaction: LedgerTransaction, agency: AgencyId, officer_id: str
) -> StoredOfficer:
    """An officer of an agency that was not removed.

    Raises: NotFound, for another agency's too.
    """
    officer = await find_officer(transaction.connection, officer_id)
    if officer is None or officer.agency_id != agency or officer.status == OFFICER_STATUS_REMOVED:
        raise NotFound()
    return officer


async def _append(transaction: LedgerTransaction, officer: StoredOfficer) -> None:
    """Enters how an officer stands now; the entry commits to who it is."""
    salt = transaction.new_salt()
    index = transaction.append_officer(
        ledger_pb2.OfficerEntry(
            agency_id=officer.agency_id,
            officer_commitment=officer_commitment(officer.officer_id, salt),
            roles=sorted(officer.roles),
            status=officer.status,
            roster_entry=transaction.head.roster_entry or 0,
        )
    )
    await add_opening(transaction.connection, index, officer_id=officer.officer_id, salt=salt)
