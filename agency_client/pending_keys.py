"""New signing, sealing and witness keys of a profile, made and not in place yet.

They lie beside the old ones, with the signed change that brings them: its file comes last when keys
are made, and goes last when they are in place. Never touches the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from agency_client.disk import read_secret, take_place, write_whole, write_whole_secret
from agency_client.locks import KEYS_LOCK, held_alone
from agency_client.profile import (
    POST_QUANTUM_SIGNING_KEY,
    SEALING_KEY,
    SIGNING_KEY,
    WITNESS_KEY,
    Profile,
    new_file,
)
from comity.applicant import load_sealing_key
from comity.envelope import Envelope, envelope_from_json, json_from_envelope
from comity.errors import MalformedInput
from comity.keys import ML_DSA_65, load_private_key
from comity.roster import SIGNING, Roster
from comity.v1.agencies_pb2 import KEY_PURPOSE_WITNESS, AgencyKey
from comity.v1.membership_pb2 import KeyRotation

ROTATION = "rotation.json"

# In the order of their moving: the first signing key last, for it says whether the second stays.
ROTATED_FILES = (WITNESS_KEY, SEALING_KEY, POST_QUANTUM_SIGNING_KEY, SIGNING_KEY)


class PendingKeys:
    """A profile's new keys that are not in place yet."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @property
    def exist(self) -> bool:
        """Whether a change of keys was signed and is not in place yet."""
        return self._profile.path(ROTATION).exists()

    def add(self, pems: Mapping[str, bytes], envelope: Envelope) -> None:
        """Writes new keys, by the files that they will lie in, and the change that brings them.

        Raises: MalformedInput.
        """
        self.discard()
        for name, pem in pems.items():
            write_whole_secret(self._profile.path(new_file(name)), pem.decode("ascii"))
        write_whole(self._profile.path(ROTATION), json_from_envelope(envelope) + "\n")

    def load_envelope(self) -> Envelope:
        """The signed change.

        Raises: MalformedInput.
        """
        path = self._profile.path(ROTATION)
        try:
            return envelope_from_json(path.read_bytes())
        except OSError as error:
            raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error

    def load_rotation(self) -> KeyRotation:
        """What the change says.

        Raises: MalformedInput.
        """
        return KeyRotation.FromString(self.load_envelope().payload)

    def is_entered(self, roster: Roster) -> bool:
        """Whether the roster has every new key as the agency's.

        Raises: MalformedInput.
        """
        rotation = self.load_rotation()
        found = [roster.keys.get((self._profile.agency, k.key_id)) for k in rotation.keys_added]
        return [None if r is None else r.key for r in found] == list(rotation.keys_added)

    def changes_signing(self, roster: Roster) -> bool:
        """Whether the change adds or ends a signing key.

        Raises: MalformedInput.
        """
        rotation = self.load_rotation()
        ended = [roster.keys.get((self._profile.agency, i)) for i in rotation.key_ids_ended]
        changed = [*rotation.keys_added, *(record.key for record in ended if record is not None)]
        return any(key.purpose == SIGNING for key in changed)

    def find_lacking(self, passphrase: bytes | None) -> list[str]:
        """The files that are missing, or do not fit the new keys of a change not in place yet.

        Raises: MalformedInput where the change cannot be read.
        """
        return [
            new_file(name)
            for key in self.load_rotation().keys_added
            if self._find_public_half(name := _file_of(key), passphrase) != key.public_key
        ]

    def _find_public_half(self, name: str, passphrase: bytes | None) -> bytes | None:
        try:
            pem = read_secret(self._new(name))
            if name == SEALING_KEY:
                return load_sealing_key(pem, passphrase).public_bytes()
            return load_private_key(pem, passphrase).public.spki
        except MalformedInput:
            return None

    def settle(self, roster: Roster, passphrase: bytes | None) -> None:
        """Puts the keys in place where the roster has them, and whoever made them was cut off.

        Raises: MalformedInput where another process is about to.
        """
        if self.exist and self.is_entered(roster):
            with held_alone(self._profile, KEYS_LOCK):
                self.take_places(passphrase)

    def take_places(self, passphrase: bytes | None) -> None:
        """Moves the keys to where the old ones lie. May be done again after a cut-off at any step.

        1. The old sealing key is kept: what was sealed to it has to stay readable.
        2. A second signing key that has no successor goes before the first has one.
        3. Each new key takes its place, and then the change is forgotten.

        Raises: MalformedInput.
        """
        if self._new(SEALING_KEY).exists():  # 1
            self._keep_sealing_key(passphrase)
        if self._new(SIGNING_KEY).exists() and not self._brings_second_signing_key():  # 2
            self._profile.path(POST_QUANTUM_SIGNING_KEY).unlink(missing_ok=True)
        for name in ROTATED_FILES:  # 3
            take_place(self._new(name), self._profile.path(name))
        self._profile.path(ROTATION).unlink(missing_ok=True)

    def discard(self) -> None:
        """Forgets keys that no hub has entered, the change first."""
        self._profile.path(ROTATION).unlink(missing_ok=True)
        for name in ROTATED_FILES:
            self._new(name).unlink(missing_ok=True)

    def _brings_second_signing_key(self) -> bool:
        return any(key.algorithm == ML_DSA_65 for key in self.load_rotation().keys_added)

    def _keep_sealing_key(self, passphrase: bytes | None) -> None:
        pem = read_secret(self._profile.path(SEALING_KEY))
        public = load_sealing_key(pem, passphrase).public_bytes()
        key_id = hashlib.sha256(public).hexdigest()
        write_whole_secret(self._profile.path(kept_sealing_file(key_id)), pem.decode("ascii"))

    def _new(self, name: str) -> Path:
        return self._profile.path(new_file(name))


def _file_of(key: AgencyKey) -> str:
    """The file that a key's private half lies in, once it is in place."""
    if key.purpose == SIGNING:
        return POST_QUANTUM_SIGNING_KEY if key.algorithm == ML_DSA_65 else SIGNING_KEY
    return WITNESS_KEY if key.purpose == KEY_PURPOSE_WITNESS else SEALING_KEY


def kept_sealing_file(key_id: str) -> str:
    """Where a sealing key lies that has a successor."""
    return f"sealing-key-{key_id[:16]}.pem"
