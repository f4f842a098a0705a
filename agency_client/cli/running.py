"""`comity run`: the process that keeps the inbox filled."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from agency_client.cli.application import (
    ProfileOption,
    app,
    chosen_profile,
    endless_command,
    opened_system,
)
from agency_client.cli.output import safe, say

if TYPE_CHECKING:
    from datetime import datetime

    from agency_client.agency import Agency
    from agency_client.alerts import MemberAlert
    from agency_client.authority_alerts import AuthorityAlert
    from agency_client.custody import CustodyAlert
    from agency_client.failures import InboxFailed
    from agency_client.inbox import KeptWindow
    from agency_client.recalls import RecallAnswer
    from agency_client.submission import Outcome
    from comity.errors import ComityError, VerificationFailed
    from comity.v1.membership_pb2 import KeyRotation


@app.command()
@endless_command
async def run(profile: ProfileOption = None) -> None:
    """Keep the inbox filled, until stopped. Logs to standard error, a line for what happens.

    Goes on whatever the line does. Stops by itself only where the hub's ledger does not verify (4),
    or where the same watch was opened by another process (1).
    """
    from agency_client.locks import RUN_LOCK, held_alone
    from comity.errors import VerificationFailed

    with held_alone(chosen_profile(profile), RUN_LOCK):
        async with opened_system(profile) as agency:
            log = Log(agency)
            log.line("started", hub=agency.profile.hub_domain, agency=agency.profile.agency)
            try:
                await _run_until_stopped(agency, log)
            except* VerificationFailed as group:
                _say_what_to_do(group)
                raise
            log.line("stopped")


async def _run_until_stopped(agency: Agency, log: Log) -> None:
    from agency_client.runner import keep_inbox_filled

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: the interrupt ends the command by itself.
            break
    working = asyncio.create_task(keep_inbox_filled(agency, log))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait({working})
        return
    await working


def _say_what_to_do(group: BaseExceptionGroup[VerificationFailed]) -> None:
    from comity.errors import EpochChanged

    changed, _ = group.split(EpochChanged)
    if changed is not None:
        say(
            "comity: stopped. The hub was restored from a backup. Ask its administrators, by "
            "another way than this hub, for the new ledger's key; then: comity ledger "
            "accept-epoch KEY"
        )
    else:
        say(
            "comity: stopped. Nothing more is taken from this hub. The inbox is as it was; keep a "
            "copy of it, and ask the hub's administrators and other members."
        )


class Log:
    """Canonical lines on standard error: time, what, figures. Never what a notice says."""

    def __init__(self, agency: Agency) -> None:
        self._agency = agency
        self._in_trouble: dict[str, str] = {}

    def line(self, what: str, /, **figures: object) -> None:
        """Writes one line."""
        moment = self._agency.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        say(" ".join([moment, what, *(f"{key}={value}" for key, value in figures.items())]))

    def window(self, watch: str, window: KeptWindow, new: int) -> None:
        """A window is on disk. Silent where it brought nothing."""
        if self._in_trouble.pop(watch, None):
            self.line("recovered", watch=watch)
        if window.verified or window.quarantined:
            self.line(
                "received",
                watch=watch,
                events=len(window.verified),
                new=new,
                quarantined=len(window.quarantined),
                next=window.next_index,
                ledger=self._agency.trust.size,
            )

    def trouble(self, watch: str, error: ComityError | InboxFailed) -> None:
        """Something does not work at the moment. Said once for as long as it stays the same."""
        if self._in_trouble.get(watch) != error.message:
            self._in_trouble[watch] = error.message
            self.line("trouble", watch=watch, reason=f'"{safe(error.message)}"')

    def told(self, alert: AuthorityAlert) -> None:
        """An entry of the directory has to be confirmed, say."""
        figures = {
            "days_left": alert.days_left,
            "due": None if alert.due_at is None else f"{alert.due_at:%Y-%m-%d}",
            "report": alert.report_id or None,
            "test": alert.contact_test_id or None,
        }
        self.line(
            "alert",
            authority=safe(alert.authority_id),
            what=alert.what,
            **{name: safe(str(value)) for name, value in figures.items() if value is not None},
            next=f'"{safe(alert.next_command)}"',
        )

    def alert(self, alert: MemberAlert) -> None:
        """A member was suspended, say, or has had keys ended."""
        self.line(
            "alert",
            agency=safe(alert.agency),
            change=alert.change_words.replace(" ", "-"),
            reason=f'"{safe(alert.reason)}"',
            entry=alert.entry_index,
            received=alert.received,
        )

    def recalled(self, answer: RecallAnswer) -> None:
        """A recall was acted on, and its answer signed."""
        from comity.v1.acts_pb2 import RecallOutcome

        self._in_trouble.pop("recalls", None)
        outcome = RecallOutcome.Name(answer.outcome).removeprefix("RECALL_OUTCOME_")
        self.line(
            "recalled",
            notice=answer.recall.notice_id,
            originator=answer.recall.originator,
            entry=answer.recall.recall_entry,
            answer=outcome.lower().replace("_", "-"),
        )

    def custody(self, alert: CustodyAlert) -> None:
        """Somebody is held on a notice that no longer stands."""
        self.line(
            "EXERCISE-URGENT" if alert.is_exercise else "URGENT",
            what='"the notice on which you hold this person no longer stands"',
            notice=alert.notice_id,
            originator=alert.originator,
            state=f'"{alert.state}"',
            ago=f'"{alert.clock_text(self._agency.clock())}"',
            reference=f'"{safe(alert.reference)}"',
            next=f'"{alert.next_command}"',
        )

    def renewed(self, until: datetime) -> None:
        """The certificate was renewed."""
        self._in_trouble.pop("keys", None)
        self.line("renewed", until=until.strftime("%Y-%m-%d"))

    def rotated(self, rotation: KeyRotation) -> None:
        """A change of keys that had been cut off is finished."""
        self._in_trouble.pop("rotation", None)
        self.line("rotated", added=len(rotation.keys_added), ended=len(rotation.key_ids_ended))

    def sent(self, outcome: Outcome) -> None:
        """An act that had been left unanswered is answered."""
        if outcome.error is None:
            self.line("sent", notice=outcome.notice_id)
        else:
            self.line("refused", notice=outcome.notice_id, reason=f'"{safe(str(outcome.error))}"')
