"""Admitting: an admission that went wrong on its way can be made again, and is the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from comity.applicant import generate_applicant_keys
from comity.errors import AgencyExists, StoreUnavailable
from comity.keys import ED25519
from hub.administration import Administration, load_application
from hub.folder import CERTIFICATES, load_fingerprints
from hub.settings import load_settings
from tests.unit.hub_command import (
    DOMAIN,
    agencies_in,
    comity_hub,
    init,
    require_exit,
    write_application,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    require_exit(init(tmp_path / "hub"), 0)
    return tmp_path / "hub"


@pytest.fixture
def application(tmp_path: Path) -> Path:
    return write_application(tmp_path / "application.json")


def add(folder: Path, application: Path, out: Path, *, code: int = 0) -> str:
    options = ("--application", str(application), "--out", str(out))
    added = comity_hub("agency", "add", "--yes", *options, folder=folder)
    require_exit(added, code)
    return added.output


def kept_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / CERTIFICATES).glob("FR-*"))


def test_the_same_application_gives_the_same_admission_again(
    folder: Path, application: Path, tmp_path: Path
) -> None:
    add(folder, application, tmp_path / "first.json")
    add(folder, application, tmp_path / "second.json")

    assert (tmp_path / "first.json").read_text() == (tmp_path / "second.json").read_text()
    assert sorted(agencies_in(folder)) == ["FR-NCB", "ZZ-HUB"]
    assert len(kept_in(folder)) == 1


def test_an_answer_that_cannot_be_written_can_be_written_later(
    folder: Path, application: Path, tmp_path: Path
) -> None:
    refused = add(folder, application, Path("/dev/full"), code=1)
    assert "again" in refused

    add(folder, application, tmp_path / "answer.json")

    assert json.loads((tmp_path / "answer.json").read_text())["agencyId"] == "FR-NCB"


@pytest.mark.parametrize("out", ["nonexistent/x.json", "."])
def test_nobody_is_admitted_when_the_answer_has_no_place(
    folder: Path, application: Path, tmp_path: Path, out: str
) -> None:
    add(folder, application, tmp_path / out, code=2)

    assert agencies_in(folder) == ["ZZ-HUB"]


def test_another_application_of_a_member_is_refused(
    folder: Path, application: Path, tmp_path: Path
) -> None:
    add(folder, application, tmp_path / "first.json")
    kept = kept_in(folder)

    other = write_application(tmp_path / "other.json")
    refused = add(folder, other, tmp_path / "second.json", code=1)

    assert "AGENCY_EXISTS" in refused
    assert kept == kept_in(folder)
    assert not (tmp_path / "second.json").exists()


def test_the_digest_of_the_application_is_printed_for_comparison(
    folder: Path, application: Path, tmp_path: Path
) -> None:
    digest = load_application(application, hub_domain=DOMAIN).digest

    assert digest.hex() in add(folder, application, tmp_path / "answer.json")


Commit = Callable[..., Coroutine[Any, Any, object]]


def losing_the_answer(commit: Commit) -> Commit:
    async def lose(*arguments: object) -> object:
        await commit(*arguments)
        raise StoreUnavailable

    return lose


def losing_everything(_commit: Commit) -> Commit:
    async def lose(*_arguments: object) -> object:
        raise StoreUnavailable

    return lose


@pytest.mark.parametrize("losing", [losing_the_answer, losing_everything])
async def test_an_admission_whose_commit_was_cut_off_is_made_again(
    folder: Path,
    application: Path,
    monkeypatch: pytest.MonkeyPatch,
    losing: Callable[[Commit], Commit],
) -> None:
    verified = load_application(application, hub_domain=DOMAIN)
    async with Administration(load_settings(folder), clock=now) as administration:
        with monkeypatch.context() as cut_off, pytest.raises(StoreUnavailable):
            cut_off.setattr(administration, "commit", losing(administration.commit))
            await administration.admit(verified)

        answer = await administration.admit(verified)

        members = [agency.agency_id for agency in await administration.members()]
        assert members == ["FR-NCB", "ZZ-HUB"]
        assert answer == await administration.admit(verified)


async def test_a_certificate_that_is_not_kept_is_not_signed_a_second_time(
    folder: Path, application: Path
) -> None:
    verified = load_application(application, hub_domain=DOMAIN)
    async with Administration(load_settings(folder), clock=now) as administration:
        await administration.admit(verified)
        [kept] = kept_in(folder)
        (folder / CERTIFICATES / kept).unlink()

        with pytest.raises(AgencyExists):
            await administration.admit(verified)

    assert kept_in(folder) == []


async def test_agencies_that_share_their_keys_have_certificates_of_their_own(
    folder: Path, tmp_path: Path
) -> None:
    keys = generate_applicant_keys([ED25519])
    france = write_application(tmp_path / "fr.json", keys=keys)
    brazil = write_application(tmp_path / "br.json", "BR-NCB", keys=keys)
    async with Administration(load_settings(folder), clock=now) as administration:
        answers = [
            await administration.admit(load_application(path, hub_domain=DOMAIN))
            for path in (france, brazil)
        ]

    assert [answer.agency_id for answer in answers] == ["FR-NCB", "BR-NCB"]
    assert answers[0].certificate != answers[1].certificate


def now() -> datetime:
    return datetime.now(UTC)


def test_an_application_that_was_not_compared_is_not_admitted(
    folder: Path, application: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out.json")
    options = ("--application", str(application), "--out", out)
    digest = load_application(application, hub_domain=DOMAIN).digest.hex()

    require_exit(comity_hub("agency", "add", *options, folder=folder), 2)
    require_exit(comity_hub("agency", "add", *options, "--sha256", "00" * 32, folder=folder), 1)
    assert "FR-NCB" not in agencies_in(folder)

    told = digest.upper()
    require_exit(comity_hub("agency", "add", *options, "--sha256", told, folder=folder), 0)
    assert "FR-NCB" in agencies_in(folder)


def test_hub_and_agency_print_what_they_compare_under_the_same_names(folder: Path) -> None:
    checked = comity_hub("check-config", folder=folder)

    authority, ledger_key = load_fingerprints(load_settings(folder))
    assert f"  authority   {authority}\n  ledger key  {ledger_key}\n" in checked.output
