"""Who calls, and as what: handed by the guard to every use case."""

from __future__ import annotations

from dataclasses import dataclass

from comity.identity import AgencyId


@dataclass(frozen=True, slots=True)
class Caller:
    """The agency at the other end of the channel, and the call's id as the log shows it."""

    agency: AgencyId
    certificate_id: str
    request_id: str
