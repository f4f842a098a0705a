"""How long a client waits before it tries again."""

from __future__ import annotations

from pathlib import Path

import pytest

from agency_client.channel import MAX_DELAY_SECONDS, HubChannel
from agency_client.profile import Profile
from comity.errors import ComityError, HubUnreachable, QuotaExceeded
from comity.identity import AgencyId


@pytest.mark.parametrize(
    ("failure", "waited"),
    [
        (None, 2.0),
        (QuotaExceeded(), 2.0),
        (QuotaExceeded(retry_after_seconds=3.0), 5.0),
        (QuotaExceeded(retry_after_seconds=-1e9), 2.0),
        (QuotaExceeded(retry_after_seconds=1e9), MAX_DELAY_SECONDS + 2.0),
    ],
    ids=["no failure", "nothing asked", "asked", "less than nothing asked", "for ever asked"],
)
async def test_a_pause_is_as_long_as_was_asked_within_bounds(
    tmp_path: Path, failure: ComityError | None, waited: float
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    profile = Profile(tmp_path, AgencyId("FR-NCB"), "hub.example", "127.0.0.1:1")
    channel = HubChannel(profile, sleep=sleep, uniform=lambda _, most: most)

    await channel.pause(2.0, failure)

    assert [waited] == pauses


async def test_a_hub_that_answers_again_is_waited_for_until_it_is_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    class Reconnecting:
        async def channel_ready(self) -> None:
            happened.append("connected")

    async def sleep(_: float) -> None:
        happened.append("slept")

    profile = Profile(tmp_path, AgencyId("FR-NCB"), "hub.example", "127.0.0.1:1")
    channel = HubChannel(profile, sleep=sleep)
    monkeypatch.setattr(channel, "_current", Reconnecting)

    await channel.pause(0.25, HubUnreachable())
    await channel.pause(0.25, HubUnreachable(retry_after_seconds=0.0))

    assert happened == ["slept", "connected", "slept"]
