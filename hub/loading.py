"""Entering many entries of the directory at the hub's own machine, beside a hub that serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comity.roster import Roster
from comity.v1.authorities_pb2 import Authority
from directory.services.notified import Notifications, Notified
from hub.administration import Administration
from hub.services.roster_changes import roster_within
from hub.store.enrolments import StoredApproval


async def load_notified(
    administration: Administration,
    authorities: Sequence[Authority],
    *,
    note_verbale: str,
    by: StoredApproval,
) -> int:
    """Enters well-formed entries, all or none, and gives how many. `by` is who does it.

    Raises: IdReused, MalformedInput, StoreUnavailable.
    """
    membership = await administration.membership()

    async def roster_of(transaction: Any) -> Roster:
        return await roster_within(transaction, membership)

    notifications = Notifications(
        roster_within=roster_of, hub_agency=administration.settings.agency
    )
    # What a step at the hub's machine is called instead of an officer is no officer's id.
    officer_id = by.approver if by.approver_agency else ""
    notified = Notified(authorities, note_verbale, officer_id)
    await administration.commit(notifications.enter_many, notified)
    return len(authorities)
