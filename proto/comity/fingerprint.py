"""A hub's fingerprint: what is handed over beside a code, and a client compares the hub with.

Computed alike by the hub, which shows it, and by the client, before it sends anything of its own.
Never touches the network.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from comity.checkpoint import parse_verifier_key
from comity.errors import CheckpointInvalid, HubNotVerified, MalformedInput
from comity.keys import PublicKey

_LABEL = b"comity/v1/hub-fingerprint\0"
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def hub_fingerprint(ca_certificate: x509.Certificate, ledger_key: PublicKey) -> str:
    """The fingerprint of a hub's authority and ledger key: 64 lower-case hex digits.

    SHA-256 over the label "comity/v1/hub-fingerprint" and a zero byte, the length of the
    authority's certificate in DER as 4 bytes, most significant first, that certificate, and the
    ledger key's SubjectPublicKeyInfo. The epoch is no part of it.
    """
    der = ca_certificate.public_bytes(Encoding.DER)
    data = _LABEL + len(der).to_bytes(4, "big") + der + ledger_key.spki
    return hashlib.sha256(data).hexdigest()


def parse_fingerprint(text: str) -> str:
    """The fingerprint that somebody typed: hex, in groups or not.

    Raises: MalformedInput.
    """
    fingerprint = re.sub(r"[\s:-]", "", text).lower()
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise MalformedInput("A hub's fingerprint has 64 hexadecimal digits.")
    return fingerprint


def verify_hub(ca_certificate: str, ledger_key: str, *, fingerprint: str) -> None:
    """Verifies that authority (PEM) and ledger key (its line of text) are of the hub that is meant.

    1. The authority is one certificate in PEM's one form: whatever stood beside it would be
       trusted as well, and was compared with nothing.
    2. The ledger key parses.
    3. Their fingerprint is the one that was handed over.

    Raises: HubNotVerified.
    """
    try:
        authority = x509.load_pem_x509_certificate(ca_certificate.encode())
        shown = hub_fingerprint(authority, parse_verifier_key(ledger_key).public)  # 2
    except (ValueError, CheckpointInvalid) as error:
        raise HubNotVerified("What the hub shows is no authority and ledger key.") from error
    if authority.public_bytes(Encoding.PEM) != ca_certificate.encode():  # 1
        raise HubNotVerified("The hub shows more than one authority, or something beside it.")
    if not hmac.compare_digest(shown, fingerprint):  # 3
        raise HubNotVerified(
            "This is not the hub whose fingerprint was handed over; nothing was sent to it. Ask "
            "the hub's administrators, by another way, for fingerprint, address and domain."
        )
