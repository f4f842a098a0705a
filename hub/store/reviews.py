"""Reviews of notices, and what each reviewer has done about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, insert, select, update

from comity.identity import AgencyId
from hub.store.database import Connection
from hub.store.notice_tables import review_steps, reviews


@dataclass(frozen=True, slots=True)
class StoredReview:
    """A review. `outcome` is 0 while it is open; `nationalities` are those of the subjects."""

    review_id: str
    originator: AgencyId
    notice_id: str
    version: int
    acts_entry: int
    kind: int
    traffic: int
    urgency: int
    nationalities: str
    submitted_at: int
    due_at: int
    reviewers_needed: int
    is_after_publication: bool
    outcome: int = 0
    ground: int = 0
    decided_at: int | None = None
    findings: bytes | None = None
    findings_salt: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredStep:
    """What one reviewer has done: taken it, and decided where `outcome` is not 0."""

    review_id: str
    officer_id: str
    taken_at: int
    outcome: int = 0
    ground: int = 0
    findings: bytes | None = None
    decided_at: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many reviews ended alike."""

    outcome: int
    ground: int
    kind: int
    originator: AgencyId
    count: int


_COLUMNS = [column.name for column in reviews.columns]
_STEP_COLUMNS = [column.name for column in review_steps.columns]


async def insert_reviews(connection: Connection, added: Sequence[StoredReview]) -> None:
    """Adds reviews."""
    if added:
        await connection.execute(insert(reviews), [_values(one, _COLUMNS) for one in added])


async def update_review(connection: Connection, review: StoredReview) -> None:
    """Writes where a review stands now."""
    statement = update(reviews).where(reviews.c.review_id == review.review_id)
    await connection.execute(statement.values(_values(review, _COLUMNS)))


async def end_reviews_of(
    connection: Connection, keys: Collection[tuple[AgencyId, str]], *, outcome: int, at: int
) -> None:
    """Ends the reviews of some notices that are still open, without a word."""
    for originator, notice_id in keys:
        await connection.execute(
            update(reviews)
            .where(reviews.c.notice_id == notice_id, reviews.c.originator == originator)
            .where(reviews.c.outcome == 0)
            .values(outcome=outcome, decided_at=at)
        )


async def erase_reviewers_words(connection: Connection, key: tuple[AgencyId, str]) -> None:
    """Erases what reviewers noted of a notice, and of whom it was. What its originator was told of
    the outcome stays until `erase_findings`."""
    originator, notice_id = key
    ours = select(reviews.c.review_id).where(
        reviews.c.notice_id == notice_id, reviews.c.originator == originator
    )
    await connection.execute(
        update(review_steps).where(review_steps.c.review_id.in_(ours)).values(findings=None)
    )
    await connection.execute(
        update(reviews).where(reviews.c.review_id.in_(ours)).values(nationalities="")
    )


async def erase_findings(connection: Connection, *, before: int) -> bool:
    """Erases what originators were told of reviews that ended before a time; whether there were
    any."""
    erased = await connection.execute(
        update(reviews)
        .where(reviews.c.decided_at < before, reviews.c.findings.is_not(None))
        .values(findings=None, findings_salt=None)
    )
    return bool(erased.rowcount)


async def find_looked_at(
    connection: Connection, keys: Collection[tuple[AgencyId, str]]
) -> set[tuple[AgencyId, str]]:
    """Those of some notices of which a review after publication is open."""
    if not keys:
        return set()
    statement = (
        select(reviews.c.originator, reviews.c.notice_id)
        .where(reviews.c.notice_id.in_({notice_id for _, notice_id in keys}))
        .where(reviews.c.outcome == 0, reviews.c.is_after_publication.is_(True))
    )
    rows = await connection.execute(statement)
    return {(AgencyId(row.originator), row.notice_id) for row in rows} & set(keys)


async def find_reviews(
    connection: Connection, review_ids: Collection[str]
) -> dict[str, StoredReview]:
    """The reviews of some ids."""
    if not review_ids:
        return {}
    rows = await connection.execute(select(reviews).where(reviews.c.review_id.in_(review_ids)))
    return {row.review_id: _review(row) for row in rows}


async def list_reviews(
    connection: Connection, *, traffic: int, with_decided: bool, after: str, limit: int
) -> list[StoredReview]:
    """Reviews in the order of their ids, that is of their submission, after one."""
    statement = select(reviews).where(reviews.c.traffic == traffic, reviews.c.review_id > after)
    if not with_decided:
        statement = statement.where(reviews.c.outcome == 0)
    rows = await connection.execute(statement.order_by(reviews.c.review_id).limit(limit))
    return [_review(row) for row in rows]


async def find_steps(
    connection: Connection, review_ids: Collection[str]
) -> dict[str, list[StoredStep]]:
    """What reviewers have done about some reviews, in the order they took them."""
    found: dict[str, list[StoredStep]] = {review_id: [] for review_id in review_ids}
    if found:
        statement = (
            select(review_steps)
            .where(review_steps.c.review_id.in_(found))
            .order_by(review_steps.c.taken_at, review_steps.c.officer_id)
        )
        for row in await connection.execute(statement):
            found[row.review_id].append(
                StoredStep(**{name: getattr(row, name) for name in _STEP_COLUMNS})
            )
    return found


async def save_step(connection: Connection, step: StoredStep, *, is_new: bool) -> None:
    """Writes what a reviewer has done."""
    if is_new:
        await connection.execute(insert(review_steps).values(_values(step, _STEP_COLUMNS)))
        return
    which = and_(
        review_steps.c.review_id == step.review_id, review_steps.c.officer_id == step.officer_id
    )
    await connection.execute(update(review_steps).where(which).values(_values(step, _STEP_COLUMNS)))


async def tally_reviews(
    connection: Connection, *, since: int, before: int, outcomes: Sequence[int]
) -> list[Tally]:
    """How many reviews of live notices ended how in a stretch of time, by ground, kind, agency."""
    groups = (reviews.c.outcome, reviews.c.ground, reviews.c.kind, reviews.c.originator)
    statement = (
        select(*groups, func.count().label("tally"))
        .where(reviews.c.decided_at >= since, reviews.c.decided_at < before)
        .where(reviews.c.outcome.in_(outcomes))
        .where(reviews.c.traffic == 1)
        .group_by(*groups)
    )
    rows = await connection.execute(statement)
    return [
        Tally(row.outcome, row.ground, row.kind, AgencyId(row.originator), row.tally)
        for row in rows
    ]


def _values(one: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}


def _review(row: Row[Any]) -> StoredReview:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return StoredReview(**values)
