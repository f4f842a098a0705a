"""`comity run`: keeps the inbox filled, whatever the line does.

Also sends what an interrupted command has left unanswered. Goes on through every failure but one:
where the hub's ledger does not verify, nothing more is taken from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Protocol

from agency_client.agency import Agency
from agency_client.alerts import MemberAlert, alerts_of
from agency_client.authority_alerts import AuthorityAlert, authority_alerts_of
from agency_client.custody import CustodyAlert
from agency_client.events import VerifiedEvent
from agency_client.failures import InboxFailed
from agency_client.inbox import KeptWindow
from agency_client.locks import KEYS_LOCK, held_alone
from agency_client.newcomers import keep_what_stands_beside
from agency_client.policy import fetch_policy
from agency_client.recall_rounds import keep_alerting, keep_recalls
from agency_client.recalls import RecallAnswer
from agency_client.renewal import finish_renewal, is_renewal_due, renew
from agency_client.rotation import finish_rotation
from agency_client.submission import Outcome, Submitting
from agency_client.watching import Watch
from comity.errors import (
    AccessRefused,
    ComityError,
    HubUnavailable,
    InputRefused,
    MalformedInput,
    StateRefused,
    Superseded,
)
from comity.v1 import notices_pb2, watches_pb2
from comity.v1.membership_pb2 import KeyRotation

LIVE_WATCH = "inbox"
EXERCISE_WATCH = "inbox-exercise"
LOOK_AGAIN_SECONDS = 30.0  # for a renewed certificate, for room on the disk, for unanswered acts
LOOK_AT_POLICY_SECONDS = 3_600.0  # a hub changes it a few times a year
LOOK_AT_KEYS_SECONDS = 3_600.0  # of the 30 days that are left when a certificate is to be renewed
# Each renewal is an entry that every member fetches: a clock that is wrong must not make many.
WRONG_CLOCK_SECONDS = 86_400.0

_WATCHES = {LIVE_WATCH: notices_pb2.TRAFFIC_LIVE, EXERCISE_WATCH: notices_pb2.TRAFFIC_EXERCISE}


class Reporter(Protocol):
    """Who hears what the runner does."""

    def window(self, watch: str, window: KeptWindow, new: int) -> None:
        """A window is on disk; so many of its events were not there before."""

    def trouble(self, watch: str, error: ComityError | InboxFailed) -> None:
        """Something does not work at the moment and is tried again."""

    def sent(self, outcome: Outcome) -> None:
        """An act that had been left unanswered is answered."""

    def alert(self, alert: MemberAlert) -> None:
        """A member was suspended, say, or has had keys ended."""

    def told(self, alert: AuthorityAlert) -> None:
        """An entry of the directory has to be confirmed, say."""

    def recalled(self, answer: RecallAnswer) -> None:
        """A recall was acted on, and its answer signed."""

    def custody(self, alert: CustodyAlert) -> None:
        """Somebody is held on a notice that no longer stands. Said again and again."""

    def renewed(self, until: datetime) -> None:
        """The certificate was renewed, and is good until then (aware)."""

    def rotated(self, rotation: KeyRotation) -> None:
        """A change of keys that had been cut off is finished."""


def opening_of(
    agency: Agency, name: str, *, traffic: notices_pb2.Traffic.ValueType
) -> watches_pb2.OpenWatch:
    """How a watch of the inbox is opened: from what is on disk, a new one from the first entry."""
    cursor = agency.inbox.received.find_cursor(name)
    if cursor is None:
        return watches_pb2.OpenWatch(
            name=name, traffic=traffic, start=watches_pb2.WATCH_START_FIRST
        )
    return watches_pb2.OpenWatch(
        name=name, traffic=traffic, start=watches_pb2.WATCH_START_INDEX, first_index=cursor
    )


async def kept_windows(
    agency: Agency, watch: Watch, name: str
) -> AsyncGenerator[tuple[KeptWindow, list[VerifiedEvent]], None]:
    """Windows of a watch, each on disk and confirmed, with what was new in it.

    Raises: as `Watch.windows`; InboxFailed where the disk does not take a window.
    """
    async with aclosing(watch.windows()) as windows:
        async for window in windows:
            new = await asyncio.to_thread(agency.inbox.commit_window, name, window, agency.trust)
            watch.confirm(window)
            await keep_what_stands_beside(agency, new)
            yield window, new


async def keep_inbox_filled(agency: Agency, reporter: Reporter) -> None:
    """Keeps both watches going, sends what is unanswered and renews in time, until cancelled.

    Raises: VerificationFailed where the hub may not be believed; Superseded where the watch was
    opened elsewhere.
    """
    recalls, custodies = asyncio.Event(), asyncio.Event()

    def heard() -> None:
        recalls.set()
        custodies.set()

    async with asyncio.TaskGroup() as group:
        for name, traffic in _WATCHES.items():
            group.create_task(_keep_watch(agency, name, traffic, reporter, heard))
        group.create_task(_keep_sending(agency, reporter))
        group.create_task(_keep_keys(agency, reporter))
        group.create_task(_keep_policy(agency, reporter))
        group.create_task(keep_recalls(agency, reporter, recalls))
        group.create_task(keep_alerting(agency, reporter, custodies))


async def _keep_watch(
    agency: Agency,
    name: str,
    traffic: notices_pb2.Traffic.ValueType,
    reporter: Reporter,
    heard: Callable[[], None],
) -> None:
    def on_break(error: ComityError) -> None:
        reporter.trouble(name, error)

    while True:
        opening = opening_of(agency, name, traffic=traffic)
        watch = Watch(agency.client, opening, on_break=on_break)
        try:
            async with aclosing(kept_windows(agency, watch, name)) as windows:
                async for window, new in windows:
                    reporter.window(name, window, len(new))
                    if any(event.is_of_notice for event in new):
                        heard()
                    if name == LIVE_WATCH:  # the other one is told of the roster too
                        for alert in alerts_of(agency, window.verified):
                            reporter.alert(alert)
                        for told in authority_alerts_of(window.verified):
                            reporter.told(told)
        except Superseded as error:
            raise Superseded(
                "This profile is in use elsewhere, perhaps by a copy of it: its watch was opened "
                "there. Stop one of the two."
            ) from error
        except (AccessRefused, HubUnavailable, InboxFailed) as error:
            # The certificate may be renewed, the agency reinstated, the disk cleared.
            reporter.trouble(name, error)
        await agency.client.channel.pause(LOOK_AGAIN_SECONDS)


async def _keep_sending(agency: Agency, reporter: Reporter) -> None:
    while True:
        try:
            await Submitting(agency).send_kept(reporter.sent)
        except (AccessRefused, HubUnavailable, InboxFailed) as error:
            reporter.trouble("outbox", error)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _keep_policy(agency: Agency, reporter: Reporter) -> None:
    """Keeps the hub's legal minimum in the profile, for checks without a line."""
    while True:
        try:
            await fetch_policy(agency)
        except (AccessRefused, HubUnavailable, InputRefused) as error:
            reporter.trouble("policy", error)
        await asyncio.sleep(LOOK_AT_POLICY_SECONDS)


