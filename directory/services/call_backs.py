"""The call on the old number, by which one officer may change telephone and hours alone.

It makes it harder to lead requests astray with a forged letter: who answers on the old number is
asked. Never reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from comity.errors import MalformedInput, Violation
from comity.times import datetime_from_timestamp
from comity.v1 import authorities_pb2 as pb
from directory.differences import changed_fields

MAX_AGE = timedelta(days=7)  # over a week-end and a holiday; older ones say nothing of today
MAX_AHEAD = timedelta(minutes=10)  # as far as clocks of members may be ahead
MAX_NAME_CHARS = 200
ALONE = frozenset({"contacts", "office_hours"})  # and of the contacts telephone numbers only


def require_call_back(
    call: pb.CallBack, before: pb.Authority | None, after: pb.Authority, *, now: datetime
) -> None:
    """Requires a change to be one of telephone and hours alone, and a call to vouch for it.

    Raises: MalformedInput with everything at fault.
    """
    if before is None:
        said = "is only for telephone and hours of an entry that there is"
        raise MalformedInput(violations=[Violation("call_back", said)])
    violations = [*_wider_than_alone(before, after), *_call_violations(call, before, now)]
    if violations:
        raise MalformedInput(violations=violations)


def _wider_than_alone(before: pb.Authority, after: pb.Authority) -> Iterator[Violation]:
    said = "is changed too, which a second officer has to approve: leave the call-back out"
    for field in sorted(changed_fields(before, after) - ALONE):
        yield Violation(f"authority.{field}", said)
    if _other_than_telephone(before) != _other_than_telephone(after):
        yield Violation("authority.contacts", said)


def _other_than_telephone(authority: pb.Authority) -> list[pb.ContactPoint]:
    return [c for c in authority.contacts if c.means != pb.CONTACT_MEANS_TELEPHONE]


def _call_violations(call: pb.CallBack, before: pb.Authority, now: datetime) -> Iterator[Violation]:
    if call.number not in telephones(before):
        yield Violation("call_back.number", "is no telephone number of the entry as it was")
    yield from called_at_violations(call.called_at, "call_back.called_at", now=now)
    yield from spoken_to_violations(call.spoken_to, "call_back.spoken_to")


def called_at_violations(timestamp: Timestamp, field: str, *, now: datetime) -> Iterator[Violation]:
    """What is wrong with the time of a call."""
    called_at = datetime_from_timestamp(timestamp)
    if called_at is None or not now - MAX_AGE <= called_at <= now + MAX_AHEAD:
        yield Violation(field, f"is not within the last {MAX_AGE.days} days")


def spoken_to_violations(name: str, field: str) -> Iterator[Violation]:
    """What is wrong with the name of who answered a call."""
    if not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
        yield Violation(field, "is missing, too long, or holds control characters")


def telephones(authority: pb.Authority) -> set[str]:
    """Every telephone number of an entry, its persons' too."""
    contacts = [*authority.contacts, *(c for p in authority.persons for c in p.contacts)]
    return {c.value for c in contacts if c.means == pb.CONTACT_MEANS_TELEPHONE}
