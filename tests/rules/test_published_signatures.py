"""Do the published examples verify, with the keys that are published beside them?"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from comity.acts import PAYLOAD_TYPES, VERSION, parse_act, verify_act
from comity.checkpoint import Checkpoint, LedgerKey, open_checkpoint, parse_verifier_key
from comity.errors import CheckpointInvalid, ReceiptInvalid, SignatureInvalid, SigningKeyUnknown
from comity.identity import AgencyId, agency_id_from_certificate
from comity.keys import PublicKey
from comity.merkle import (
    leaf_hash,
    root_from_leaf_hashes,
    verify_consistency,
    verify_inclusion,
    verify_members,
)
from comity.receipt import verify_receipt
from comity.roster import Roster
from comity.v1 import (
    acts_pb2,
    agencies_pb2,
    events_pb2,
    ledger_pb2,
    notices_pb2,
    roster_pb2,
    watches_pb2,
)
from docs.examples.generate.inside import messages_in
from tests.rules.published_examples import all_in_examples, load_example

ADMISSION = load_example(agencies_pb2.Admission)
LEDGER_KEY: LedgerKey = parse_verifier_key(ADMISSION.ledger_key)
FRANCE = AgencyId(ADMISSION.agency_id)
# A page from the first entry on, taken last: it holds what every checkpoint here is over.
LEAF_HASHES = load_example(ledger_pb2.ListEntriesResponse).leaf_hashes
LEAVES = [LEAF_HASHES[i : i + 32] for i in range(0, len(LEAF_HASHES), 32)]


def listed_roster() -> Roster:
    """What the listed entries add up to; the listing begins with the ledger."""
    roster = Roster()
    for leaf in load_example(roster_pb2.ListAgencyKeysResponse).entries:
        roster.add_entry(leaf.entry_index, ledger_pb2.LedgerEntry.FromString(leaf.entry).roster)
    return roster


def signed_acts() -> list[acts_pb2.Envelope]:
    envelopes = all_in_examples(acts_pb2.Envelope)
    return [e for e in envelopes if e.payload_type in PAYLOAD_TYPES.values()]


def verify(
    envelope: acts_pb2.Envelope, keys: dict[str, PublicKey], originator: AgencyId = FRANCE
) -> None:
    verify_act(
        parse_act(envelope), hub_domain=ADMISSION.hub_domain, originator=originator, keys=keys
    )


def root_at(size: int) -> bytes:
    return root_from_leaf_hashes(LEAVES[:size])


def opened(note: bytes) -> Checkpoint:
    return open_checkpoint(note, LEDGER_KEY)


def test_every_signed_act_verifies_with_the_keys_in_the_roster() -> None:
    roster = listed_roster()
    signers = set()
    for envelope in signed_acts():
        signer = parse_act(envelope).originator
        verify(envelope, dict(roster.signing_keys(signer)), signer)
        signers.add(signer)

    assert signers == {FRANCE, AgencyId("BR-NCB")}


def test_a_signed_act_does_not_verify_once_a_bit_is_changed() -> None:
    keys = dict(listed_roster().signing_keys(FRANCE))
    envelope = load_example(acts_pb2.Envelope)
    value = envelope.signatures[0].value
    envelope.signatures[0].value = bytes([value[0] ^ 1]) + value[1:]

    with pytest.raises(SignatureInvalid):
        verify(envelope, keys)


def test_a_signed_act_does_not_verify_with_another_agency_s_keys() -> None:
    keys = dict(listed_roster().signing_keys(AgencyId("BR-NCB")))

    with pytest.raises(SigningKeyUnknown):
        verify(load_example(acts_pb2.Envelope), keys)


def test_act_and_envelope_are_of_one_act() -> None:
    envelope = load_example(acts_pb2.Envelope)

    assert envelope.payload_type == PAYLOAD_TYPES[VERSION]
    assert parse_act(envelope).act == load_example(acts_pb2.Act)


def test_a_receipt_verifies_offline_with_the_ledger_s_key() -> None:
    example = load_example(acts_pb2.ReceiptedActs)

    verify_receipt(example.receipt, acts=example.acts, ledger_keys=[LEDGER_KEY])


def test_a_receipt_does_not_verify_for_other_acts() -> None:
    example = load_example(acts_pb2.ReceiptedActs)

    with pytest.raises(ReceiptInvalid):
        verify_receipt(example.receipt, acts=example.acts[:1], ledger_keys=[LEDGER_KEY])


def test_every_receipt_lies_in_the_tree_of_its_checkpoint() -> None:
    receipts = all_in_examples(ledger_pb2.Receipt)

    assert receipts
    for receipt in receipts:
        checkpoint = opened(receipt.checkpoint)
        verify_inclusion(
            leaf_hash(receipt.entry),
            index=receipt.entry_index,
            size=checkpoint.size,
            root=checkpoint.root,
            path=list(receipt.inclusion_path),
        )


def checkpoint_notes() -> list[bytes]:
    notes = [proof.checkpoint for proof in all_in_examples(ledger_pb2.LedgerProof)]
    notes += [receipt.checkpoint for receipt in all_in_examples(ledger_pb2.Receipt)]
    notes += [e.highest_presented_checkpoint for e in all_in_examples(ledger_pb2.EpochEntry)]
    notes.append(load_example(ledger_pb2.GetCheckpointResponse).checkpoint)
    notes.append(load_example(ledger_pb2.ProveConsistencyResponse).checkpoint)
    return [note for note in notes if note]


def test_every_checkpoint_is_signed_and_over_the_listed_leaves() -> None:
    checkpoints = [opened(note) for note in checkpoint_notes()]

    assert len(checkpoints) > 10
    for checkpoint in checkpoints:
        assert checkpoint.size <= len(LEAVES)
        assert root_at(checkpoint.size) == checkpoint.root


def test_a_checkpoint_does_not_open_once_a_digit_is_changed() -> None:
    note = load_example(ledger_pb2.GetCheckpointResponse).checkpoint
    origin, _, rest = note.split(b"\n", 2)

    with pytest.raises(CheckpointInvalid):
        opened(b"\n".join([origin, b"3", rest]))


def test_the_entries_that_an_answer_shows_lie_in_its_tree() -> None:
    answers: list[Any] = [
        *all_in_examples(events_pb2.GetNoticeResponse),
        *all_in_examples(events_pb2.ListNoticesResponse),
        *all_in_examples(roster_pb2.ListAgencyKeysResponse),
        *all_in_examples(watches_pb2.EventWindow),
    ]

    assert len(answers) >= 4
    for answer in answers:
        shown = [m for m in messages_in(answer) if isinstance(m, ledger_pb2.LedgerLeaf)]
        checkpoint = opened(answer.proof.checkpoint)
        assert shown
        verify_members(
            {leaf.entry_index: leaf_hash(leaf.entry) for leaf in shown},
            size=checkpoint.size,
            root=checkpoint.root,
            path=list(answer.proof.members_path),
        )


def test_every_proof_goes_on_from_the_size_that_it_names() -> None:
    proofs = [p for p in all_in_examples(ledger_pb2.LedgerProof) if p.consistent_from]

    assert proofs
    for proof in proofs:
        checkpoint = opened(proof.checkpoint)
        verify_consistency(
            from_size=proof.consistent_from,
            from_root=root_at(proof.consistent_from),
            to_size=checkpoint.size,
            to_root=checkpoint.root,
            path=list(proof.consistency_path),
        )


def test_the_proofs_that_are_asked_for_by_themselves_verify() -> None:
    included = load_example(ledger_pb2.ProveInclusionResponse)
    consistent = load_example(ledger_pb2.ProveConsistencyResponse)
    from_size = load_example(ledger_pb2.ProveConsistencyRequest).from_size

    verify_inclusion(
        included.leaf_hash,
        index=load_example(ledger_pb2.ProveInclusionRequest).entry_index,
        size=included.ledger_size,
        root=root_at(included.ledger_size),
        path=list(included.inclusion_path),
    )
    verify_consistency(
        from_size=from_size,
        from_root=root_at(from_size),
        to_size=consistent.to_size,
        to_root=opened(consistent.checkpoint).root,
        path=list(consistent.consistency_path),
    )


def test_the_admission_s_certificate_is_the_one_that_the_ledger_records() -> None:
    certificate = x509.load_pem_x509_certificate(ADMISSION.certificate.encode())
    authority = x509.load_pem_x509_certificate(ADMISSION.ca_certificate.encode())
    certificate.verify_directly_issued_by(authority)

    named = agency_id_from_certificate(certificate, hub_domain=ADMISSION.hub_domain)
    assert named == FRANCE
    assert listed_roster().has_current_key(FRANCE, certificate.fingerprint(SHA256()).hex())


def test_the_application_is_the_one_that_the_ledger_records() -> None:
    application = load_example(agencies_pb2.Application)
    payload = application.SerializeToString(deterministic=True)
    request = x509.load_der_x509_csr(application.certificate_request)

    assert request.is_signature_valid
    assert hashlib.sha256(payload).digest() in {
        entry.application_digest
        for entry in all_in_examples(ledger_pb2.RosterEntry)
        if entry.agency.agency_id == application.agency_id
    }


def test_a_later_version_names_the_payload_of_the_one_before() -> None:
    digests = {hashlib.sha256(envelope.payload).digest() for envelope in signed_acts()}
    later = [n for n in all_in_examples(notices_pb2.Notice) if n.version > 1]

    assert later
    assert {notice.predecessor_digest for notice in later} <= digests
