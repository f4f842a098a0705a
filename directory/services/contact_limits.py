"""How many contact tests an agency may ask for and an entry is asked for: nobody is pestered.

Counted in the store, under the lock on the ledger's head: it holds for all processes together, and
over restarts.
"""

from __future__ import annotations

from datetime import timedelta

from comity.errors import QuotaExceeded
from comity.times import microseconds_from
from comity.v1 import authorities_pb2
from directory.services.calls import Transaction
from directory.store.contact_tests import StoredContactTest, count_contact_tests

# In a day. Each question is a message to somebody who has to answer it.
MAX_TESTS_OF_AGENCY = 20  # more is a survey, which goes by other ways
MAX_TESTS_OF_ENTRY = 6  # by three agencies: by then it is known whether somebody is there
MAX_TESTS_OF_BOTH = 2  # once again in the afternoon
MAX_CALLS_OF_AGENCY = 100  # a long day of three people at the telephone
MAX_CALLS_OF_BOTH = 5  # of one entry: nobody buries what others have found out
_DAY = timedelta(days=1)


async def require_few(transaction: Transaction, test: StoredContactTest) -> None:
    """Requires a test, or a call, to be within what a day allows.

    Raises: QuotaExceeded.
    """
    of_agency, of_entry = {"agency_id": test.agency_id}, {"authority_id": test.authority_id}
    bounds = {
        authorities_pb2.CONTACT_TEST_METHOD_CALL: [
            (MAX_CALLS_OF_AGENCY, "calls that an agency notes", of_agency),
            (MAX_CALLS_OF_BOTH, "calls of an entry that an agency notes", of_agency | of_entry),
        ],
        authorities_pb2.CONTACT_TEST_METHOD_EXCHANGE: [
            (MAX_TESTS_OF_AGENCY, "contact tests that an agency asks for", of_agency),
            (MAX_TESTS_OF_ENTRY, "contact tests of an entry", of_entry),
            (MAX_TESTS_OF_BOTH, "contact tests of an entry by an agency", of_agency | of_entry),
        ],
    }
    since = microseconds_from(transaction.now - _DAY)
    for most, what, whose in bounds[test.method]:
        found = await count_contact_tests(transaction.connection, test.method, since=since, **whose)
        if found >= most:
            raise QuotaExceeded(
                f"That is more than the {most} {what} in a day.",
                retry_after_seconds=_DAY.total_seconds(),
            )
