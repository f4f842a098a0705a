"""The hub's folder: what is written is on disk, private, and never over something else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from comity.errors import MalformedInput
from comity.identity import AgencyId
from hub.certificates import (
    CertificateAuthority,
    certificate_id_of,
    generate_tls_key,
    make_ca_certificate,
)
from hub.files import write_private, write_public
from hub.folder import (
    NewHub,
    find_certificate,
    held_alone,
    keep_certificate,
    load_authority,
    make_database_file,
    make_keys,
    new_folder,
    require_serving_files,
    settings_for,
)
from hub.settings import Settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FRANCE = AgencyId("FR-NCB")


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def settings_in(folder: Path) -> Settings:
    new = NewHub("hub.example", AgencyId("ZZ-HUB"), "127.0.0.1:0", "h:1", "sqlite:///hub.sqlite")
    return settings_for(folder, new)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


# --- writing ------------------------------------------------------------------------------------


def test_a_file_and_its_name_are_synced_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, list[str]]] = []

    def record(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        synced.append((path, [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")]))

    monkeypatch.setattr(os, "fsync", record)

    write_private(tmp_path / "key.pem", b"sample")

    [(file, before), (folder, after)] = synced
    assert file.parent == tmp_path
    assert (before, folder, after) == ([], tmp_path, ["key.pem"])


def test_a_file_is_not_written_over(tmp_path: Path) -> None:
    write_private(tmp_path / "key.pem", b"first")

    with pytest.raises(FileExistsError):
        write_private(tmp_path / "key.pem", b"second")

    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("key.pem", b"first")]


def test_nothing_is_left_of_what_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "key.pem", b"sample")

    assert list(tmp_path.iterdir()) == []


def test_modes_are_what_was_meant_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_public(tmp_path / "ca.pem", b"sample")
    finally:
        os.umask(before)
    write_private(tmp_path / "key.pem", b"sample")

    assert (mode_of(tmp_path / "ca.pem"), mode_of(tmp_path / "key.pem")) == (0o644, 0o600)


# --- a new folder -------------------------------------------------------------------------------


def test_a_folder_that_is_there_is_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    with new_folder(tmp_path):
        assert mode_of(tmp_path) == 0o700


@pytest.mark.parametrize("was_there", [True, False])
def test_what_fails_leaves_nothing(tmp_path: Path, was_there: bool) -> None:
    folder = tmp_path / "hub"
    if was_there:
        (folder / "lost+found").mkdir(parents=True)

    with pytest.raises(RuntimeError), new_folder(folder):
        make_keys(settings_in(folder), now=NOW)
        (folder / "agency").mkdir()
        write_private(folder / "agency" / "key.pem", b"sample")
        raise RuntimeError

    assert was_there == folder.exists()
    if was_there:
        assert {p.name for p in folder.iterdir()} <= {"lost+found", "hub.lock"}


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ca-key.pem").write_text("sample")

    with pytest.raises(MalformedInput, match="not empty"), new_folder(tmp_path):
        pass

    assert (tmp_path / "ca-key.pem").read_text() == "sample"


def test_a_folder_is_made_by_one_process_at_a_time(tmp_path: Path) -> None:
    with held_alone(tmp_path), pytest.raises(MalformedInput), new_folder(tmp_path):
        pass


def test_the_file_of_the_database_is_its_owners_alone(tmp_path: Path, umask: None) -> None:
    make_database_file(settings_in(tmp_path))

    assert mode_of(tmp_path / "hub.sqlite") == 0o600


# --- files that serve ---------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path)
    make_keys(made, now=NOW)
    make_database_file(made)
    return made


def test_new_keys_serve(settings: Settings) -> None:
    certificate = require_serving_files(settings, now=NOW)

    certificate.verify_directly_issued_by(load_authority(settings).certificate)


@pytest.mark.parametrize("name", ["tls-key.pem", "ledger-key.pem"])
def test_a_key_that_others_can_read_does_not_serve(settings: Settings, name: str) -> None:
    (settings.folder / name).chmod(0o640)

    with pytest.raises(MalformedInput, match=f"{name} can be read by others"):
        require_serving_files(settings, now=NOW)


@pytest.mark.parametrize("name", ["tls-key.pem", "tls.pem", "ledger-key.pem", "ca.pem"])
@pytest.mark.parametrize("content", [None, "junk"])
def test_a_file_that_is_missing_or_spoilt_is_named(
    settings: Settings, name: str, content: str | None
) -> None:
    path = settings.folder / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content)

    with pytest.raises(MalformedInput, match=name.replace(".", r"\.")):
        require_serving_files(settings, now=NOW)


def test_a_database_that_others_can_reach_does_not_serve(settings: Settings) -> None:
    (settings.folder / "hub.sqlite").chmod(0o644)

    settings.folder.chmod(0o755)
    with pytest.raises(MalformedInput, match=r"hub\.sqlite can be read by others"):
        require_serving_files(settings, now=NOW)
    settings.folder.chmod(0o700)
    require_serving_files(settings, now=NOW)


def test_an_authority_whose_key_is_anothers_is_refused(settings: Settings) -> None:
    settings.ca_key.write_bytes(settings.tls_key.read_bytes())

    with pytest.raises(MalformedInput, match=r"ca-key\.pem and ca\.pem"):
        load_authority(settings)


# --- certificates of agencies -------------------------------------------------------------------


def test_a_kept_certificate_is_found_by_its_fingerprint_only(settings: Settings) -> None:
    key = generate_tls_key()
    authority = CertificateAuthority(
        make_ca_certificate(key, hub_domain="hub.example", now=NOW), key
    )
    certificate = authority.sign_agency(
        generate_tls_key().public_key(), agency=FRANCE, hub_domain="hub.example", now=NOW
    )
    path = keep_certificate(settings, FRANCE, certificate)
    certificate_id = certificate_id_of(certificate)

    assert certificate == find_certificate(settings, FRANCE, certificate_id)
    assert find_certificate(settings, FRANCE, "0" * 64) is None
    path.write_text("junk")
    with pytest.raises(MalformedInput, match="no certificate"):
        find_certificate(settings, FRANCE, certificate_id)
