"""What `comity status` says of the agency's membership and keys, by the roster it has verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from agency_client.agency import Agency
from agency_client.cli.output import safe
from agency_client.profile import CERTIFICATE
from agency_client.standing import Standing, find_standing
from comity.v1 import agencies_pb2 as pb
from comity.v1 import ledger_pb2
from tests.unit.members import FRANCE, Member


def change(member: Member, status: pb.AgencyStatus.ValueType, reason: str) -> int:
    entry = ledger_pb2.RosterEntry(
        predecessor=member.ledger.roster[-1],
        agency=pb.Agency(agency_id=FRANCE, status=status),
        reason=reason,
    )
    member.ledger.roster.append(member.ledger.append(roster=entry))
    return member.ledger.roster[-1]


def enter_certificate(member: Member) -> str:
    pem = member.profile.path(CERTIFICATE).read_bytes()
    key_id = x509.load_pem_x509_certificate(pem).fingerprint(SHA256()).hex()
    member.enter([pb.AgencyKey(key_id=key_id, purpose=pb.KEY_PURPOSE_TLS)], [])
    return key_id


async def standing_of(agency: Agency, *, is_refused: bool = False) -> Standing:
    await agency.client.refresh_roster()
    return find_standing(agency, is_refused=is_refused, reads_keys=True)


@pytest.mark.parametrize(
    ("status", "word", "next_step"),
    [
        (pb.AGENCY_STATUS_SUSPENDED, "suspended", "reinstate"),
        (pb.AGENCY_STATUS_REVOKED, "revoked", "for good"),
        (pb.AGENCY_STATUS_LEFT, "left", "for good"),
    ],
)
async def test_who_is_out_reads_since_which_entry_why_and_what_next(
    tmp_path: Path, status: pb.AgencyStatus.ValueType, word: str, next_step: str
) -> None:
    member = Member(tmp_path)
    index = change(member, status, "Sample\x1b[2J reason")
    change(member, status, "Described since")

    said = (await standing_of(member.opened())).words(safe)["membership"]

    assert said.startswith(f"{word} by entry {index}: ")
    assert "Described since" not in said
    assert next_step in said
    assert "\x1b" not in said


async def test_an_active_member_with_its_own_keys_has_nothing_to_do(tmp_path: Path) -> None:
    member = Member(tmp_path)
    enter_certificate(member)

    standing = await standing_of(member.opened())

    assert standing.document()["membership"]["status"] == "ACTIVE"
    assert (standing.is_signing_key_current, standing.is_certificate_current) == (True, True)
    assert not any("Next" in words for words in standing.words(safe).values())


async def test_a_hub_that_refuses_a_member_is_believed_more_than_what_is_known(
    tmp_path: Path,
) -> None:
    standing = await standing_of(Member(tmp_path).opened(), is_refused=True)

    assert "no longer, says the hub. Next: ask" in standing.words(safe)["membership"]


async def test_keys_that_have_ended_are_not_current(tmp_path: Path) -> None:
    member = Member(tmp_path)
    certificate_id = enter_certificate(member)
    [key] = member.profile.load_signing_keys()
    member.enter([], [certificate_id, key.public.key_id])

    standing = await standing_of(member.opened())

    assert (standing.is_signing_key_current, standing.is_certificate_current) == (False, False)
    for name in ("isSigningKeyCurrent", "isCertificateCurrent"):
        assert "comity enrol" in standing.words(safe)[name]


def test_what_is_not_known_is_not_guessed(tmp_path: Path) -> None:
    standing = find_standing(Member(tmp_path).opened(), is_refused=False, reads_keys=True)

    assert set(standing.document().values()) == {None}
    assert set(standing.words(safe).values()) == {"?"}
