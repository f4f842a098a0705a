"""What stands beside an entry when it is shown: open reports on it, and its last contact test."""

from __future__ import annotations

from collections.abc import Sequence

from comity.times import datetime_from_microseconds, timestamp_from
from comity.v1 import authorities_pb2 as pb
from directory.store.connection import Connection
from directory.store.contact_tests import StoredContactTest, find_last_contact_tests
from directory.store.reports import count_open_reports


async def add_standing(connection: Connection, records: Sequence[pb.AuthorityRecord]) -> None:
    """Adds to records what is not the entry's own."""
    ids = {each.authority.authority_id for each in records}
    if not ids:
        return
    reports = await count_open_reports(connection, ids)
    tests = await find_last_contact_tests(connection, ids)
    for record in records:
        found = reports.get(record.authority.authority_id)
        if found is not None:
            record.open_reports = found.count
            oldest = datetime_from_microseconds(found.oldest_at)
            record.oldest_report_at.CopyFrom(timestamp_from(oldest))
        test = tests.get(record.authority.authority_id)
        if test is not None:
            record.last_contact_test.CopyFrom(contact_test_message(test))


def contact_test_message(stored: StoredContactTest) -> pb.ContactTest:
    """A contact test as it is shown to the keeper and to who asked or called."""
    message = pb.ContactTest(
        test_id=stored.test_id,
        authority_id=stored.authority_id,
        version=stored.version,
        method=stored.method,
        agency_id=stored.agency_id,
        asked_at=timestamp_from(datetime_from_microseconds(stored.asked_at)),
        contact=stored.contact,
        spoken_to=stored.spoken_to,
        note=stored.note,
    )
    if stored.answered_at is not None:
        answered = datetime_from_microseconds(stored.answered_at)
        message.answered_at.CopyFrom(timestamp_from(answered))
    return message
