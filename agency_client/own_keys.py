"""Whether the roster names as the agency's own only signing keys that the agency has made.

Whoever runs the hub could enter a key of its own for an agency, and publish in its name with valid
signatures. Only the agency itself can tell. Never touches the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agency_client.disk import read_secret
from agency_client.profile import POST_QUANTUM_SIGNING_KEY, SIGNING_KEY, Profile, new_file
from comity.errors import LedgerForked, MalformedInput
from comity.keys import load_private_key
from comity.roster import SIGNING, Roster


class OwnKeys:
    """An agency's signing keys as they lie in its profile, with those of a change under way.

    Read once they are needed, and again where one is not known: another process may have made it.
    `passphrase` is asked for then.
    """

    def __init__(self, profile: Profile, *, passphrase: Callable[[], bytes | None]) -> None:
        self._profile = profile
        self._passphrase = passphrase
        self._known: set[bytes] = set()

    def require_roster(self, roster: Roster) -> None:
        """Requires that every signing key of the agency that is valid now is one of the profile's.

        Compares the keys themselves, not the ids that the hub has entered for them.

        Raises: LedgerForked; MalformedInput where a key of the profile cannot be read.
        """
        agency = self._profile.agency
        for record in roster.keys_of(agency):
            is_valid = record.key.purpose == SIGNING and record.ended_entry is None
            if is_valid and not self._is_own(record.key.public_key):
                raise LedgerForked(
                    f"Entry {record.first_entry} of the ledger gives {agency} the signing "
                    f"key {record.key.key_id[:16]}, which this profile has not made: somebody can "
                    "sign in this agency's name, unless this agency was enrolled again in another "
                    f"folder ('comity agencies {agency}' shows it). Take nothing from this hub; "
                    "ask its administrators and warn the other members, by another way."
                )

    def _is_own(self, public_key: bytes) -> bool:
        if public_key not in self._known:
            self._known.update(self._load())
        return public_key in self._known

    def _load(self) -> Iterator[bytes]:
        """The public halves. New keys are read first: one that is moved meanwhile is read then."""
        for name in (SIGNING_KEY, POST_QUANTUM_SIGNING_KEY):
            path = self._profile.path(new_file(name))
            try:
                yield load_private_key(read_secret(path), self._passphrase()).public.spki
            except MalformedInput:
                if path.exists():
                    raise
        for key in self._profile.load_signing_keys(self._passphrase()):
            yield key.public.spki
