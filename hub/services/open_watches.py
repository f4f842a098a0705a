"""The watches that are open in this process: one stream per name, ended when it has to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from comity.errors import (
    ComityError,
    HubUnavailable,
    QuotaExceeded,
    ShuttingDown,
    StoreUnavailable,
    Superseded,
)
from comity.v1 import watches_pb2
from hub.services.calls import Caller, Officers
from hub.services.delivery import Delivery, DeliverySource
from hub.services.watches import WatchService, parse_opening
from hub.store.watches import WatchKey

MAX_STREAMS_PER_AGENCY = 32  # half of the names it may have; the rest are not open at once
INSPECT_EVERY_SECONDS = 0.25  # as often as membership is confirmed


class OpenWatches:
    """Opens deliveries and ends those that may not go on."""

    def __init__(
        self, watches: WatchService, *, source: DeliverySource, officers: Officers | None = None
    ) -> None:
        self._watches = watches
        self._source = source
        self._officers = officers
        self._open: dict[WatchKey, Delivery] = {}

    @asynccontextmanager
    async def opened(
        self, caller: Caller, message: watches_pb2.OpenWatch
    ) -> AsyncIterator[Delivery]:
        """A delivery, open as long as its stream; an older one of the same name is ended.

        Raises: MalformedInput, QuotaExceeded, StoreUnavailable.
        """
        opening = parse_opening(caller.agency, message)
        # Opened again, a watch takes the place of its older stream, which may be a broken line's.
        others = sum(key[0] == caller.agency and key != opening.key for key in self._open)
        if others >= MAX_STREAMS_PER_AGENCY:
            raise QuotaExceeded(f"An agency has at most {MAX_STREAMS_PER_AGENCY} open watches.")
        watch = await self._watches.open(opening)
        delivery = Delivery(
            watch, caller=caller, known_size=message.known_size, source=self._source
        )
        older = self._open.get(opening.key)
        if older is not None:
            older.end(Superseded())
        self._open[opening.key] = delivery
        try:
            yield delivery
        finally:
            if self._open.get(opening.key) is delivery:
                del self._open[opening.key]
            with suppress(HubUnavailable):
                await delivery.save_cursor()

    async def run(self) -> None:
        """Ends streams of who may not go on, or whose watch was opened elsewhere."""
        while True:
            await asyncio.sleep(INSPECT_EVERY_SECONDS)
            with suppress(StoreUnavailable):
                await self._inspect()

    async def _inspect(self) -> None:
        if not self._open:
            return
        latest = await self._watches.latest_openings({key[0] for key in self._open})
        for key, delivery in list(self._open.items()):
            if latest.get(key, 0) > delivery.watch.opening:
                delivery.end(Superseded())
            try:
                self._source.membership.require_active(
                    delivery.caller.agency, certificate_id=delivery.caller.certificate_id
                )
                if self._officers is not None and delivery.caller.officer is not None:
                    self._officers.require_current(delivery.caller.officer)
            except ComityError as error:
                delivery.end(error)

    def end_all(self) -> None:
        """Ends every stream: the hub is going away."""
        for delivery in list(self._open.values()):
            delivery.end(ShuttingDown())
