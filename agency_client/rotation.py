"""Changing an agency's signing, sealing and witness keys; a cut-off at any moment loses none.

1. New keys and the signed change that brings them, on disk.
2. The hub is told. Where its answer is lost, the same change is sent again: it has the same entry.
3. The roster shows the new keys.
4. They take the old ones' places; the old sealing key is kept beside them.

`finish_rotation` goes on from wherever it was cut off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from agency_client.agency import Agency
from agency_client.application import SIGNING_ALGORITHMS, key_files
from agency_client.channel import MAX_TRIES
from agency_client.client import CATCH_UP_SECONDS
from agency_client.locks import IMPORT_LOCK, KEYS_LOCK, held_alone
from agency_client.membership import rotate_keys
from agency_client.pending_keys import ROTATED_FILES, PendingKeys
from agency_client.profile import (
    POST_QUANTUM_SIGNING_KEY,
    SEALING_KEY,
    SIGNING_KEY,
    WITNESS_KEY,
)
from comity.applicant import ApplicantKeys, agency_keys, generate_applicant_keys
from comity.errors import InputRefused, LedgerForked, MalformedInput, StateRefused
from comity.keys import ML_DSA_65, Algorithm
from comity.rotation import sign_rotation
from comity.v1 import agencies_pb2 as pb
from comity.v1.membership_pb2 import KeyRotation

PURPOSES = (pb.KEY_PURPOSE_SIGNING, pb.KEY_PURPOSE_SEALING, pb.KEY_PURPOSE_WITNESS)

_PURPOSE_OF_FILE = {
    SIGNING_KEY: pb.KEY_PURPOSE_SIGNING,
    POST_QUANTUM_SIGNING_KEY: pb.KEY_PURPOSE_SIGNING,
    SEALING_KEY: pb.KEY_PURPOSE_SEALING,
    WITNESS_KEY: pb.KEY_PURPOSE_WITNESS,
}


@dataclass(frozen=True, slots=True)
class WantedKeys:
    """Which keys are changed. What is None of signing keys stays as it is with those of now."""

    purposes: Collection[pb.KeyPurpose.ValueType] = PURPOSES
    signing_algorithm: str | None = None
    with_post_quantum: bool | None = None


async def rotate(agency: Agency, wanted: WantedKeys) -> KeyRotation:
    """Changes keys; gives what the hub has entered and the profile holds now.

    A change that was begun before is finished instead, and given.

    Raises: MalformedInput where submissions wait that the old key has signed, or another process
    imports or changes keys; what the hub refuses the change with, and then nothing has changed;
    AccessRefused and HubUnavailable, after which the change is kept and `finish_rotation` goes on.
    """
    with held_alone(agency.profile, KEYS_LOCK):
        await _learn_what_is_entered(agency)
        with _signing_stopped_for(agency, wanted.purposes):
            if not PendingKeys(agency.profile).exist:
                _prepare(agency, wanted)
            return await _finish(agency)


async def finish_rotation(agency: Agency) -> KeyRotation | None:
    """Finishes a change of keys that was cut off, and gives it; None where there is none.

    Raises: as `rotate`.
    """
    if not PendingKeys(agency.profile).exist:
        return None
    with held_alone(agency.profile, KEYS_LOCK):
        if not PendingKeys(agency.profile).exist:
            return None
        await _learn_what_is_entered(agency)
        with _signing_stopped_for(agency, ()):
            return await _finish(agency)


async def _learn_what_is_entered(agency: Agency) -> None:
    """Brings the roster up to date, unless it shows already what was begun."""
    pending = PendingKeys(agency.profile)
    if not (pending.exist and pending.is_entered(agency.trust.roster)):
        await agency.client.refresh_roster()


@contextmanager
def _signing_stopped_for(
    agency: Agency, purposes: Collection[pb.KeyPurpose.ValueType]
) -> Iterator[None]:
    """Sees to it that a change of signing keys, the one that was begun or else one of some
    purposes, makes nothing void that waits. Whatever the roster shows already is past that.

    Raises: MalformedInput.
    """
    pending, roster = PendingKeys(agency.profile), agency.trust.roster
    if pending.exist:
        is_needed = pending.changes_signing(roster) and not pending.is_entered(roster)
    else:
        is_needed = pb.KEY_PURPOSE_SIGNING in purposes
    with held_alone(agency.profile, IMPORT_LOCK) if is_needed else nullcontext():
        if is_needed:
            _require_all_answered(agency)
        yield


def _require_all_answered(agency: Agency) -> None:
    count = agency.inbox.sent.count_unanswered()
    if count:
        raise MalformedInput(
            f"{count} submissions that the present signing key has signed are not answered yet, "
            "and would be refused after the change. First send them: comity notice send-kept"
        )


def _prepare(agency: Agency, wanted: WantedKeys) -> None:
    """Makes and keeps the new keys, and the change, signed by the old ones and the new."""
    profile, passphrase = agency.profile, agency.passphrase()
    old = profile.load_signing_keys(passphrase)
    keys = generate_applicant_keys(_algorithms(wanted, [key.public.algorithm for key in old]))
    added = [key for key in agency_keys(keys) if key.purpose in wanted.purposes]
    signers = [*keys.signing, keys.witness]
    new_ids = {key.key_id for key in added}
    envelope = sign_rotation(
        hub_domain=profile.hub_domain,
        agency=profile.agency,
        keys_added=added,
        key_ids_ended=_current_key_ids(agency, wanted.purposes),
        now=agency.clock(),
        # One vouches, of two the post-quantum one: an envelope has room for four signatures.
        old_keys=old[-1:],
        new_keys=[key for key in signers if key.public.key_id in new_ids],
    )
    PendingKeys(profile).add(_wanted_files(keys, passphrase, wanted.purposes), envelope)


def _algorithms(wanted: WantedKeys, present: list[Algorithm]) -> list[Algorithm]:
    """Of the new signing keys: the first one's, and ML-DSA-65 where there is to be a second."""
    first = present[0]
    if wanted.signing_algorithm is not None:
        first = SIGNING_ALGORITHMS[wanted.signing_algorithm]
    is_second_wanted = wanted.with_post_quantum
    if is_second_wanted is None:
        is_second_wanted = ML_DSA_65 in present
    return [first, ML_DSA_65] if is_second_wanted else [first]


