"""DSSE envelopes: signing bytes together with their type, and verifying the whole at once.

The payload is signed as its signer serialized it. Keys and algorithms come from the caller's
roster, never from the envelope. Source: Dead Simple Signing Envelope v1.0.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comity.errors import MalformedInput, SignatureInvalid, SigningKeyUnknown, TooLarge
from comity.keys import PrivateKey, PublicKey

MAX_PAYLOAD_BYTES = 1_048_576  # four times the largest notice
_STANDARD_ALPHABET = str.maketrans("-_", "+/")  # DSSE verifiers must accept either alphabet
MAX_SIGNATURES = 4  # two algorithms, and twice that while keys change


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the id of the key that it says it is by."""

    key_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Bytes, their type, and signatures over both."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed. Source: DSSE v1.0, protocol.md, "Signature Definition"."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_payload(payload: bytes, *, payload_type: str, keys: Sequence[PrivateKey]) -> Envelope:
    """An envelope signed by each of the keys."""
    data = pre_authentication_encoding(payload_type, payload)
    signatures = tuple(Signature(key.public.key_id, key.sign(data)) for key in keys)
    return Envelope(payload_type, payload, signatures)


def verify_envelope(
    envelope: Envelope, *, payload_type: str, keys: Mapping[str, PublicKey]
) -> None:
    """Verifies an envelope.

    1. Its type is the expected one, so that no signature serves for something else.
    2. Payload and number of signatures are bounded, and no key signs twice.
    3. At least one signature says it is by one of the keys.
    4. Every signature that says so verifies, with that key's own algorithm.

    Signatures by other keys are passed over: they prove nothing and forbid nothing. Does not say
    what the payload means.

    Raises: MalformedInput, TooLarge, SigningKeyUnknown, SignatureInvalid.
    """
    if envelope.payload_type != payload_type:  # 1
        raise SignatureInvalid("The envelope is of another type than expected.")
    if len(envelope.payload) > MAX_PAYLOAD_BYTES:  # 2
        raise TooLarge(f"A signed payload is at most {MAX_PAYLOAD_BYTES:,} bytes.")
    if len(envelope.signatures) > MAX_SIGNATURES:
        raise MalformedInput(f"An envelope has at most {MAX_SIGNATURES} signatures.")
    if len({s.key_id for s in envelope.signatures}) != len(envelope.signatures):
        raise MalformedInput("An envelope has one signature per key.")
    known = [s for s in envelope.signatures if s.key_id in keys]  # 3
    if not known:
        raise SigningKeyUnknown()
    data = pre_authentication_encoding(payload_type, envelope.payload)
    for signature in known:  # 4
        keys[signature.key_id].verify(signature.value, data)


def json_from_envelope(envelope: Envelope) -> str:
    """The JSON form of an envelope. Source: DSSE v1.0, envelope.md."""
    return json.dumps(
        {
            "payload": base64.b64encode(envelope.payload).decode(),
            "payloadType": envelope.payload_type,
            "signatures": [
                {"keyid": s.key_id, "sig": base64.b64encode(s.value).decode()}
                for s in envelope.signatures
            ],
        },
        indent=2,
    )


def envelope_from_json(text: str | bytes) -> Envelope:
    """The envelope in its JSON form, with standard or URL-safe base64.

    Refuses names that occur twice and base64 that is not in its one form, so that whoever reads
    the same text reads the same envelope.

    Raises: MalformedInput, TooLarge.
    """
    if len(text) > 2 * MAX_PAYLOAD_BYTES:
        raise TooLarge("The envelope is too large.")
    try:
        value = json.loads(text, object_pairs_hook=_object)
        return Envelope(
            payload_type=_text(value["payloadType"]),
            payload=_decoded(value["payload"]),
            signatures=tuple(
                Signature(_text(s["keyid"]), _decoded(s["sig"])) for s in value["signatures"]
            ),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedInput("That is not a DSSE envelope.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    value.encode()  # Lone surrogates are no text.
    return value


def _decoded(value: Any) -> bytes:
    encoded = _text(value).translate(_STANDARD_ALPHABET)
    decoded = base64.b64decode(encoded, validate=True)
    if base64.b64encode(decoded).decode() != encoded:
        raise ValueError("not in its one form")
    return decoded
