"""Commitments bind to what they are over, and to what kind of thing it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.commitment import (
    SALT_BYTES,
    access_commitment,
    addressing_commitment,
    content_commitment,
    verify_access_commitment,
    verify_addressing_commitment,
    verify_content_commitment,
)
from comity.errors import ComityError, ProofInvalid
from tests.vectors import load_vectors

hashes = st.binary(min_size=32, max_size=32)
SALT = bytes(SALT_BYTES)


def test_commitments_are_those_of_the_vectors() -> None:
    vector = {
        name: bytes.fromhex(value) for name, value in load_vectors("own")["commitments"].items()
    }
    digest, salt = vector["payload_digest"], vector["salt"]
    assert vector["content"] == content_commitment(digest, salt)
    assert vector["addressing"] == addressing_commitment(digest, salt)
    assert vector["access"] == access_commitment(vector["record"], salt)


@given(digest=hashes, salt=hashes, record=st.binary())
def test_a_commitment_opens_to_what_it_is_over(digest: bytes, salt: bytes, record: bytes) -> None:
    verify_content_commitment(content_commitment(digest, salt), payload_digest=digest, salt=salt)
    verify_addressing_commitment(
        addressing_commitment(digest, salt), payload_digest=digest, salt=salt
    )
    verify_access_commitment(access_commitment(record, salt), record=record, salt=salt)


@given(digest=hashes, other=hashes, salt=hashes)
def test_a_commitment_opens_to_nothing_else(digest: bytes, other: bytes, salt: bytes) -> None:
    commitment = content_commitment(digest, salt)
    with pytest.raises(ProofInvalid):
        verify_addressing_commitment(commitment, payload_digest=digest, salt=salt)
    for wrong_digest, wrong_salt in [(other, salt), (digest, other)]:
        if (wrong_digest, wrong_salt) != (digest, salt):
            with pytest.raises(ProofInvalid):
                verify_content_commitment(commitment, payload_digest=wrong_digest, salt=wrong_salt)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_salt_and_digest_have_32_bytes(length: int) -> None:
    with pytest.raises(ProofInvalid):
        content_commitment(SALT, bytes(length))
    with pytest.raises(ProofInvalid):
        content_commitment(bytes(length), SALT)


@given(st.binary(), st.binary(), st.binary())
def test_whatever_the_bytes_only_our_errors_come_out(a: bytes, b: bytes, c: bytes) -> None:
    with pytest.raises(ComityError):
        verify_content_commitment(a, payload_digest=b, salt=c)
    with pytest.raises(ComityError):
        verify_access_commitment(a, record=b, salt=c)
