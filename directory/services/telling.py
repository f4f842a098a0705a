"""Telling agencies something about an entry: in the ledger, and thereby as an event of their
watches.

Called by commit halves once everything is decided. Never says more than what an entry may hold: no
texts, nobody's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from comity.v1 import authorities_pb2, ledger_pb2
from directory.services.calls import Transaction
from directory.services.keepers import Keepers
from directory.store.authorities import StoredAuthority


def tell(
    transaction: Transaction,
    change: ledger_pb2.DirectoryChange.ValueType,
    current: StoredAuthority,
    *,
    keepers: Keepers,
    recipients: Iterable[str],
    **given: Any,
) -> int:
    """Appends an entry that some agencies read, and gives its index."""
    entry = ledger_pb2.DirectoryEntry(
        authority_id=current.authority.authority_id,
        version=current.version,
        change=change,
        agency_id=keeper_of(current, keepers).agency_id,
        roster_entry=keepers.roster.last_entry or 0,
        recipients=sorted(set(recipients)),
        **given,
    )
    return transaction.append_directory(entry)


def keeper_of(current: StoredAuthority, keepers: Keepers) -> authorities_pb2.Keeper:
    """Who keeps an entry now."""
    return keepers.keeper_now(current.keeper, current.authority.country)


def escalated_to(current: StoredAuthority, keepers: Keepers) -> set[str]:
    """Who is told when an entry was not confirmed: its keeper, who leads its country, and the hub's
    own agency with its administrators."""
    lead = keepers.find_lead(current.authority.country)
    told: set[str] = {keeper_of(current, keepers).agency_id, keepers.hub_agency}
    return told if lead is None else told | {lead}
