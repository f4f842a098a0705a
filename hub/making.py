"""Making a hub: keys, ledger, its own agency, its first administrators. For `comity-hub init`.

Where that fails nothing is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from comity.v1 import officers_pb2
from hub.accounts import Accounts
from hub.administration import Administration
from hub.folder import (
    NewHub,
    make_database_file,
    make_keys,
    new_folder,
    settings_for,
    write_settings,
)
from hub.own_agency import make_own_agency, write_own_profile
from hub.store.migrations import (
    require_empty,
)


@dataclass(frozen=True, slots=True)
class MadeHub:
    """What those who make a hub are told: the ledger's key, and by user name the first
    administrators' one-time passwords."""

    ledger_key: str
    one_time_passwords: Mapping[str, str]


async def init_hub(folder: Path, new: NewHub, *, clock: Callable[[], datetime]) -> MadeHub:
    """Makes a hub: keys, ledger, its own agency as the first member, its administrators.

    Where that fails nothing is left of it, so that it can be tried again.

    Raises: MalformedInput where the folder or the database is not empty, or a value is wrong;
    StoreUnavailable; OSError.
    """
    settings = settings_for(folder, new)
    with new_folder(folder):
        make_database_file(settings)
        async with Administration(settings, clock=clock) as administration:
            await require_empty(administration.database)
            await administration.require_durable()
            make_keys(settings, now=clock())
            async with administration.begun():
                await _add_own_agency(administration, now=clock())
                passwords = await _add_administrators(administration, new, clock=clock)
                ledger_key = await administration.ledger_key_text()
                write_settings(settings, new)
    return MadeHub(ledger_key, passwords)


async def _add_own_agency(administration: Administration, *, now: datetime) -> None:
    settings = administration.settings
    verified = make_own_agency(
        settings.folder, agency=settings.agency, hub_domain=settings.domain, now=now
    )
    admission = await administration.admit(verified)
    write_own_profile(settings.folder, admission)


async def _add_administrators(
    administration: Administration, new: NewHub, *, clock: Callable[[], datetime]
) -> Mapping[str, str]:
    accounts = Accounts(administration.settings, administration.database, clock=clock)
    passwords = {}
    for user_name, nationality in new.administrators:
        request = officers_pb2.AddOfficerRequest(
            user_name=user_name,
            display_name=f"Administrator {user_name}",
            nationality=nationality,
            roles=[officers_pb2.ROLE_HUB_ADMINISTRATOR],
        )
        passwords[user_name] = await accounts.add(new.agency, request)
    return passwords
