"""Whether an entry that a hub shows is what the ledger commits to. Bytes in, verdicts out, no I/O.

Says nothing of what came after: a hub that hides a newer version shows one that verifies. What
follows from the moment (freshness, hours, reports) is the hub's word; but whom it names to be
reached now has to be in the entry.
"""

from __future__ import annotations

from enum import Enum

from agency_client.trust import parse_entry
from comity.authorities import authority_digest, without_persons
from comity.commitment import verify_authority_commitment, verify_functional_commitment
from comity.errors import ProofInvalid
from comity.v1.authorities_pb2 import AuthorityRecord
from comity.v1.directory_pb2 import AuthorityProof, GetAuthorityRequest, GetAuthorityResponse
from comity.v1.ledger_pb2 import DIRECTORY_CHANGE_VERSION, DirectoryEntry


class VouchedFor(Enum):
    """How far the ledger vouches for a record."""

    WHOLE = "whole"
    WITHOUT_PERSONS = "without persons"  # which were not shown either
    NOTHING = "nothing"  # no proof came, or the ledger's entry is older than such proofs


def vouched_for(response: GetAuthorityResponse, asked: GetAuthorityRequest) -> VouchedFor:
    """How far the ledger vouches for a record, given that the proof's leaf lies in the ledger.

    1. It is the entry, and the version, that was asked for. 2. The ledger tells of that version. 3.
    The commitment is to what is shown. 4. Whom it names to be reached now is in the entry. Who
    keeps it now is the hub's word: membership has changed since.

    Raises: ProofInvalid.
    """
    record = response.record
    authority_id, known = record.authority.authority_id, record.authority.contacts
    if authority_id != asked.authority_id or asked.version not in (0, record.version):  # 1
        raise ProofInvalid("The hub shows another entry or version than was asked for.")
    if any(each not in known for each in record.reachability.contacts):  # 4
        raise ProofInvalid("The hub shows contacts that the entry does not have.")
    if not response.HasField("proof"):
        return VouchedFor.NOTHING
    entry = parse_entry(response.proof.leaf.entry).directory
    told = (entry.change, entry.authority_id, entry.version)
    if told != (DIRECTORY_CHANGE_VERSION, authority_id, record.version):  # 2
        raise ProofInvalid("The hub shows an entry of the ledger that is not this version's.")
    return _opened(entry, response.proof, record)  # 3


def _opened(entry: DirectoryEntry, proof: AuthorityProof, record: AuthorityRecord) -> VouchedFor:
    digest = authority_digest(record.authority)
    if not record.contacts_withheld:
        verify_authority_commitment(
            entry.authority_commitment, authority_digest=digest, salt=proof.salt
        )
        return VouchedFor.WHOLE
    if record.authority != without_persons(record.authority):
        raise ProofInvalid("The hub shows what it says that it withholds.")
    if not entry.functional_commitment:
        return VouchedFor.NOTHING
    verify_functional_commitment(
        entry.functional_commitment, functional_digest=digest, salt=proof.functional_salt
    )
    return VouchedFor.WITHOUT_PERSONS
