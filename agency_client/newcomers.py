"""What stood beside a notice before its reader came: its extension and addenda.

Who is added later, or was behind while a notice was suspended, is sent the version that stands and
nothing else. Without the extension it would look expired, and an added warning would be missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from agency_client.agency import Agency
from agency_client.event_kinds import ADDRESSEE_ADDED, RESUMED
from agency_client.events import VerifiedEvent
from comity.errors import AccessRefused, HubUnavailable, InputRefused, StateRefused


async def keep_what_stands_beside(agency: Agency, events: Iterable[VerifiedEvent]) -> None:
    """Asks for the notices that came late, and keeps what stands beside them as if it was heard.

    Where the hub cannot be asked the notice stays as it came; `comity notice show --hub` asks
    again.

    Raises: VerificationFailed, InboxFailed.
    """
    for event in events:
        if event.kind not in (ADDRESSEE_ADDED, RESUMED):
            continue
        with suppress(AccessRefused, HubUnavailable, InputRefused, StateRefused):
            record = await agency.client.get_notice(event.originator, event.notice_id)
            received = agency.inbox.received
            await asyncio.to_thread(received.add_beside, agency.trust.origin, record)
