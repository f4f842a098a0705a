"""Envelopes: DSSE's own vectors, an independent reader, and every way to be refused."""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib import dsse
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # public all the same

from comity.envelope import (
    MAX_PAYLOAD_BYTES,
    MAX_SIGNATURES,
    Envelope,
    Signature,
    envelope_from_json,
    json_from_envelope,
    pre_authentication_encoding,
    sign_payload,
    verify_envelope,
)
from comity.errors import (
    ComityError,
    MalformedInput,
    SignatureInvalid,
    SigningKeyUnknown,
    TooLarge,
)
from comity.keys import (
    ECDSA_P256,
    ED25519,
    ML_DSA_65,
    PrivateKey,
    ed25519_public_key_from_raw,
    generate_private_key,
    parse_public_key,
)
from tests.vectors import load_vectors

DSSE = load_vectors("dsse")
TYPE = "application/vnd.comity.example.v1"
ED, EC, PQ = (generate_private_key(a) for a in (ED25519, ECDSA_P256, ML_DSA_65))
STRANGER = generate_private_key(ED25519)
ROSTER = {key.public.key_id: key.public for key in (ED, EC, PQ)}


def signed(*keys: PrivateKey, payload: bytes = b"payload") -> Envelope:
    return sign_payload(payload, payload_type=TYPE, keys=keys)


def verify(envelope: Envelope) -> None:
    verify_envelope(envelope, payload_type=TYPE, keys=ROSTER)


# --- published vectors ---------------------------------------------------------------------------


