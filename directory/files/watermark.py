"""What every exported file says of itself: its handling, for whom it was made, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from directory.catalogue.names import catalogue


@dataclass(frozen=True, slots=True)
class Watermark:
    """Who exported, when and on which request of the hub's log."""

    agency: str
    officer: str
    at: datetime
    request: str

    def text(self, language: str) -> str:
        """On one line, in a language of the directory's."""
        said = catalogue(language)["export"]
        exported = said["exported"].format(self.agency, self.officer, self._time, self.request)
        return f"{said['handling']}. {exported}."

    def head(self) -> Mapping[str, str]:
        """The same field by field, in English."""
        return {
            "handling": catalogue("en")["export"]["handling"],
            "agency": self.agency,
            "officer": self.officer,
            "exportedAt": f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "request": self.request,
        }

    @property
    def _time(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