def _wanted_files(
    keys: ApplicantKeys, passphrase: bytes | None, purposes: Collection[pb.KeyPurpose.ValueType]
) -> Mapping[str, bytes]:
    files = key_files(keys, passphrase)
    return {
        name: files[name]
        for name in ROTATED_FILES
        if name in files and _PURPOSE_OF_FILE[name] in purposes
    }


def _current_key_ids(agency: Agency, purposes: Collection[pb.KeyPurpose.ValueType]) -> list[str]:
    records = agency.trust.roster.keys_of(agency.profile.agency)
    return [
        record.key.key_id
        for record in records
        if record.ended_entry is None and record.key.purpose in purposes
    ]


async def _finish(agency: Agency) -> KeyRotation:
    """Steps 2 to 4, whichever of them are left."""
    pending = PendingKeys(agency.profile)
    rotation = pending.load_rotation()
    if not pending.is_entered(agency.trust.roster):
        _require_private_halves(agency, pending)
        await _enter(agency, pending)  # 2
    agency.inbox.save_trust(agency.trust)  # 3: whoever opens the profile next knows the new keys
    pending.take_places(agency.passphrase())  # 4
    return rotation


def _require_private_halves(agency: Agency, pending: PendingKeys) -> None:
    """Requires that the profile has every key that a change brings, else gives the change up.

    Raises: MalformedInput.
    """
    passphrase = agency.passphrase()
    agency.profile.load_signing_keys(passphrase)  # a wrong passphrase is no reason to give it up
    lacking = pending.find_lacking(passphrase)
    if lacking:
        pending.discard()
        raise MalformedInput(
            "The change of keys that was begun is given up: the private halves of its new keys are "
            f"missing or do not fit ({', '.join(lacking)}). The hub has not entered it, nothing "
            "has changed, and the present keys go on. To begin anew: comity keys rotate"
        )


async def _enter(agency: Agency, pending: PendingKeys) -> None:
    """Tells the hub, and waits until the roster shows it. A change that is refused is forgotten."""
    try:
        await rotate_keys(agency, pending.load_envelope())
    except (InputRefused, StateRefused) as error:
        await agency.client.refresh_roster()
        if pending.is_entered(agency.trust.roster):
            return
        if error.is_from_hub:
            pending.discard()
        raise
    for _ in range(MAX_TRIES):
        await agency.client.refresh_roster()
        if pending.is_entered(agency.trust.roster):
            return
        # Another process of the hub may be a moment behind the one that has answered.
        await agency.client.channel.pause(CATCH_UP_SECONDS)
    raise LedgerForked(
        "The hub says that it has entered the new keys, and its ledger does not show them. They "
        "are kept, and the old ones go on. Ask the hub's administrators."
    )
