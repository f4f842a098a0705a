"""Who calls, and as what: handed by the guard to every use case."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from comity.identity import AgencyId
from comity.v1.officers_pb2 import Role


class Step(Enum):
    """What an officer who is logged in has to do before anything else is let."""

    PASSWORD = "password"  # noqa: S105 - the name of a step
    SECOND_FACTOR = "second factor"


@dataclass(frozen=True, slots=True)
class Officer:
    """A person who is logged in, of the agency that calls. `session_id` ends with the log-in.

    `logged_in_at`, in seconds since 1970, is told by Keycloak alone.
    """

    officer_id: str
    roles: frozenset[Role.ValueType]
    session_id: str
    step: Step | None = None
    logged_in_at: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """The agency at the other end of the channel, and the call's id as the log shows it.

    `officer` is None where the agency's system calls by its certificate alone.
    """

    agency: AgencyId
    certificate_id: str
    request_id: str
    officer: Officer | None = None


class OfficersKept(Protocol):
    """What this process keeps in memory of officers; asked to look again after a change."""

    async def refresh(self) -> None:
        """Confirms what is known, reading anew where anything has changed.

        Raises: StoreUnavailable.
        """
        ...


class Officers(Protocol):
    """Whoever knows officers by their tokens: the built-in accounts, or Keycloak."""

    async def identify(self, token: str, *, agency: AgencyId, certificate_id: str) -> Officer:
        """The officer whose token came on an agency's channel.

        Raises: TokenRefused, always with the same words, where the token is unknown, expired or
        ended, of another agency's officer, or bound to another certificate; HubUnavailable.
        """
        ...

    def require_current(self, officer: Officer) -> None:
        """Refuses an officer whose log-in has ended since, or who may less than then. Costs little:
        asked for whatever passes on an open stream.

        Raises: TokenRefused, HubUnavailable.
        """
        ...
