"""The hub's configuration: one TOML file. Unknown keys are refused, secrets are named by path."""

from __future__ import annotations

import os
import tomllib
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

from comity.errors import ComityError, MalformedInput, Violation
from comity.identity import AgencyId, parse_agency_id, parse_hub_domain

SETTINGS_FILE = "hub.toml"
# Serving keeps one core busy; more than two verifiers have nothing to do.
DEFAULT_VERIFIERS = min(2, os.cpu_count() or 1)
ACCESS_KEEP_DAYS = 3 * 365  # the design's three years; a hub's law may say otherwise


@dataclass(frozen=True, slots=True)
class Settings:
    """What `hub.toml` says. Paths are resolved against the file's folder."""

    folder: Path
    domain: str
    agency: AgencyId
    listen: str
    public_address: str
    database_url: str
    ca_certificate: Path
    ca_key: Path
    tls_certificate: Path
    tls_key: Path
    ledger_key: Path
    reflection: bool = False
    access_keep_days: int = ACCESS_KEEP_DAYS
    verifiers: int = DEFAULT_VERIFIERS

    def listening_on(self, address: str) -> Settings:
        """The same settings for another address."""
        return replace(self, listen=address)


_PATHS = ("ca_certificate", "ca_key", "tls_certificate", "tls_key", "ledger_key")
_KINDS: dict[str, type] = {"reflection": bool, "access_keep_days": int, "verifiers": int}


def load_settings(path: Path) -> Settings:
    """Loads the settings from a file, or from the `hub.toml` of a folder.

    Raises: MalformedInput with every key at fault.
    """
    file = path / SETTINGS_FILE if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise MalformedInput(f"{file} cannot be read: {error.strerror}.") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MalformedInput(f"{file} is not TOML: {error}.") from error
    return parse_settings(values, folder=file.parent.resolve())


def parse_settings(values: dict[str, Any], *, folder: Path) -> Settings:
    """Settings from the values of a file.

    Raises: MalformedInput with every key at fault.
    """
    violations = _key_violations(values) + _value_violations(values)
    if violations:
        raise MalformedInput("The hub's configuration is wrong.", violations=violations)
    paths = {name: folder / values[name] for name in _PATHS}
    url = str(values["database_url"])
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        url = f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
    return Settings(**{**values, **paths, "folder": folder, "database_url": url})


def _key_violations(values: dict[str, Any]) -> list[Violation]:
    known = {field.name: field for field in fields(Settings) if field.name != "folder"}
    unknown = [Violation(key, "is not a key of the configuration") for key in values.keys() - known]
    missing = [
        Violation(name, "is missing")
        for name, field in known.items()
        if field.default is MISSING and name not in values
    ]
    return sorted(unknown, key=lambda v: v.field) + missing


def _value_violations(values: dict[str, Any]) -> list[Violation]:
    violations = [
        Violation(key, f"is not a {_KINDS.get(key, str).__name__}")
        for key, value in values.items()
        if type(value) is not _KINDS.get(key, str)
    ]
    for key, parse in (("domain", parse_hub_domain), ("agency", parse_agency_id)):
        if isinstance(values.get(key), str):
            try:
                parse(values[key])
            except ComityError as error:
                violations.append(Violation(key, error.message))
    return violations
