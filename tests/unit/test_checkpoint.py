"""Checkpoints against signed notes that others published, and every note that is not one."""

from __future__ import annotations

import base64
import contextlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from comity.checkpoint import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURE_LINES,
    Checkpoint,
    LedgerKey,
    note_key_id,
    open_checkpoint,
    origin_line,
    parse_origin,
    parse_unverified,
    parse_verifier_key,
    sign_checkpoint,
    verifier_key_text,
)
from comity.errors import CheckpointInvalid, ComityError, EpochChanged
from comity.keys import (
    ECDSA_P256,
    ED25519,
    PrivateKey,
    ed25519_public_key_from_raw,
    generate_private_key,
    load_private_key,
)
from comity.merkle import MAX_SIZE
from tests.vectors import load_vectors


def private_key(seed: bytes) -> PrivateKey:
    handle = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return load_private_key(
        handle.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


ORIGIN = "hub.example/comity/epoch-1"
KEY = private_key(bytes(range(32)))  # Fixed: workers have to agree on the names of tests.
LEDGER = LedgerKey(ORIGIN, KEY.public)
HEAD = Checkpoint(ORIGIN, 8, bytes(range(32)))
NOTE = sign_checkpoint(HEAD, KEY)
TEXT, SIGNATURE = NOTE.split(b"\n\n")


def resigned(text: bytes) -> bytes:
    """A note over any text, truly signed by the ledger's key."""
    value = LEDGER.note_key_id + KEY.sign(text)
    return text + f"\n— {ORIGIN} {base64.b64encode(value).decode()}\n".encode()


# --- published vectors ---------------------------------------------------------------------------


@pytest.mark.parametrize("head", load_vectors("sumdb")["heads"], ids=lambda h: h["text"][21:29])
def test_heads_that_a_public_ledger_signed_verify(head: dict[str, str]) -> None:
    name, key_id, encoded = load_vectors("sumdb")["verifier_key"].split("+", 2)
    key = ed25519_public_key_from_raw(base64.b64decode(encoded)[1:])
    value = base64.b64decode(head["signature"])
    assert key_id == note_key_id(name, key).hex() == value[:4].hex()
    key.verify(value[4:], head["text"].encode())


def test_the_example_note_is_signed_alike() -> None:
    vector = load_vectors("signed_note")
    key = private_key(base64.b64decode(vector["signer_key"])[1:])
    key_id = note_key_id(vector["name"], key.public)
    assert vector["key_id"] == key_id.hex()
    assert base64.b64decode(vector["verifier_key"])[1:] == key.raw_public_bytes()
    assert base64.b64decode(vector["signature"]) == key_id + key.sign(vector["text"].encode())


def test_our_own_checkpoint_is_signed_as_it_always_was() -> None:
    vector = load_vectors("own")["checkpoint"]
    key = private_key(bytes.fromhex(vector["seed"]))
    head = Checkpoint(vector["origin"], vector["size"], bytes.fromhex(vector["root"]))
    ledger = LedgerKey(head.origin, key.public)
    assert vector["note"].encode() == sign_checkpoint(head, key)
    assert vector["verifier_key"] == verifier_key_text(ledger)
    assert head == open_checkpoint(vector["note"].encode(), ledger)


# --- round trips ---------------------------------------------------------------------------------

domains = st.sampled_from(["hub.example", "a.b-c.test", "localhost"])
epochs = st.integers(1, 999_999_999)


@given(domains, epochs, st.integers(0, MAX_SIZE), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_survives_its_note(domain: str, epoch: int, size: int, root: bytes) -> None:
    head = Checkpoint(origin_line(domain, epoch), size, root)
    note = sign_checkpoint(head, KEY)
    assert (domain, epoch) == parse_origin(head.origin)
    assert head == open_checkpoint(note, LedgerKey(head.origin, KEY.public))
    assert head == parse_unverified(note)


@given(domains, epochs)
def test_a_ledger_key_survives_its_text(domain: str, epoch: int) -> None:
    key = LedgerKey(origin_line(domain, epoch), KEY.public)
    assert key == parse_verifier_key(verifier_key_text(key))


# --- signatures ----------------------------------------------------------------------------------


def witness_line(name: str = "witness.example", value: bytes = bytes(68)) -> bytes:
    return f"— {name} {base64.b64encode(value).decode()}\n".encode()


@pytest.mark.parametrize(
    "line",
    [
        witness_line(),
        witness_line("witness.example/ünïcode"),
        witness_line(ORIGIN),  # our name under another id
        witness_line("other.example", LEDGER.note_key_id + bytes(64)),  # our id under another name
        witness_line(value=bytes(5)),
    ],
)
def test_signatures_of_others_are_passed_over(line: bytes) -> None:
    assert open_checkpoint(NOTE + line, LEDGER) == HEAD
    assert open_checkpoint(TEXT + b"\n\n" + line + SIGNATURE, LEDGER) == HEAD


def test_a_checkpoint_has_room_for_many_witnesses_and_no_more() -> None:
    assert open_checkpoint(NOTE + witness_line() * (MAX_SIGNATURE_LINES - 1), LEDGER) == HEAD
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(NOTE + witness_line() * MAX_SIGNATURE_LINES, LEDGER)
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(NOTE + witness_line(value=bytes(MAX_NOTE_BYTES)), LEDGER)


def test_a_checkpoint_needs_the_signature_of_the_ledgers_key() -> None:
    for note in (
        TEXT + b"\n\n" + witness_line(),
        sign_checkpoint(HEAD, generate_private_key(ED25519)),
        NOTE.replace(b"\n8\n", b"\n9\n"),
        NOTE + witness_line(ORIGIN, LEDGER.note_key_id + bytes(64)),
    ):
        with pytest.raises(CheckpointInvalid):
            open_checkpoint(note, LEDGER)


def test_a_checkpoint_of_another_epoch_is_told_from_one_of_another_hub() -> None:
    with pytest.raises(EpochChanged):
        open_checkpoint(NOTE, LedgerKey("hub.example/comity/epoch-2", KEY.public))
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(NOTE, LedgerKey("other.example/comity/epoch-1", KEY.public))


# --- form ----------------------------------------------------------------------------------------

ROOT = TEXT.split(b"\n")[2]


@pytest.mark.parametrize(
    "text",
    [
        b"hub.example/comity/epoch-1\n08\n" + ROOT + b"\n",
        b"hub.example/comity/epoch-1\n+8\n" + ROOT + b"\n",
        b"hub.example/comity/epoch-1\n-8\n" + ROOT + b"\n",
        b"hub.example/comity/epoch-1\n\xd9\xa8\n" + ROOT + b"\n",
        b"hub.example/comity/epoch-1\n9223372036854775808\n" + ROOT + b"\n",
        b"hub.example/comity/epoch-1\n8\n" + ROOT[:-1] + b"\n",
        b"hub.example/comity/epoch-1\n8\n" + ROOT[:-2] + b"9=\n",
        b"hub.example/comity/epoch-1\n8\nAAAA\n",
        b"hub.example/comity/epoch-1\n8\n" + ROOT + b"\nextension\n",
        b"hub.example/comity/epoch-1\n8\n" + ROOT + b"\n\nextension\n",
        b"hub.example/comity/epoch-1\n8\n",
        b"hub.example/comity/epoch-1\r\n8\n" + ROOT + b"\n",
        b"hub.example/comity/epoch-1 \n8\n" + ROOT + b"\n",
        b"hub.example/comity/epoch-0\n8\n" + ROOT + b"\n",
        b"hub.example/comity/epoch-01\n8\n" + ROOT + b"\n",
        b"hub.example/other\n8\n" + ROOT + b"\n",
        b"\n8\n" + ROOT + b"\n",
    ],
)
def test_a_text_in_another_form_is_refused_though_truly_signed(text: bytes) -> None:
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(resigned(text), LEDGER)


@pytest.mark.parametrize(
    "line",
    [
        b"- witness.example " + base64.b64encode(bytes(68)) + b"\n",
        witness_line(""),
        witness_line("a+b"),
        witness_line("a\u00a0b"),
        witness_line("a\x1b[2Jb"),
        witness_line(value=bytes(4)),
        witness_line()[:-2] + b"\n",
        witness_line()[:-1],
        b"\n",
        b"\xff\n",
    ],
)
def test_a_malformed_signature_line_spoils_the_note(line: bytes) -> None:
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(NOTE + line, LEDGER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hub.example/comity/epoch-1",
        verifier_key_text(LEDGER)[:-4],
        verifier_key_text(LEDGER).replace("epoch-1", "epoch-2"),
        verifier_key_text(LEDGER).replace("+A", "+B"),
        load_vectors("sumdb")["verifier_key"],
        # A key of small order, under the id that it would have.
        f"{ORIGIN}+05bfc80b+{base64.b64encode(bytes([1, 1]) + bytes(31)).decode()}",
    ],
)
def test_anything_else_is_no_verifier_key(text: str) -> None:
    with pytest.raises(CheckpointInvalid):
        parse_verifier_key(text)


def test_only_ed25519_keys_sign_checkpoints() -> None:
    with pytest.raises(ComityError):
        sign_checkpoint(HEAD, generate_private_key(ECDSA_P256))


# --- whatever comes in ---------------------------------------------------------------------------


@given(st.data())
def test_whatever_one_byte_is_changed_to_no_other_checkpoint_comes_out(
    data: st.DataObject,
) -> None:
    note = bytearray(NOTE)
    note[data.draw(st.integers(0, len(note) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ComityError):
        open_checkpoint(bytes(note), LEDGER)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: TEXT + b"\n\n" + b))
def test_whatever_the_note_only_our_errors_come_out(note: bytes) -> None:
    with pytest.raises(ComityError):
        open_checkpoint(note, LEDGER)
    with contextlib.suppress(ComityError):
        parse_unverified(note)


@given(st.text(max_size=80) | st.text(max_size=40).map(lambda t: f"{ORIGIN}+00000000+{t}"))
def test_whatever_the_text_only_our_errors_come_out(text: str) -> None:
    with pytest.raises(ComityError):
        parse_verifier_key(text)
    with contextlib.suppress(ComityError):
        parse_origin(text)