async def _keep_keys(agency: Agency, reporter: Reporter) -> None:
    """Finishes what was cut off of changing keys, and renews the certificate in time."""
    while True:
        delay = LOOK_AT_KEYS_SECONDS
        await _finish_rotation(agency, reporter)
        try:
            if not await _renew_if_due(agency, reporter):
                delay = WRONG_CLOCK_SECONDS
        except (AccessRefused, HubUnavailable, InputRefused, StateRefused, InboxFailed) as error:
            reporter.trouble("keys", error)
        await asyncio.sleep(delay)


async def _finish_rotation(agency: Agency, reporter: Reporter) -> None:
    """A change that has to wait, for what is unanswered say, does not hold a renewal up."""
    try:
        rotation = await finish_rotation(agency)
    except (AccessRefused, HubUnavailable, InputRefused, StateRefused, InboxFailed) as error:
        reporter.trouble("rotation", error)
        return
    if rotation is not None:
        reporter.rotated(rotation)


async def _renew_if_due(agency: Agency, reporter: Reporter) -> bool:
    """Whether the certificate is not to be renewed, or not any longer."""
    with held_alone(agency.profile, KEYS_LOCK):
        finish_renewal(agency.profile, agency.passphrase())
    if not is_renewal_due(agency):
        return True
    certificate = await renew(agency)
    reporter.renewed(certificate.not_valid_after_utc)
    if not is_renewal_due(agency):
        return True
    said = "The new certificate is to be renewed at once: is the clock of this machine right?"
    reporter.trouble("keys", MalformedInput(said))
    return False
