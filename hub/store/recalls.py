"""Recalls and their answers, and who holds somebody on a notice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, delete, exists, insert, or_, select, tuple_, update

from comity.identity import AgencyId
from hub.store.database import Connection
from hub.store.notice_tables import custodies, recall_answers, recalls
from hub.store.notices import NoticeKey
from hub.store.tables import audience_members


@dataclass(frozen=True, slots=True)
class StoredRecall:
    """A recall. `audience` is whom it is for, `answers` the outcome that each has given so far."""

    recall_entry: int
    kind: int
    originator: AgencyId
    notice_id: str
    audience: bytes
    begun_at: int
    open_count: int
    answers: dict[AgencyId, int] = field(default_factory=dict)
    # The entries of the answers.
    answer_entries: dict[AgencyId, int] = field(default_factory=dict)

    @property
    def notice_key(self) -> NoticeKey:
        return (self.originator, self.notice_id)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An agency's newest answer to a recall."""

    recall_entry: int
    agency_id: AgencyId
    outcome: int
    answer_entry: int


async def insert_recalls(connection: Connection, added: Sequence[StoredRecall]) -> None:
    """Adds recalls."""
    if added:
        names = [column.name for column in recalls.columns]
        await connection.execute(
            insert(recalls), [{name: getattr(one, name) for name in names} for one in added]
        )


async def save_answers(connection: Connection, answers: Sequence[StoredAnswer]) -> None:
    """Writes answers, each in place of the agency's earlier one."""
    for answer in answers:
        which = and_(
            recall_answers.c.recall_entry == answer.recall_entry,
            recall_answers.c.agency_id == answer.agency_id,
        )
        gone = await connection.execute(delete(recall_answers).where(which))
        if not gone.rowcount:
            await connection.execute(
                update(recalls)
                .where(recalls.c.recall_entry == answer.recall_entry)
                .values(open_count=recalls.c.open_count - 1)
            )
        await connection.execute(
            insert(recall_answers).values(
                recall_entry=answer.recall_entry,
                agency_id=answer.agency_id,
                outcome=answer.outcome,
                answer_entry=answer.answer_entry,
            )
        )


async def find_recalls(
    connection: Connection, recall_entries: Collection[int]
) -> dict[int, StoredRecall]:
    """The recalls that began with some entries, with their answers.

    The same statements, whether they are there or not.
    """
    if not recall_entries:
        return {}
    rows = await connection.execute(
        select(recalls).where(recalls.c.recall_entry.in_(recall_entries))
    )
    found = await _with_answers(connection, list(rows), of=recall_entries)
    return {one.recall_entry: one for one in found}


async def list_recalls(
    connection: Connection,
    *,
    agency: AgencyId | None,
    originator: str = "",
    notice_id: str = "",
    owed: bool = False,
    is_open: bool = False,
    first_index: int = 0,
    limit: int,
) -> list[StoredRecall]:
    """Recalls that an agency began or has to answer (None: of anybody), from an entry on."""
    statement = select(recalls).where(recalls.c.recall_entry >= first_index)
    if agency is not None:
        is_for = recalls.c.audience.in_(
            select(audience_members.c.audience).where(audience_members.c.agency_id == agency)
        )
        if owed:
            answered = exists().where(
                recall_answers.c.recall_entry == recalls.c.recall_entry,
                recall_answers.c.agency_id == agency,
            )
            statement = statement.where(is_for, ~answered)
        else:
            statement = statement.where(or_(recalls.c.originator == agency, is_for))
    if notice_id:
        statement = statement.where(
            recalls.c.notice_id == notice_id, recalls.c.originator == originator
        )
    if is_open:
        statement = statement.where(recalls.c.open_count > 0)
    rows = list(await connection.execute(statement.order_by(recalls.c.recall_entry).limit(limit)))
    return await _with_answers(connection, rows, of=[row.recall_entry for row in rows])


async def _with_answers(
    connection: Connection, rows: Sequence[object], *, of: Collection[int]
) -> list[StoredRecall]:
    names = [column.name for column in recalls.columns]
    found = {
        row.recall_entry: StoredRecall(**{name: getattr(row, name) for name in names})  # type: ignore[attr-defined]
        for row in rows
    }
    if of:
        answers = await connection.execute(
            select(recall_answers).where(recall_answers.c.recall_entry.in_(of))
        )
        for answer in answers:
            recall = found[answer.recall_entry]
            recall.answers[AgencyId(answer.agency_id)] = answer.outcome
            recall.answer_entries[AgencyId(answer.agency_id)] = answer.answer_entry
    return list(found.values())


async def find_holders(
    connection: Connection, keys: Collection[NoticeKey]
) -> dict[NoticeKey, frozenset[AgencyId]]:
    """Which agencies hold somebody on some notices."""
    if not keys:
        return {}
    wanted = [(notice_id, originator) for originator, notice_id in keys]
    rows = await connection.execute(
        select(custodies).where(tuple_(custodies.c.notice_id, custodies.c.originator).in_(wanted))
    )
    found: dict[NoticeKey, set[AgencyId]] = {}
    for row in rows:
        key = (AgencyId(row.originator), row.notice_id)
        found.setdefault(key, set()).add(AgencyId(row.agency_id))
    return {key: frozenset(agencies) for key, agencies in found.items()}


async def save_custody(
    connection: Connection, key: NoticeKey, agency: AgencyId, *, entry_index: int | None
) -> None:
    """Notes that an agency holds somebody since an entry, or (None) nobody any longer."""
    originator, notice_id = key
    await connection.execute(
        delete(custodies).where(
            custodies.c.notice_id == notice_id,
            custodies.c.originator == originator,
            custodies.c.agency_id == agency,
        )
    )
    if entry_index is not None:
        await connection.execute(
            insert(custodies).values(
                notice_id=notice_id,
                originator=originator,
                agency_id=agency,
                entry_index=entry_index,
            )
        )
