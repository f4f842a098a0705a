"""Who is entitled, while membership changes and other readers come in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comity.v1 import acts_pb2
from hub.services import entitlement as entitlement_module
from hub.services.entitlement import Entitlement
from hub.services.standings import Standings
from hub.store.events import StoredEvent
from tests.unit.hub_parts import (
    BRAZIL,
    KENYA,
    HubParts,
    PausingDatabase,
    admit,
    begin,
    serving,
    sqlite_url,
)

ALL = acts_pb2.AddressingRule(all_members=True, and_later_members=True)


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[HubParts]:
    database = PausingDatabase(sqlite_url(tmp_path))
    await begin(database)
    async with serving(database) as parts:
        yield parts
    await database.dispose()


def pausing(parts: HubParts) -> PausingDatabase:
    assert isinstance(parts.database, PausingDatabase)
    return parts.database


async def published(parts: HubParts, *, to: acts_pb2.AddressingRule) -> list[StoredEvent]:
    """The event of a notice that is published."""
    first = await parts.publish(to=to)
    return parts.tail.recent_events(first) or []


async def test_a_member_who_joins_while_an_audience_is_read_is_entitled(parts: HubParts) -> None:
    events = await published(parts, to=ALL)
    others = await published(parts, to=acts_pb2.AddressingRule(agencies=[BRAZIL]))

    async def join() -> None:
        await admit(parts.database, KENYA)
        await parts.membership.refresh()
        await parts.entitlement.entitled(BRAZIL, others)

    pausing(parts).meanwhile = join
    await parts.entitlement.entitled(BRAZIL, events)

    assert events == await parts.entitlement.entitled(KENYA, events)


async def test_an_audience_is_known_to_its_reader_when_all_is_forgotten_meanwhile(
    parts: HubParts,
) -> None:
    seen = await published(parts, to=acts_pb2.AddressingRule(agencies=[BRAZIL]))
    new = await published(parts, to=ALL)
    await parts.entitlement.entitled(BRAZIL, seen)

    async def change_of_membership() -> None:
        await admit(parts.database, KENYA)
        await parts.membership.refresh()
        await parts.entitlement.entitled(KENYA, new)

    pausing(parts).meanwhile = change_of_membership

    assert seen + new == await parts.entitlement.entitled(BRAZIL, seen + new)


async def test_more_audiences_than_are_remembered_are_judged_all_the_same(
    parts: HubParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entitlement_module, "MAX_CACHED_AUDIENCES", 1)
    events = [
        *await published(parts, to=acts_pb2.AddressingRule(agencies=[BRAZIL])),
        *await published(
            parts, to=acts_pb2.AddressingRule(countries=["BR"], and_later_members=True)
        ),
        *await published(parts, to=ALL),
    ]
    entitlement = Entitlement(
        parts.database, membership=parts.membership, standings=Standings(parts.database)
    )

    for _ in range(2):
        assert events == await entitlement.entitled(BRAZIL, events)
