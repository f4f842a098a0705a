"""Times as they are stored and shown: int64 microseconds UTC, and aware datetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """The machine's clock. Handed to what needs a clock, and called by nothing here."""
    return datetime.now(UTC)


def microseconds_from(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def datetime_from_microseconds(microseconds: int) -> datetime:
    """The aware UTC datetime of a time as it is stored."""
    return _EPOCH + microseconds * _MICROSECOND


def datetime_from_timestamp(timestamp: Timestamp) -> datetime | None:
    """The aware UTC datetime of a timestamp, or None where it is outside the calendar."""
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        return None


def timestamp_from(moment: datetime) -> Timestamp:
    """The timestamp of an aware datetime."""
    timestamp = Timestamp()
    timestamp.FromMicroseconds(microseconds_from(moment))
    return timestamp
