"""The zone of this machine: as the environment or the system names it, else none."""

from __future__ import annotations

from pathlib import Path

import pytest

from agency_client.local_time import local_zone


@pytest.mark.parametrize(
    ("named", "zone"),
    [
        ("Africa/Nairobi", "Africa/Nairobi"),
        (":Asia/Tokyo", "Asia/Tokyo"),
        ("CET-1CEST", ""),
        ("Etc/UTC", ""),
    ],
)
def test_the_environment_names_a_zone(
    monkeypatch: pytest.MonkeyPatch, named: str, zone: str
) -> None:
    monkeypatch.setenv("TZ", named)

    assert zone == local_zone()


def test_the_system_names_a_zone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TZ", raising=False)
    file = tmp_path / "zoneinfo" / "America" / "Sao_Paulo"
    file.parent.mkdir(parents=True)
    file.touch()
    link = tmp_path / "localtime"
    link.symlink_to(file)

    assert local_zone(link) == "America/Sao_Paulo"
    assert local_zone(tmp_path / "nothing") == ""
