"""Keys: published signatures, their one encoding, and what is refused as a key."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from comity import keys
from comity.errors import ComityError, MalformedInput, SignatureInvalid
from comity.keys import (
    ECDSA_P256,
    ED25519,
    ML_DSA_65,
    Algorithm,
    PrivateKey,
    ed25519_public_key_from_raw,
    generate_private_key,
    key_id_from_spki,
    load_private_key,
    parse_public_key,
    pem_from_private_key,
    raw_ed25519_bytes,
)
from tests.vectors import load_vectors

VECTORS = load_vectors("signatures")
KEYS = [generate_private_key(algorithm) for algorithm in (ED25519, ECDSA_P256, ML_DSA_65)]
FIELD = 2**255 - 19
each_key = pytest.mark.parametrize("key", KEYS, ids=["Ed25519", "P-256", "ML-DSA-65"])


def key_from_handle(handle: Any) -> PrivateKey:
    return load_private_key(
        handle.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def spki_from_handle(handle: Any) -> bytes:
    spki: bytes = handle.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return spki


# --- published vectors ---------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["ed25519"])
def test_ed25519_signs_and_verifies_as_rfc_8032_does(vector: dict[str, str]) -> None:
    value = {name: bytes.fromhex(text) for name, text in vector.items()}
    key = key_from_handle(ed25519.Ed25519PrivateKey.from_private_bytes(value["seed"]))
    assert value["public_key"] == raw_ed25519_bytes(key.public)
    assert value["signature"] == key.sign(value["message"])
    ed25519_public_key_from_raw(value["public_key"]).verify(value["signature"], value["message"])


@pytest.mark.parametrize("vector", VECTORS["ecdsa_p256"]["signatures"])
def test_ecdsa_verifies_as_rfc_6979_does(vector: dict[str, str]) -> None:
    key = parse_public_key(base64.b64decode(VECTORS["ecdsa_p256"]["spki"]))
    assert key.algorithm == ECDSA_P256
    key.verify(bytes.fromhex(vector["signature"]), bytes.fromhex(vector["message"]))


def test_ml_dsa_verifies_as_its_known_answer_does_under_that_context(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vector = VECTORS["ml_dsa_65"]
    signature, message = base64.b64decode(vector["signature"]), bytes.fromhex(vector["message"])
    key = parse_public_key(base64.b64decode(vector["spki"]))
    assert key.algorithm == ML_DSA_65
    with pytest.raises(SignatureInvalid):
        key.verify(signature, message)
    monkeypatch.setattr(keys, "ML_DSA_CONTEXT", bytes.fromhex(vector["context"]))
    key.verify(signature, message)


def test_ml_dsa_verifies_under_our_own_context() -> None:
    vector = VECTORS["own_ml_dsa_65"]
    handle = mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes.fromhex(vector["seed"]))
    key = key_from_handle(handle).public
    assert vector["key_id"] == key.key_id
    key.verify(base64.b64decode(vector["signature"]), bytes.fromhex(vector["message"]))


def test_a_key_is_known_by_the_hash_of_its_spki() -> None:
    vector = load_vectors("own")["checkpoint"]
    seed = bytes.fromhex(vector["seed"])
    key = key_from_handle(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    assert vector["key_id"] == key.public.key_id == key_id_from_spki(key.public.spki)


# --- round trips ---------------------------------------------------------------------------------


@each_key
@given(data=st.binary(max_size=200), other=st.binary(max_size=200))
def test_a_signature_verifies_for_its_data_and_no_other(
    key: PrivateKey, data: bytes, other: bytes
) -> None:
    public = parse_public_key(key.public.spki)
    assert public == key.public
    signature = key.sign(data)
    public.verify(signature, data)
    if other != data:
        with pytest.raises(SignatureInvalid):
            public.verify(signature, other)


@each_key
@pytest.mark.parametrize("passphrase", [None, b"an EXAMPLE passphrase"])
def test_a_private_key_survives_its_pem(key: PrivateKey, passphrase: bytes | None) -> None:
    loaded = load_private_key(pem_from_private_key(key, passphrase), passphrase)
    assert loaded.public == key.public
    key.public.verify(loaded.sign(b"data"), b"data")


@pytest.mark.parametrize("passphrase", [None, b"", b"another", b"x" * 2_000])
def test_a_private_key_is_not_read_with_another_passphrase(passphrase: bytes | None) -> None:
    pem = pem_from_private_key(KEYS[0], b"an EXAMPLE passphrase")
    assert b"ENCRYPTED" in pem
    with pytest.raises(MalformedInput):
        load_private_key(pem, passphrase)


@pytest.mark.parametrize("passphrase", [b"", b"x" * 1_024])
def test_a_passphrase_that_would_not_protect_is_refused(passphrase: bytes) -> None:
    with pytest.raises(MalformedInput):
        pem_from_private_key(KEYS[0], passphrase)


# --- what is refused -----------------------------------------------------------------------------


def test_keys_of_other_kinds_are_refused() -> None:
    handles: list[Any] = [
        x25519.X25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        mldsa.MLDSA44PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ]
    for handle in handles:
        with pytest.raises(MalformedInput):
            parse_public_key(spki_from_handle(handle.public_key()))
        with pytest.raises(MalformedInput):
            key_from_handle(handle)


@pytest.mark.parametrize("algorithm", [0, 99])
def test_no_key_is_made_for_another_algorithm(algorithm: Algorithm) -> None:
    with pytest.raises(MalformedInput):
        generate_private_key(algorithm)


# Of order 1, 4, 2, 8 and 8, computed from the curve's equation.
SMALL_ORDER = [
    1,
    0,
    FIELD - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
]


@pytest.mark.parametrize("sign", [0, 1 << 255], ids=["even", "odd"])
@pytest.mark.parametrize(
    "y", [*SMALL_ORDER, FIELD, FIELD + 1, FIELD + 18, 2, 7], ids=lambda y: f"{y % 2**32:x}"
)
def test_points_that_prove_nothing_are_refused(y: int, sign: int) -> None:
    raw = (y | sign).to_bytes(32, "little")  # of small order; not in the field; not on the curve
    with pytest.raises(MalformedInput):
        ed25519_public_key_from_raw(raw)
    with pytest.raises(MalformedInput):
        parse_public_key(bytes.fromhex("302a300506032b6570032100") + raw)


def test_under_a_key_of_small_order_one_signature_would_fit_every_message() -> None:
    raw = b"\x01" + bytes(31)
    weak = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    for message in (b"one", b"another"):
        weak.verify(b"\x01" + bytes(63), message)  # This is why such keys are refused.

    with pytest.raises(MalformedInput):
        ed25519_public_key_from_raw(raw)


def test_sound_points_are_accepted() -> None:
    for _ in range(50):
        key = generate_private_key(ED25519).public
        assert key == ed25519_public_key_from_raw(raw_ed25519_bytes(key))


def test_a_point_off_the_curve_or_in_another_encoding_is_refused() -> None:
    spki = KEYS[1].public.spki
    handle = serialization.load_der_public_key(spki)
    assert isinstance(handle, ec.EllipticCurvePublicKey)
    compressed = handle.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    prefix = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    for other in (spki[:-1] + bytes([spki[-1] ^ 1]), prefix + compressed, spki + b"\0"):
        with pytest.raises(MalformedInput):
            parse_public_key(other)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_an_ed25519_key_has_32_bytes(length: int) -> None:
    with pytest.raises(MalformedInput):
        ed25519_public_key_from_raw(bytes(length))


def test_only_ed25519_keys_have_raw_bytes_for_notes() -> None:
    with pytest.raises(MalformedInput):
        KEYS[1].raw_public_bytes()


# --- whatever comes in ---------------------------------------------------------------------------


@each_key
@given(st.data())
def test_whatever_the_key_only_our_errors_come_out(key: PrivateKey, data: st.DataObject) -> None:
    spki = bytearray(key.public.spki)
    at = data.draw(st.integers(0, len(spki) - 1))
    spki[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(spki)))
    for candidate in (bytes(spki), bytes(spki[:cut]), data.draw(st.binary(max_size=100))):
        with contextlib.suppress(ComityError):
            assert candidate == parse_public_key(candidate).spki
        with contextlib.suppress(ComityError):
            load_private_key(candidate)


@each_key
@given(st.binary(max_size=4_000))
def test_whatever_the_signature_only_our_errors_come_out(key: PrivateKey, signature: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        key.public.verify(signature, b"data")


@given(st.binary(max_size=300))
def test_whatever_the_pem_only_our_errors_come_out(body: bytes) -> None:
    armour = base64.encodebytes(body)
    pem = b"-----BEGIN PRIVATE KEY-----\n" + armour + b"-----END PRIVATE KEY-----\n"
    with pytest.raises(ComityError):
        load_private_key(pem)
