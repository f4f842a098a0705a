"""What `comity run` does about recalls and custody: at once when it hears of one, and again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from agency_client.agency import Agency
from agency_client.custody import CustodyAlert, custody_alerts
from agency_client.failures import InboxFailed
from agency_client.recalls import RecallAnswer, answer_recalls
from comity.errors import AccessRefused, ComityError, HubUnavailable, InputRefused, StateRefused

LOOK_AGAIN_SECONDS = 30.0  # for recalls that could not be answered, and copies kept until a day
ALERT_AGAIN_SECONDS = 900.0  # somebody is held without ground meanwhile


class RecallReporter(Protocol):
    """Who hears of it."""

    def trouble(self, watch: str, error: ComityError | InboxFailed) -> None:
        """Something does not work at the moment and is tried again."""

    def recalled(self, answer: RecallAnswer) -> None:
        """A recall was acted on, and its answer signed."""

    def custody(self, alert: CustodyAlert) -> None:
        """Somebody is held on a notice that no longer stands. Said again and again."""


async def keep_recalls(agency: Agency, reporter: RecallReporter, heard: asyncio.Event) -> None:
    """Acts on recalls as soon as they are heard of, and again where the hub was away."""
    while True:
        heard.clear()
        try:
            await answer_recalls(
                agency,
                on_answer=reporter.recalled,
                on_unanswered=lambda error: reporter.trouble("recalls", error),
            )
        except (AccessRefused, HubUnavailable, InputRefused, StateRefused, InboxFailed) as error:
            reporter.trouble("recalls", error)
        await _wait(heard, LOOK_AGAIN_SECONDS)


async def keep_alerting(agency: Agency, reporter: RecallReporter, heard: asyncio.Event) -> None:
    """Says at once that somebody is held on a notice that no longer stands, and again until not."""
    said: dict[CustodyAlert, float] = {}
    while True:
        heard.clear()
        try:
            alerts = custody_alerts(agency)
        except InboxFailed as error:
            reporter.trouble("custody", error)
            alerts = []
        now = asyncio.get_running_loop().time()
        said = {alert: moment for alert, moment in said.items() if alert in alerts}
        for alert in alerts:
            if now - said.get(alert, -ALERT_AGAIN_SECONDS) >= ALERT_AGAIN_SECONDS:
                said[alert] = now
                reporter.custody(alert)
        await _wait(heard, LOOK_AGAIN_SECONDS)


async def _wait(heard: asyncio.Event, seconds: float) -> None:
    """Until something is heard, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await heard.wait()
