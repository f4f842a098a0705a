"""Acts as they were submitted, each with the salt that opens its entry's commitment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from comity.identity import AgencyId
from hub.store.database import Connection
from hub.store.rows import insert_rows, select_by_text
from hub.store.tables import acts

ActKey = tuple[AgencyId, str]

_COLUMNS = [column.name for column in acts.columns]


@dataclass(frozen=True, slots=True)
class StoredAct:
    """A signed act in the ledger. `envelope` is the serialized comity.v1.Envelope; it is empty, and
    the salt None, where the act is erased."""

    originator: AgencyId
    act_id: str
    kind: int
    digest: bytes
    envelope: bytes
    entry_index: int
    salt: bytes | None


async def find_acts(connection: Connection, act_ids: Collection[str]) -> dict[ActKey, StoredAct]:
    """The acts of some ids, of whichever originators."""
    rows = await select_by_text(connection, acts, acts.c.act_id, act_ids)
    found = (StoredAct(**dict(zip(_COLUMNS, row, strict=True))) for row in rows)
    return {(act.originator, act.act_id): act for act in found}


async def find_acts_at(
    connection: Connection, entry_indices: Collection[int]
) -> dict[int, list[StoredAct]]:
    """The acts that were committed at some entries."""
    found: dict[int, list[StoredAct]] = {index: [] for index in entry_indices}
    if found:
        rows = await connection.execute(select(acts).where(acts.c.entry_index.in_(found)))
        for row in rows:
            found[row.entry_index].append(_stored_act(row))
    return found


async def insert_acts(connection: Connection, added: Sequence[StoredAct]) -> None:
    """Adds acts."""
    await insert_rows(connection, acts, added)


async def erase_acts(connection: Connection, keys: Collection[ActKey]) -> None:
    """Erases what acts say, and what opens their entries' commitments. That they were stays."""
    for originator, act_id in keys:
        await connection.execute(
            update(acts)
            .where(acts.c.act_id == act_id, acts.c.originator == originator)
            .values(envelope=b"", salt=None)
        )


def _stored_act(row: Row[Any]) -> StoredAct:
    return StoredAct(
        AgencyId(row.originator),
        row.act_id,
        row.kind,
        row.digest,
        row.envelope,
        row.entry_index,
        row.salt,
    )
