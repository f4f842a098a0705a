"""Whether the roster names as the agency's own only signing keys that the agency has made.

Whoever runs the hub could enter a key of its own for an agency, and publish in its name with valid
signatures. Only the agency itself can tell. Never touches the network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from agency_client.profile import Profile
from comity.errors import LedgerForked
from comity.roster import SIGNING, Roster


class OwnKeys:
    """An agency's signing keys as they lie in its profile, read once they are needed.

    Of several algorithms, one key each. `passphrase` is asked for then.
    """

    def __init__(self, profile: Profile, *, passphrase: Callable[[], bytes | None]) -> None:
        self._agency = profile.agency
        self._load = cache(lambda: {k.public.spki for k in profile.load_signing_keys(passphrase())})

    def require_roster(self, roster: Roster) -> None:
        """Requires that every signing key of the agency that is valid now is one of the profile's.

        Compares the keys themselves, not the ids that the hub has entered for them.

        Raises: LedgerForked; MalformedInput where a key of the profile cannot be read.
        """
        records = [r for r in roster.keys.values() if r.agency_id == self._agency]
        for record in records:
            is_valid = record.key.purpose == SIGNING and record.ended_entry is None
            if is_valid and record.key.public_key not in self._load():
                raise LedgerForked(
                    f"Entry {record.first_entry} of the ledger gives {self._agency} the signing "
                    f"key {record.key.key_id[:16]}, which this profile has not made: somebody can "
                    "sign in this agency's name. Take nothing from this hub; ask its "
                    "administrators and warn the other members, by another way."
                )
