"""`[recall]` in the profile's file: what the agency's law demands to keep of what is recalled.

Without it copies are deleted.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.inbox import Retention
from agency_client.profile import PROFILE_FILE, Profile
from comity.errors import MalformedInput, Violation

MAX_RETAINED_DAYS = 36_525  # a century: more is a slip of the hand
_KEYS = ("retain_provision", "retain_days")


@dataclass(frozen=True, slots=True)
class RecallSettings:
    """A provision that demands to keep every notice that is recalled for so many days; an empty one
    demands nothing."""

    retain_provision: str = ""
    retain_days: int = 0

    def retention(self, begun_at: datetime) -> Retention | None:
        """Why a notice is kept that is recalled then, and until when; None where it is not."""
        if not self.retain_provision:
            return None
        until = (begun_at + timedelta(days=self.retain_days)).date()
        return Retention(self.retain_provision, until.isoformat())


def load_recall_settings(profile: Profile) -> RecallSettings:
    """What the profile says of recalls.

    Raises: MalformedInput naming every setting at fault.
    """
    path = profile.path(PROFILE_FILE)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8")).get("recall", {})
    except FileNotFoundError:
        return RecallSettings()
    except (OSError, ValueError) as error:
        raise MalformedInput(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise MalformedInput(f"{path}: [recall] is no table.")
    faults = [Violation(f"recall.{key}", "is not known") for key in values if key not in _KEYS]
    provision, days = values.get("retain_provision", ""), values.get("retain_days", 0)
    if not isinstance(provision, str):
        faults.append(Violation("recall.retain_provision", "is no text"))
    is_count = isinstance(days, int) and not isinstance(days, bool)
    if not is_count or not 0 <= days <= MAX_RETAINED_DAYS:
        faults.append(Violation("recall.retain_days", f"is not from 0 to {MAX_RETAINED_DAYS}"))
    elif bool(provision) != bool(days):
        faults.append(Violation("recall", "takes retain_provision and retain_days together"))
    if faults:
        raise MalformedInput(f"{path} has settings at fault.", violations=faults)
    return RecallSettings(provision, days)
