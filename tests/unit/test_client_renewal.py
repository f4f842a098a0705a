"""Renewing a certificate: cut off at any step the profile works, and the next run completes it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client import membership, renewal, runner
from agency_client.application import NewKeys
from agency_client.locks import KEYS_LOCK, held_alone
from agency_client.profile import CERTIFICATE, TLS_KEY
from agency_client.renewal import finish_renewal, is_renewal_due, renew
from agency_client.tls_pair import NEW_TLS_KEY, load_tls_pair
from comity.errors import ApplicationInvalid, CertificateRefused, HubUnreachable, MalformedInput
from comity.v1 import membership_pb2 as pb
from tests.unit.members import Cut, Heard, Interrupted, Member
from tests.unit.small_ledger import NOW
from tests.unit.test_application import AUTHORITY, Authority, _pem

PASSPHRASE = b"correct horse"
STEPS = 4  # a new key on disk, the request, the certificate on disk, the key in its place


def cut_off(monkeypatch: pytest.MonkeyPatch, cut: Cut) -> None:
    for name in ("write_whole_secret", "write_whole", "take_place"):
        monkeypatch.setattr(renewal, name, cut.wrapped(getattr(renewal, name)))
    monkeypatch.setattr(
        renewal, "renew_certificate", cut.wrapped_call(membership.renew_certificate)
    )


@pytest.mark.parametrize("new", [NewKeys(), NewKeys(passphrase=PASSPHRASE)], ids=["", "encrypted"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
async def test_renewing_goes_on_where_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, after: bool, new: NewKeys
) -> None:
    member = Member(tmp_path, new=new)
    before = member.profile.path(CERTIFICATE).read_bytes()
    with monkeypatch.context() as patched:
        cut_off(patched, Cut(step, after=after))
        with pytest.raises(Interrupted):
            await renew(member.opened())

    assert load_tls_pair(member.profile, new.passphrase).fits
    finish_renewal(member.profile, new.passphrase)
    await renew(member.opened())

    pair = load_tls_pair(member.profile, new.passphrase)
    assert pair.fits
    assert pair.certificate_pem != before
    assert pair.key_path == member.profile.path(TLS_KEY)
    assert not member.profile.path(NEW_TLS_KEY).exists()
    assert (b"ENCRYPTED" in member.profile.path(TLS_KEY).read_bytes()) == bool(new.passphrase)
    assert member.profile.path(TLS_KEY).stat().st_mode & 0o077 == 0


async def test_a_cut_off_renewal_is_over_once_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(tmp_path)
    with monkeypatch.context() as patched:
        cut_off(patched, Cut(STEPS, after=False))
        with pytest.raises(Interrupted):
            await renew(member.opened())
    assert load_tls_pair(member.profile).key_path.name == NEW_TLS_KEY

    assert finish_renewal(member.profile, None) is None

    assert load_tls_pair(member.profile).key_path.name == TLS_KEY
    assert member.renewals == 1


@pytest.mark.parametrize("fault", ["key", "agency", "authority", "garbage"])
async def test_a_certificate_that_is_not_ones_own_is_not_taken(tmp_path: Path, fault: str) -> None:
    member = Member(tmp_path)
    before = member.profile.path(CERTIFICATE).read_bytes()

    def lie(request: pb.RenewCertificateRequest) -> pb.RenewCertificateResponse:
        key = member.profile.load_tls_key().public_key()
        honest = member.renew(request).certificate
        certificates = {
            "key": _pem(AUTHORITY.issue(key)),
            "agency": _pem(AUTHORITY.issue(key, agency="BR-NCB")),
            "authority": _pem(Authority().issue(key)),
            "garbage": honest[:100],
        }
        return pb.RenewCertificateResponse(certificate=certificates[fault])

    member.hub.answers["RenewCertificate"] = lie

    with pytest.raises(ApplicationInvalid):
        await renew(member.opened())
    assert before == member.profile.path(CERTIFICATE).read_bytes()
    assert load_tls_pair(member.profile).fits


async def test_two_processes_do_not_renew_at_once(tmp_path: Path) -> None:
    member = Member(tmp_path)

    with held_alone(member.profile, KEYS_LOCK), pytest.raises(MalformedInput, match="Another"):
        await renew(member.opened())


def test_a_certificate_is_renewed_at_two_thirds_of_its_life(tmp_path: Path) -> None:
    member = Member(tmp_path)
    agency = member.opened()
    member.now = NOW + timedelta(days=60) - timedelta(seconds=1)
    assert not is_renewal_due(agency)
    member.now += timedelta(seconds=1)

    assert is_renewal_due(agency)

    member.profile.path(CERTIFICATE).write_text("damaged")
    with pytest.raises(CertificateRefused):
        is_renewal_due(agency)


async def looked(
    member: Member, monkeypatch: pytest.MonkeyPatch, *, times: int
) -> tuple[list[str], list[float]]:
    """Lets the runner look after the keys so often; what it said, and how long it waited."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == times:
            raise Interrupted

    heard = Heard()
    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(Interrupted):
        await runner._keep_keys(member.opened(), heard)
    return heard.said, waited


async def test_a_renewal_that_fails_is_trouble_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(tmp_path)
    member.now = NOW + timedelta(days=61)
    member.hub.answers["RenewCertificate"] = lambda _: HubUnreachable("Away.")

    said, waited = await looked(member, monkeypatch, times=2)

    assert said == ["keys: Away."] * 2
    assert waited == [runner.LOOK_AT_KEYS_SECONDS] * 2


async def test_a_clock_that_is_wrong_does_not_renew_every_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(tmp_path)
    member.now = NOW + timedelta(days=61)

    said, waited = await looked(member, monkeypatch, times=1)

    assert said[0] == "renewed"
    assert "clock" in said[1]
    assert waited == [runner.WRONG_CLOCK_SECONDS]


async def test_nothing_is_renewed_before_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(tmp_path)

    said, waited = await looked(member, monkeypatch, times=1)

    assert (said, waited) == ([], [runner.LOOK_AT_KEYS_SECONDS])
    assert member.renewals == 0
