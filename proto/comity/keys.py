"""Signing and witness keys: what they are, how they are named, signing and verifying.

A key is known by the hash of its SubjectPublicKeyInfo, and its algorithm is part of the key: no
message ever says with which algorithm it is to be verified. Never touches a disk.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.hashes import SHA256

from comity.errors import MalformedInput, SignatureInvalid
from comity.v1 import agencies_pb2

ED25519 = agencies_pb2.KEY_ALGORITHM_ED25519
ECDSA_P256 = agencies_pb2.KEY_ALGORITHM_ECDSA_P256_SHA256
ML_DSA_65 = agencies_pb2.KEY_ALGORITHM_ML_DSA_65

Algorithm: TypeAlias = agencies_pb2.KeyAlgorithm.ValueType

MAX_PASSPHRASE_BYTES = 1_023  # OpenSSL reads no longer one

# ML-DSA signs under a context of its own, so that its signatures serve nothing else.
# Source: FIPS 204 §5.2.
ML_DSA_CONTEXT = b"comity/v1"

# The field and the curve of Ed25519. Source: RFC 8032 §5.1.
_FIELD = 2**255 - 19
_CURVE_D = -121665 * pow(121666, -1, _FIELD) % _FIELD

# The y of the eight points whose order divides 8: as keys they let one signature fit every message.
_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)

_PublicHandle = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | mldsa.MLDSA65PublicKey
_PrivateHandle = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | mldsa.MLDSA65PrivateKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies signatures. `spki` is its SubjectPublicKeyInfo in DER."""

    algorithm: Algorithm
    spki: bytes
    key_id: str
    _handle: _PublicHandle = field(repr=False, compare=False)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Verifies a signature with the key's own algorithm.

        ECDSA signatures are DER, as DSSE's other implementations write them.

        Raises: SignatureInvalid.
        """
        try:
            if isinstance(self._handle, ed25519.Ed25519PublicKey):
                self._handle.verify(signature, data)
            elif isinstance(self._handle, ec.EllipticCurvePublicKey):
                self._handle.verify(signature, data, ec.ECDSA(SHA256()))
            else:
                self._handle.verify(signature, data, context=ML_DSA_CONTEXT)
        except (InvalidSignature, ValueError) as error:
            raise SignatureInvalid() from error


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs."""

    public: PublicKey
    _handle: _PrivateHandle = field(repr=False, compare=False)

    def sign(self, data: bytes) -> bytes:
        """A signature: 64 bytes for Ed25519, DER for ECDSA, 3,309 bytes for ML-DSA-65."""
        if isinstance(self._handle, ed25519.Ed25519PrivateKey):
            return self._handle.sign(data)
        if isinstance(self._handle, ec.EllipticCurvePrivateKey):
            return self._handle.sign(data, ec.ECDSA(SHA256()))
        return self._handle.sign(data, context=ML_DSA_CONTEXT)

    def raw_public_bytes(self) -> bytes:
        """The public key's own 32 bytes, for Ed25519 keys in signed notes.

        Raises: MalformedInput for other keys.
        """
        return raw_ed25519_bytes(self.public)


def key_id_from_spki(spki: bytes) -> str:
    """What a key is known by: the lower-case hex SHA-256 of its SubjectPublicKeyInfo."""
    return hashlib.sha256(spki).hexdigest()


def generate_private_key(algorithm: Algorithm) -> PrivateKey:
    """A new key.

    Raises: MalformedInput for an algorithm that signs nothing here.
    """
    if algorithm == ED25519:
        return _private_key(ed25519.Ed25519PrivateKey.generate())
    if algorithm == ECDSA_P256:
        return _private_key(ec.generate_private_key(ec.SECP256R1()))
    if algorithm == ML_DSA_65:
        return _private_key(mldsa.MLDSA65PrivateKey.generate())
    raise MalformedInput("That is no algorithm for signing keys.")


def parse_public_key(spki: bytes) -> PublicKey:
    """The key in a SubjectPublicKeyInfo.

    Raises: MalformedInput where it is none, not in DER's one encoding, of another kind than
    Ed25519, ECDSA P-256 and ML-DSA-65, or a point that proves nothing.
    """
    try:
        handle = serialization.load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedInput("The key is not a SubjectPublicKeyInfo.") from error
    key = _public_key(handle)
    if key.spki != spki:
        raise MalformedInput("The key is not in its one encoding.")
    return key


def ed25519_public_key_from_raw(raw: bytes) -> PublicKey:
    """An Ed25519 key from its own 32 bytes.

    Raises: MalformedInput.
    """
    try:
        handle = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise MalformedInput("An Ed25519 key has 32 bytes.") from error
    return _public_key(handle)


def raw_ed25519_bytes(key: PublicKey) -> bytes:
    """An Ed25519 key's own 32 bytes.

    Raises: MalformedInput for other keys.
    """
    if key.algorithm != ED25519:
        raise MalformedInput("Signed notes take Ed25519 keys only.")
    return key.spki[-32:]


def pem_from_private_key(key: PrivateKey, passphrase: bytes | None = None) -> bytes:
    """A private key as PKCS #8 PEM, encrypted where a passphrase is given.

    Raises: MalformedInput where the passphrase is empty or longer than OpenSSL takes.
    """
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        if not 0 < len(passphrase) <= MAX_PASSPHRASE_BYTES:
            raise MalformedInput(f"A passphrase has 1 to {MAX_PASSPHRASE_BYTES:,} bytes.")
        encryption = serialization.BestAvailableEncryption(passphrase)
    return key._handle.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def load_private_key(pem: bytes, passphrase: bytes | None = None) -> PrivateKey:
    """The private key in a PKCS #8 PEM.

    Raises: MalformedInput where it is none, of another kind, or the passphrase is wrong or missing.
    """
    try:
        handle = serialization.load_pem_private_key(pem, password=passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedInput("The private key cannot be read; is the passphrase right?") from error
    if not isinstance(
        handle, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | mldsa.MLDSA65PrivateKey
    ):
        raise MalformedInput("That is no kind of key that signs here.")
    return _private_key(handle)


def _private_key(handle: _PrivateHandle) -> PrivateKey:
    return PrivateKey(_public_key(handle.public_key()), handle)


def _public_key(handle: object) -> PublicKey:
    if isinstance(handle, ed25519.Ed25519PublicKey):
        _require_sound_point(handle.public_bytes_raw())
        algorithm = ED25519
    elif isinstance(handle, ec.EllipticCurvePublicKey) and handle.curve.name == "secp256r1":
        algorithm = ECDSA_P256
    elif isinstance(handle, mldsa.MLDSA65PublicKey):
        algorithm = ML_DSA_65
    else:
        raise MalformedInput("The key is of a kind that is not accepted here.")
    spki = handle.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return PublicKey(algorithm, spki, key_id_from_spki(spki), handle)


def _require_sound_point(raw: bytes) -> None:
    """Refuses 32 bytes that are no point of the curve, not its one encoding, or of small order."""
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    is_small = y >= _FIELD or y in _SMALL_ORDER_Y
    # x² = numerator / denominator has a root exactly where their product has one.
    numerator, denominator = y * y - 1, _CURVE_D * y * y + 1
    if is_small or pow(numerator * denominator, (_FIELD - 1) // 2, _FIELD) != 1:
        raise MalformedInput("The Ed25519 key is not a point that can prove anything.")
