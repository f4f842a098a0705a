"""Audiences: sets of addressees, each kept once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from comity.addressing import rule_names
from comity.identity import AgencyId
from comity.v1.acts_pb2 import AddressingRule
from hub.store.database import Connection
from hub.store.tables import audience_members, audiences

MAX_KNOWN_AUDIENCES = 65_536  # 32 bytes each


@dataclass(frozen=True, slots=True)
class Audience:
    """A set of addressees. `open_rule` is set where members who join later are named too.

    `key` is what the set is kept under, 32 bytes: the digest of what it began as. An open audience
    grows under its key.
    """

    key: bytes
    members: frozenset[AgencyId]
    open_rule: bytes | None = None


def audience_of(members: frozenset[AgencyId], open_rule: bytes | None = None) -> Audience:
    """The audience that begins as these members."""
    text = "\n".join(sorted(members)).encode()
    return Audience(
        hashlib.sha256(text + b"\x00" + (open_rule or b"")).digest(), members, open_rule
    )


async def find_audiences(connection: Connection, keys: Collection[bytes]) -> dict[bytes, Audience]:
    """The audiences kept under some keys, with their members of now."""
    if not keys:
        return {}
    rules = await connection.execute(select(audiences).where(audiences.c.audience.in_(keys)))
    found = {row.audience: row.open_rule for row in rules}
    members: dict[bytes, set[AgencyId]] = {key: set() for key in found}
    rows = await connection.execute(
        select(audience_members).where(audience_members.c.audience.in_(keys))
    )
    for row in rows:
        members[row.audience].add(AgencyId(row.agency_id))
    return {key: Audience(key, frozenset(members[key]), rule) for key, rule in found.items()}


async def insert_missing_audiences(
    connection: Connection, wanted: Iterable[Audience], *, known: set[bytes]
) -> None:
    """Adds the audiences that are not kept yet.

    `known` remembers keys that were found committed, so that they are not asked for again.
    """
    by_key = {audience.key: audience for audience in wanted if audience.key not in known}
    if not by_key:
        return
    if len(known) > MAX_KNOWN_AUDIENCES:
        known.clear()
    statement = select(audiences.c.audience).where(audiences.c.audience.in_(by_key))
    kept = set((await connection.execute(statement)).scalars())
    known |= kept
    missing = {key: a for key, a in by_key.items() if key not in kept}
    if not missing:
        return
    await connection.execute(
        insert(audiences),
        [{"audience": key, "open_rule": a.open_rule} for key, a in missing.items()],
    )
    await _insert_members(
        connection, [(key, member) for key, a in missing.items() for member in a.members]
    )


async def _insert_members(
    connection: Connection, members: Sequence[tuple[bytes, AgencyId]]
) -> None:
    if members:
        await connection.execute(
            insert(audience_members),
            [{"audience": key, "agency_id": agency} for key, agency in members],
        )


async def add_later_member(connection: Connection, agency: AgencyId) -> None:
    """Adds a new member to the audiences that are open to later members and whose rule names it."""
    rows = await connection.execute(select(audiences).where(audiences.c.open_rule.is_not(None)))
    joined = [
        row.audience for row in rows if rule_names(AddressingRule.FromString(row.open_rule), agency)
    ]
    kept = await connection.execute(
        select(audience_members.c.audience).where(audience_members.c.agency_id == agency)
    )
    already = set(kept.scalars())
    await _insert_members(connection, [(key, agency) for key in joined if key not in already])
