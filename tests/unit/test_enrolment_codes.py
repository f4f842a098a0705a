"""Codes, fingerprints, challenges and consents: what both sides of an enrolment compute alike."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from comity.applicant import generate_applicant_keys, load_sealing_key
from comity.challenge import open_challenge, seal_challenge
from comity.checkpoint import LedgerKey, verifier_key_text
from comity.consent import sign_consent, verify_consent
from comity.errors import (
    ApplicationInvalid,
    HubNotVerified,
    MalformedInput,
    SignatureInvalid,
    SigningKeyUnknown,
    UnknownFields,
    WrongHub,
    WrongOriginator,
)
from comity.fingerprint import hub_fingerprint, parse_fingerprint, verify_hub
from comity.identity import AgencyId
from comity.invitation import ALPHABET, code_digest, make_code, parse_code
from comity.keys import ED25519, generate_private_key, parse_public_key
from comity.v1.membership_pb2 import AgencyConsent

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "enrolment.json").read_text())
DIGEST, FRANCE = b"\x01" * 32, AgencyId("FR-NCB")
NOW = datetime(2026, 11, 24, tzinfo=UTC)

# --- codes --------------------------------------------------------------------------------------


def test_a_code_is_the_vector_s() -> None:
    code = make_code(lambda size: bytes(range(size)))

    assert VECTOR["code"] == code
    assert VECTOR["code_digest"] == code_digest(parse_code(code)).hex()


@given(st.binary(min_size=17, max_size=17))
def test_a_code_is_read_as_it_was_made(drawn: bytes) -> None:
    code = make_code(lambda size: drawn)

    assert code.replace("-", "") == parse_code(code)


def test_a_code_is_read_however_it_is_typed() -> None:
    code = VECTOR["code"]
    typed = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")

    assert parse_code(code) == parse_code(f"  {typed}\n")


@given(st.text())
def test_whatever_is_no_code_is_malformed(text: str) -> None:
    with pytest.raises(MalformedInput):
        parse_code(text)


@pytest.mark.parametrize("place", [0, 5, 33])
def test_a_slip_is_noticed(place: int) -> None:
    code = VECTOR["code"]
    other = ALPHABET[ALPHABET.index(code[place]) - 1]

    with pytest.raises(MalformedInput, match="mistyped"):
        parse_code(code[:place] + other + code[place + 1 :])


def test_codes_differ() -> None:
    assert len({make_code(secrets.token_bytes) for _ in range(100)}) == 100


# --- fingerprints -------------------------------------------------------------------------------

CA = VECTOR["ca_certificate"]
LEDGER_KEY = parse_public_key(bytes.fromhex(VECTOR["ledger_key_spki"]))
LEDGER_KEY_TEXT = verifier_key_text(LedgerKey("hub.example/comity/epoch-1", LEDGER_KEY))


def test_a_fingerprint_is_the_vector_s() -> None:
    authority = x509.load_pem_x509_certificate(CA.encode())

    assert VECTOR["fingerprint"] == hub_fingerprint(authority, LEDGER_KEY)


def test_the_hub_that_is_meant_verifies_in_any_epoch() -> None:
    later = verifier_key_text(LedgerKey("hub.example/comity/epoch-7", LEDGER_KEY))
    fingerprint = parse_fingerprint(VECTOR["fingerprint"].upper())

    verify_hub(CA, LEDGER_KEY_TEXT, fingerprint=fingerprint)
    verify_hub(CA, later, fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("ca", "ledger_key"),
    [
        (CA + CA, LEDGER_KEY_TEXT),  # a second one would be trusted unseen
        ("-" + CA, LEDGER_KEY_TEXT),
        (CA, "hub.example/comity/epoch-1+00000000+AA=="),
        ("", ""),
        (
            CA,
            verifier_key_text(
                LedgerKey("hub.example/comity/epoch-1", generate_private_key(ED25519).public)
            ),
        ),
    ],
    ids=["second authority", "more beside it", "no ledger key", "nothing", "another ledger key"],
)
def test_another_hub_does_not_verify(ca: str, ledger_key: str) -> None:
    with pytest.raises(HubNotVerified):
        verify_hub(ca, ledger_key, fingerprint=VECTOR["fingerprint"])


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33])
def test_what_is_no_fingerprint_is_malformed(text: str) -> None:
    with pytest.raises(MalformedInput):
        parse_fingerprint(text)


# --- challenges ---------------------------------------------------------------------------------


@pytest.mark.parametrize("passphrase", [None, b"SAMPLE passphrase"])
def test_a_challenge_opens_with_the_kept_key(passphrase: bytes | None) -> None:
    made = generate_applicant_keys([ED25519]).sealing
    kept = load_sealing_key(made.pem(passphrase), passphrase)
    challenge = seal_challenge(b"secret", made.public_bytes(), application_digest=DIGEST)

    assert open_challenge(challenge, kept, application_digest=DIGEST) == b"secret"


def test_a_challenge_opens_for_nothing_else() -> None:
    own, other = (generate_applicant_keys([ED25519]).sealing for _ in range(2))
    challenge = seal_challenge(b"secret", own.public_bytes(), application_digest=DIGEST)

    for sealed, key, digest in [
        (challenge, other, DIGEST),
        (challenge, own, bytes(32)),
        (challenge[:-1], own, DIGEST),
        (b"", own, DIGEST),
    ]:
        with pytest.raises(MalformedInput):
            open_challenge(sealed, key, application_digest=digest)


@pytest.mark.parametrize("public", [b"", bytes(1_216), b"\xff" * 1_216])
def test_bytes_that_are_no_key_are_not_sealed_to(public: bytes) -> None:
    with pytest.raises(ApplicationInvalid):
        seal_challenge(b"secret", public, application_digest=DIGEST)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----", b"\xff"])
def test_a_file_that_holds_no_sealing_key_is_malformed(pem: bytes) -> None:
    with pytest.raises(MalformedInput):
        load_sealing_key(pem)


# --- consents -----------------------------------------------------------------------------------

LEAD_KEY = generate_private_key(ED25519)
KEYS = {LEAD_KEY.public.key_id: LEAD_KEY.public}


def test_a_consent_says_what_was_signed() -> None:
    envelope = sign_consent(
        hub_domain="hub.example",
        lead=FRANCE,
        agency=AgencyId("FR-CUSTOMS"),
        application_digest=DIGEST,
        now=NOW,
        keys=[LEAD_KEY],
    )

    verified = verify_consent(envelope, hub_domain="hub.example", lead=FRANCE, keys=KEYS)

    assert (verified.agency, verified.application_digest) == ("FR-CUSTOMS", DIGEST)
    with pytest.raises(WrongHub):
        verify_consent(envelope, hub_domain="another.example", lead=FRANCE, keys=KEYS)
    with pytest.raises(WrongOriginator):
        verify_consent(envelope, hub_domain="hub.example", lead=AgencyId("KE-NCB"), keys=KEYS)
    with pytest.raises(SigningKeyUnknown):
        verify_consent(envelope, hub_domain="hub.example", lead=FRANCE, keys={})


@pytest.mark.parametrize(
    ("payload", "kind", "error"),
    [
        (b"\xff", "application/vnd.comity.agency-consent.v1+protobuf", MalformedInput),
        (b"\xa2\x06\x00", "application/vnd.comity.agency-consent.v1+protobuf", UnknownFields),
        (AgencyConsent().SerializeToString(), "application/another", SignatureInvalid),
    ],
)
def test_what_is_no_consent_is_refused(payload: bytes, kind: str, error: type[Exception]) -> None:
    from comity.envelope import sign_payload

    envelope = sign_payload(payload, payload_type=kind, keys=[LEAD_KEY])

    with pytest.raises(error):
        verify_consent(envelope, hub_domain="hub.example", lead=FRANCE, keys=KEYS)
