"""Contact tests: asked through the exchange, or noted as calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, Row, bindparam, func, insert, or_, select, update

from comity.errors import NotFound
from comity.v1.authorities_pb2 import ContactTestMethod, Keeper
from directory.store.connection import Connection
from directory.store.tables import authorities, contact_tests

_NEWEST_ENTRY = authorities.c.entry_index.label("newest_entry")
# When it happened, whenever it was written down: an answer, else the question or the call.
_HAPPENED_AT = func.coalesce(contact_tests.c.answered_at, contact_tests.c.asked_at)
_RANKED = (
    select(
        contact_tests.c.test_id,
        func.row_number()
        .over(
            partition_by=contact_tests.c.authority_id,
            order_by=(_HAPPENED_AT.desc(), contact_tests.c.test_id.desc()),
        )
        .label("place"),
    )
    .where(contact_tests.c.authority_id.in_(bindparam("ids", expanding=True)))
    .subquery()
)
# Asked with every answer, so that it is put together once.
_LAST = (
    select(contact_tests)
    .join(_RANKED, _RANKED.c.test_id == contact_tests.c.test_id)
    .where(_RANKED.c.place == 1)
)


@dataclass(frozen=True, slots=True)
class StoredContactTest:
    """A contact test. Times are microseconds UTC; `answered_at` is None where nobody answered."""

    test_id: str
    authority_id: str
    version: int
    method: ContactTestMethod.ValueType
    contact: str
    agency_id: str
    officer_id: str
    asked_at: int
    recorded_at: int
    entry_index: int = 0
    answered_at: int | None = None
    answered_by_officer_id: str = ""
    spoken_to: str = ""
    note: str = ""
    answer_entry_index: int | None = None


@dataclass(frozen=True, slots=True)
class TestedAuthority:
    """A contact test, and of its entry the country, the keeper of the last version and the newest
    entry of the ledger."""

    __test__ = False  # no test of ours, whatever its name begins with

    test: StoredContactTest
    country: str
    keeper: Keeper
    newest_entry: int


async def add_contact_test(connection: Connection, test: StoredContactTest) -> None:
    """Adds a contact test."""
    values = {each.name: getattr(test, each.name) for each in fields(test)}
    await connection.execute(insert(contact_tests).values(**{**values, "method": int(test.method)}))


async def get_contact_test(connection: Connection, test_id: str) -> StoredContactTest:
    """A contact test.

    Raises: NotFound.
    """
    statement = select(contact_tests).where(contact_tests.c.test_id == test_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    return _test_from(row)


async def answer_contact_test(
    connection: Connection, test_id: str, *, answered_at: int, officer_id: str, entry_index: int
) -> None:
    """Notes that the keeper has answered."""
    await connection.execute(
        update(contact_tests)
        .where(contact_tests.c.test_id == test_id)
        .values(
            answered_at=answered_at,
            answered_by_officer_id=officer_id,
            answer_entry_index=entry_index,
        )
    )


async def count_contact_tests(
    connection: Connection,
    method: ContactTestMethod.ValueType,
    *,
    since: int,
    agency_id: str = "",
    authority_id: str = "",
) -> int:
    """How many of a method were entered since a time: by an agency, of an entry, or both."""
    statement = (
        select(func.count())
        .select_from(contact_tests)
        .where(contact_tests.c.recorded_at > since, contact_tests.c.method == int(method))
    )
    if agency_id:
        statement = statement.where(contact_tests.c.agency_id == agency_id)
    if authority_id:
        statement = statement.where(contact_tests.c.authority_id == authority_id)
    return int((await connection.execute(statement)).scalar_one())


async def list_contact_tests(
    connection: Connection,
    country: str | None,
    *,
    agency_id: str,
    before: str = "",
    limit: int,
) -> list[TestedAuthority]:
    """Those on entries of a country or of all, and those that an agency asked for; the newest
    first."""
    statement = (
        select(contact_tests, authorities.c.country, authorities.c.keeper, _NEWEST_ENTRY)
        .join(authorities, authorities.c.authority_id == contact_tests.c.authority_id)
        .order_by(contact_tests.c.test_id.desc())
        .limit(limit)
    )
    if country is not None:
        wanted: ColumnElement[bool] = authorities.c.country == country
        statement = statement.where(or_(wanted, contact_tests.c.agency_id == agency_id))
    if before:
        statement = statement.where(contact_tests.c.test_id < before)
    return [
        TestedAuthority(
            _test_from(row), row.country, Keeper.FromString(row.keeper), row.newest_entry
        )
        for row in await connection.execute(statement)
    ]


async def find_last_contact_tests(
    connection: Connection, authority_ids: Collection[str]
) -> Mapping[str, StoredContactTest]:
    """Of those entries that have any, the contact test of which the newest is known: by when it was
    answered, or else asked; a call by its time, however late it was noted."""
    rows = await connection.execute(_LAST, {"ids": list(authority_ids)})
    return {row.authority_id: _test_from(row) for row in rows}


async def erase_some_words(connection: Connection, *, since: int, before: int, limit: int) -> int:
    """Empties who was spoken to and the note of some tests that were recorded since one time and
    before another, and gives of how many: fewer than the limit where nothing is left."""
    have_words = or_(contact_tests.c.spoken_to != "", contact_tests.c.note != "")
    chosen = (
        select(contact_tests.c.test_id)
        .where(contact_tests.c.recorded_at >= since, contact_tests.c.recorded_at < before)
        .where(have_words)
        .order_by(contact_tests.c.recorded_at)
        .limit(limit)
    )
    result = await connection.execute(
        update(contact_tests)
        .where(contact_tests.c.test_id.in_(chosen))
        .values(spoken_to="", note="")
    )
    return int(result.rowcount)


def _test_from(row: Row[*tuple[object, ...]]) -> StoredContactTest:
    return StoredContactTest(
        **{each.name: getattr(row, each.name) for each in fields(StoredContactTest)}
    )