def test_the_example_of_the_specification_verifies() -> None:
    example = DSSE["example"]
    point = ec.EllipticCurvePublicNumbers(int(example["x"]), int(example["y"]), ec.SECP256R1())
    key = parse_public_key(
        point.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    payload, raw = base64.b64decode(example["payload"]), base64.b64decode(example["sig"])
    encoded = pre_authentication_encoding(example["payloadType"], payload)
    assert example["pae"].encode() == encoded

    # The example writes r and s side by side; DSSE's implementations, and ours, write DER.
    der = utils.encode_dss_signature(
        int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    )
    envelope = Envelope(example["payloadType"], payload, (Signature("k", der),))
    verify_envelope(envelope, payload_type=example["payloadType"], keys={"k": key})


@pytest.mark.parametrize("vector", DSSE["envelopes"], ids=lambda vector: vector["id"])
def test_the_vectors_of_the_specification_come_out_as_they_say(vector: dict[str, Any]) -> None:
    keys = {
        key_id: ed25519_public_key_from_raw(bytes.fromhex(raw))
        for key_id, raw in DSSE["keys"].items()
    }
    envelope = envelope_from_json(json.dumps(vector["envelope"]))
    if vector["pae"]:
        encoded = pre_authentication_encoding(envelope.payload_type, envelope.payload)
        assert vector["pae"] == encoded.hex()
    refused = contextlib.nullcontext() if vector["accepted"] else pytest.raises(ComityError)
    with refused:
        verify_envelope(envelope, payload_type=vector["expected_type"], keys=keys)


@pytest.mark.parametrize("key", [ED, EC], ids=["Ed25519", "P-256"])
def test_an_independent_reader_verifies_our_envelope(key: PrivateKey) -> None:
    read = dsse.Envelope.from_dict(json.loads(json_from_envelope(signed(key))))
    handle = serialization.load_der_public_key(key.public.spki)
    other = SSlibKey.from_crypto(handle, keyid=key.public.key_id)
    assert {key.public.key_id} == set(read.verify([other], threshold=1))
    assert read.payload == b"payload"


# --- what passes ---------------------------------------------------------------------------------


@given(st.binary(max_size=500), st.sampled_from([(ED,), (EC,), (PQ,), (ED, PQ), (ED, EC, PQ)]))
def test_an_envelope_survives_its_json_and_verifies(
    payload: bytes, keys: tuple[PrivateKey, ...]
) -> None:
    envelope = signed(*keys, payload=payload)
    assert envelope == envelope_from_json(json_from_envelope(envelope))
    verify(envelope)


def test_a_bad_signature_counts_only_where_its_key_is_known() -> None:
    good = signed(ED)
    verify(signed(STRANGER, ED))
    verify(replace(good, signatures=(*good.signatures, Signature("x", b"no"))))

    known = next(key_id for key_id in ROSTER if key_id != good.signatures[0].key_id)
    with pytest.raises(SignatureInvalid):
        verify(replace(good, signatures=(*good.signatures, Signature(known, b"no"))))


# --- what is refused -----------------------------------------------------------------------------


def test_another_type_is_refused_even_where_the_signature_covers_it() -> None:
    with pytest.raises(SignatureInvalid):
        verify_envelope(signed(ED), payload_type=TYPE + "x", keys=ROSTER)


@pytest.mark.parametrize(
    "changed", [{"payload": b"Payload"}, {"payload": b""}, {"payload_type": TYPE.upper()}]
)
def test_what_was_not_signed_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        verify(replace(signed(ED), **changed))


def test_an_envelope_without_a_known_signer_is_refused() -> None:
    for envelope in (signed(), signed(STRANGER)):
        with pytest.raises(SigningKeyUnknown):
            verify(envelope)


def test_one_bad_signature_by_a_known_key_spoils_a_good_one() -> None:
    good = signed(ED).signatures
    for bad in (Signature(PQ.public.key_id, b""), Signature(EC.public.key_id, good[0].value)):
        for signatures in ((*good, bad), (bad, *good)):
            with pytest.raises(SignatureInvalid):
                verify(Envelope(TYPE, b"payload", signatures))


def test_the_algorithm_is_that_of_the_roster_whatever_the_signature_is() -> None:
    ecdsa = signed(EC).signatures[0].value
    with pytest.raises(SignatureInvalid):
        verify(Envelope(TYPE, b"payload", (Signature(ED.public.key_id, ecdsa),)))


def test_a_key_signs_once() -> None:
    with pytest.raises(MalformedInput):
        verify(signed(ED, ED))


def test_signatures_and_payload_are_bounded() -> None:
    strangers = tuple(Signature(str(n), b"") for n in range(MAX_SIGNATURES))
    verify(Envelope(TYPE, b"payload", strangers[1:] + signed(ED).signatures))
    with pytest.raises(MalformedInput):
        verify(Envelope(TYPE, b"payload", strangers + signed(ED).signatures))
    verify(signed(ED, payload=bytes(MAX_PAYLOAD_BYTES)))
    with pytest.raises(TooLarge):
        verify(signed(ED, payload=bytes(MAX_PAYLOAD_BYTES + 1)))


def test_a_payload_of_any_allowed_size_fits_its_json() -> None:
    envelope = signed(ED, EC, PQ, payload=bytes(MAX_PAYLOAD_BYTES))
    assert envelope == envelope_from_json(json_from_envelope(envelope))
    with pytest.raises(TooLarge):
        envelope_from_json(" " * (2 * MAX_PAYLOAD_BYTES + 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        '{"payloadType": "t", "payload": "QQ=="}',
        '{"payloadType": 1, "payload": "QQ==", "signatures": []}',
        '{"payloadType": "t", "payload": null, "signatures": []}',
        '{"payloadType": "t", "payload": "QR==", "signatures": []}',
        '{"payloadType": "t", "payload": "QQ", "signatures": []}',
        '{"payloadType": "t", "payload": "QQ==\\n", "signatures": []}',
        '{"payloadType": "t", "payload": "\\u00e9", "signatures": []}',
        '{"payloadType": "\\ud800", "payload": "QQ==", "signatures": []}',
        '{"payloadType": "t", "payloadType": "u", "payload": "QQ==", "signatures": []}',
        '{"payloadType": "t", "payload": "QQ==", "signatures": "ab"}',
        '{"payloadType": "t", "payload": "QQ==", "signatures": [{"sig": "QQ=="}]}',
        '{"payloadType": "t", "payload": "QQ==", "signatures": [{"keyid": 1, "sig": "QQ=="}]}',
    ],
)
def test_anything_else_is_no_envelope(text: str) -> None:
    with pytest.raises(MalformedInput):
        envelope_from_json(text)


# --- whatever comes in ---------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.text(max_size=100)
    | st.binary(max_size=100)
    | st.fixed_dictionaries(
        {"payloadType": json_values, "payload": json_values, "signatures": json_values}
    ).map(json.dumps)
)
def test_whatever_the_json_only_our_errors_come_out(text: str | bytes) -> None:
    try:
        read = envelope_from_json(text)
    except ComityError:
        return
    assert read == envelope_from_json(json_from_envelope(read))


@given(
    payload=st.binary(max_size=50),
    signatures=st.lists(
        st.tuples(st.sampled_from([*ROSTER, "x"]), st.binary(max_size=80)), max_size=6
    ),
)
def test_whatever_the_envelope_only_our_errors_come_out(
    payload: bytes, signatures: list[tuple[str, bytes]]
) -> None:
    envelope = Envelope(TYPE, payload, tuple(Signature(*pair) for pair in signatures))
    with pytest.raises(ComityError):
        verify(envelope)
