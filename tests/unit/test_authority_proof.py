"""A hub that shows another entry than the ledger has is found out by the client."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agency_client.authority_proof import VouchedFor, vouched_for
from comity.authorities import authority_digest, functional_digest, without_persons
from comity.commitment import authority_commitment, functional_commitment, functional_salt
from comity.errors import ProofInvalid
from comity.v1 import directory_pb2 as pb
from comity.v1 import ledger_pb2
from tests.unit.authorities import AUTHORITY_ID, sample_authority

SALT = bytes(range(32))
ASKED = pb.GetAuthorityRequest(authority_id=AUTHORITY_ID)


def entry() -> ledger_pb2.DirectoryEntry:
    authority = sample_authority()
    return ledger_pb2.DirectoryEntry(
        authority_id=AUTHORITY_ID,
        version=3,
        change=ledger_pb2.DIRECTORY_CHANGE_VERSION,
        authority_commitment=authority_commitment(authority_digest(authority), SALT),
        functional_commitment=functional_commitment(
            functional_digest(authority), functional_salt(SALT)
        ),
        agency_id="GB-NCB",
    )


def response(told: ledger_pb2.DirectoryEntry | None = None) -> pb.GetAuthorityResponse:
    """What an honest hub answers; a test changes it."""
    answer = pb.GetAuthorityResponse()
    answer.record.authority.CopyFrom(sample_authority())
    answer.record.version = 3
    answer.record.keeper.agency_id = "GB-NCB"
    answer.record.reachability.contacts.append(answer.record.authority.contacts[1])
    leaf = ledger_pb2.LedgerEntry(format=1, directory=told or entry())
    answer.proof.leaf.entry = leaf.SerializeToString()
    answer.proof.salt = SALT
    answer.proof.functional_salt = functional_salt(SALT)
    return answer


def withheld(told: ledger_pb2.DirectoryEntry | None = None) -> pb.GetAuthorityResponse:
    answer = response(told)
    answer.record.authority.CopyFrom(without_persons(answer.record.authority))
    answer.record.contacts_withheld = True
    answer.proof.ClearField("salt")
    return answer


def test_what_the_ledger_has_is_vouched_for() -> None:
    assert VouchedFor.WHOLE is vouched_for(response(), ASKED)
    assert VouchedFor.WITHOUT_PERSONS is vouched_for(withheld(), ASKED)


def test_nothing_is_vouched_for_without_a_proof_or_where_the_entry_is_from_before() -> None:
    answer = response()
    answer.ClearField("proof")
    before = entry()
    before.ClearField("functional_commitment")

    assert VouchedFor.NOTHING is vouched_for(answer, ASKED)
    assert VouchedFor.NOTHING is vouched_for(withheld(before), ASKED)


def other_telephone(answer: pb.GetAuthorityResponse) -> None:
    answer.record.authority.contacts[0].value = "+442079460999"


def other_telephone_now(answer: pb.GetAuthorityResponse) -> None:
    answer.record.reachability.contacts[0].value = "+442079460999"


def other_telephone_now_without_proof(answer: pb.GetAuthorityResponse) -> None:
    other_telephone_now(answer)
    answer.ClearField("proof")


def other_entry(answer: pb.GetAuthorityResponse) -> None:
    answer.record.authority.authority_id = AUTHORITY_ID[:-1] + "b"


def other_version(answer: pb.GetAuthorityResponse) -> None:
    answer.record.version = 4


def other_leaf(answer: pb.GetAuthorityResponse) -> None:
    leaf = ledger_pb2.LedgerEntry(format=1, access=ledger_pb2.AccessEntry(record_count=1))
    answer.proof.leaf.entry = leaf.SerializeToString()


def other_salt(answer: pb.GetAuthorityResponse) -> None:
    answer.proof.salt = answer.proof.functional_salt = bytes(32)


@pytest.mark.threat("T126")
@pytest.mark.parametrize("made", [response, withheld])
@pytest.mark.parametrize(
    "spoil",
    [
        other_telephone,
        other_telephone_now,
        other_telephone_now_without_proof,
        other_entry,
        other_version,
        other_leaf,
        other_salt,
    ],
)
def test_anything_else_than_the_ledger_has_is_refused(
    made: Callable[[], pb.GetAuthorityResponse], spoil: Callable[[pb.GetAuthorityResponse], None]
) -> None:
    answer = made()
    spoil(answer)

    with pytest.raises(ProofInvalid):
        vouched_for(answer, ASKED)


@pytest.mark.threat("T126")
def test_persons_in_an_answer_that_says_it_withholds_them_are_refused() -> None:
    answer = withheld()
    answer.record.authority.persons.append(sample_authority().persons[0])

    with pytest.raises(ProofInvalid):
        vouched_for(answer, ASKED)


@pytest.mark.threat("T126")
def test_an_older_version_than_was_asked_for_is_refused() -> None:
    asked = pb.GetAuthorityRequest(authority_id=AUTHORITY_ID, version=2)

    with pytest.raises(ProofInvalid):
        vouched_for(response(), asked)


def test_what_opens_the_part_does_not_open_the_whole() -> None:
    whole = authority_digest(sample_authority())

    assert entry().authority_commitment != authority_commitment(whole, functional_salt(SALT))
