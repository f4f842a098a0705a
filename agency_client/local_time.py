"""The time zone of this machine by its IANA name, as far as it tells."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import available_timezones

LOCAL_TIME = Path("/etc/localtime")
_ZONES = "zoneinfo/"


def local_zone(link: Path = LOCAL_TIME) -> str:
    """The zone that the environment or the system names; empty where neither does, or for UTC."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if not named:
        named = str(link.resolve()).rpartition(_ZONES)[2] if link.exists() else ""
    is_place = "/" in named and not named.startswith("Etc/")  # those only stand for an offset
    return named if is_place and named in available_timezones() else ""
