"""The profile's folder: what may be read by others, and what is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from agency_client.disk import PRIVATE_MODE, read_secret, write_secret, write_whole
from agency_client.profile import (
    CERTIFICATE,
    ENROLMENT,
    HUB_CA,
    PROFILE_FILE,
    Profile,
    default_folder,
    load_profile,
    make_folder,
    save_profile,
)
from comity.checkpoint import LedgerKey, origin_line
from comity.errors import MalformedInput
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key


def make_profile(folder: Path) -> Profile:
    return Profile(folder, AgencyId("FR-NCB"), "hub.example", "127.0.0.1:8443")


def make_key(epoch: int = 1) -> LedgerKey:
    return LedgerKey(origin_line("hub.example", epoch), generate_private_key(ED25519).public)


def test_a_profile_is_read_as_it_was_saved(tmp_path: Path) -> None:
    profile = make_profile(tmp_path / "fr")
    make_folder(profile.folder)
    save_profile(profile)

    assert load_profile(profile.folder) == profile
    assert stat.S_IMODE(profile.folder.stat().st_mode) == 0o700


def test_a_second_profile_is_not_made_in_the_same_folder(tmp_path: Path) -> None:
    save_profile(make_profile(tmp_path))

    with pytest.raises(MalformedInput, match="holds a profile already"):
        make_folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('agency = "FR-NCB"\nhub_domain = "hub.example"\n', "lacks 'hub_address'"),
        ('agency = "fr"\nhub_domain = "hub.example"\nhub_address = "h:1"\n', "agency id"),
        ('agency = "FR-NCB"\nhub_domain = "Hub"\nhub_address = "h:1"\n', "DNS name"),
        (
            'agency = "FR-NCB"\nhub_domain = "h.example"\nhub_address = "h:1"\nx = 1\n',
            "not known: x",
        ),
        ("agency = ", "cannot be read"),
        ("agency = 7\nhub_domain = 1\nhub_address = 2\n", "cannot be read"),
    ],
)
def test_a_profile_that_says_something_else_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / PROFILE_FILE).write_text(text)

    with pytest.raises(MalformedInput, match=said):
        load_profile(tmp_path)


def test_where_there_is_none_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="comity init"):
        load_profile(tmp_path)


@pytest.mark.threat("T70")
def test_secrets_are_for_their_owner_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_secret(path, b"secret")

    assert stat.S_IMODE(path.stat().st_mode) == PRIVATE_MODE
    assert read_secret(path) == b"secret"
    with pytest.raises(MalformedInput, match="not written over"):
        write_secret(path, b"other")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
@pytest.mark.threat("T54")
def test_a_secret_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    write_secret(path, b"secret")
    path.chmod(mode)

    with pytest.raises(MalformedInput, match="chmod 600"):
        read_secret(path)


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"key\.pem cannot be read"):
        read_secret(tmp_path / "key.pem")


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")
    write_whole(path, "new")

    assert path.read_text() == "new"
    assert [path] == list(tmp_path.iterdir())


def test_the_name_of_a_file_is_on_disk_when_its_writing_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))

    make_folder(tmp_path / "folder")
    assert synced[-1:] == [tmp_path.stat().st_ino]
    write_secret(tmp_path / "secret", b"content")
    assert synced[2:] == [tmp_path.stat().st_ino]
    write_whole(tmp_path / "whole", "content")
    assert synced[4:] == [tmp_path.stat().st_ino]


def test_ledger_keys_are_kept_in_order_and_once(tmp_path: Path) -> None:
    profile = make_profile(tmp_path)
    for name in (CERTIFICATE, HUB_CA):
        profile.path(name).write_text("x")
    first, second = make_key(1), make_key(2)
    for key in (first, second, second):
        profile.add_ledger_key(key)

    assert [first.origin, second.origin] == [key.origin for key in profile.load_ledger_keys()]


def test_a_profile_that_has_not_joined_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="comity join"):
        make_profile(tmp_path).load_ledger_keys()


def test_a_profile_that_waits_for_approval_says_what_to_do(tmp_path: Path) -> None:
    profile = make_profile(tmp_path)
    profile.path(ENROLMENT).write_text("{}")

    with pytest.raises(MalformedInput, match=r"waits for approval.*comity enrol"):
        profile.require_joined()


def test_profiles_lie_where_the_platform_keeps_data_unless_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COMITY_HOME", str(tmp_path))
    assert default_folder("fr") == tmp_path / "fr"
    monkeypatch.delenv("COMITY_HOME")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert default_folder() == tmp_path / "share" / "comity" / "default"
    monkeypatch.setattr("sys.platform", "darwin")
    assert default_folder().parts[-4:] == ("Library", "Application Support", "comity", "default")
