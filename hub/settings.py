"""The hub's configuration: one TOML file. Unknown keys are refused, secrets are named by path."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from comity.errors import ComityError, MalformedInput, Violation
from comity.identity import AgencyId, parse_agency_id, parse_hub_domain
from hub.identity.keycloak.realm import Realm, realm_faults, realm_from_values

SETTINGS_FILE = "hub.toml"
# Serving keeps one core busy; more than two verifiers have nothing to do.
DEFAULT_VERIFIERS = min(2, os.cpu_count() or 1)
MAX_VERIFIERS = 64  # the cores of a large machine; each takes some 45 MB of memory
ACCESS_KEEP_DAYS = 3 * 365  # the design's three years; a hub's law may say otherwise
MAX_ACCESS_KEEP_DAYS = 36_500  # a century: as good as for ever, and within every calendar
MAX_PORT = 65_535
OTHERS = 0o077  # the bits of a mode that let group and others in

_SQLITE, _POSTGRESQL = "sqlite:///", "postgresql://"
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Settings:
    """What `hub.toml` says. Paths are resolved against the file's folder.

    Where `enrol_listen` is empty, nobody enrols over the network; where `policy` is None, what is
    built in says what notices need and which are reviewed.
    """

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
    enrol_listen: str = ""
    reflection: bool = False
    access_keep_days: int = ACCESS_KEEP_DAYS
    verifiers: int = DEFAULT_VERIFIERS
    policy: Path | None = None
    keycloak: Realm | None = None

    @property
    def database_file(self) -> Path | None:
        """The file of a database on SQLite."""
        is_file = self.database_url.startswith(_SQLITE)
        return Path(self.database_url.removeprefix(_SQLITE)) if is_file else None

    def listening_on(self, address: str) -> Settings:
        """The same settings for another address.

        Raises: MalformedInput where it is none, or has the port that agencies enrol at.
        """
        fault = _address_fault(address, lowest_port=0)
        violations = [Violation("listen", fault)] if fault else []
        if violations := violations or _port_violations(address, self.enrol_listen):
            raise MalformedInput(violations=violations)
        return replace(self, listen=address)


_PATHS = ("ca_certificate", "ca_key", "tls_certificate", "tls_key", "ledger_key")
_KINDS: dict[str, type] = {
    "reflection": bool,
    "access_keep_days": int,
    "verifiers": int,
    "keycloak": dict,
}


def load_settings(path: Path) -> Settings:
    """Loads the settings from a file, or from the `hub.toml` of a folder.

    Raises: MalformedInput with every key at fault, or where others can read a password in it.
    """
    file = path / SETTINGS_FILE if path.is_dir() or not path.exists() else path
    if not file.exists():
        raise MalformedInput(f"{path} holds no hub; 'comity-hub init' makes one.")
    try:
        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise MalformedInput(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # what is not UTF-8 is no TOML either
        raise MalformedInput(f"{file} is not TOML: {error}.") from error
    settings = parse_settings(values, folder=file.parent.resolve())
    if _holds_password(settings.database_url):
        require_private(file)
    return settings


def require_private(path: Path) -> None:
    """Refuses a file that group or others can read: by its own mode, in a folder that lets them in.

    Raises: MalformedInput.
    """
    if path.stat().st_mode & OTHERS and path.parent.stat().st_mode & OTHERS:
        raise MalformedInput(f"{path} can be read by others; chmod 600 it.")


def _holds_password(url: str) -> bool:
    parts = urlsplit(url)
    return parts.password is not None or "password" in parse_qs(parts.query)


def parse_settings(values: dict[str, Any], *, folder: Path) -> Settings:
    """Settings from the values of a file.

    Raises: MalformedInput with every key at fault.
    """
    violations = _key_violations(values) + _value_violations(values)
    violations += _port_violations(values.get("listen"), values.get("enrol_listen"))
    if violations:
        raise MalformedInput("The hub's configuration is wrong.", violations=violations)
    paths = {name: folder / values[name] for name in _PATHS}
    if "policy" in values:
        paths["policy"] = folder / values["policy"]
    url = str(values["database_url"])
    if url.startswith(_SQLITE):
        url = f"{_SQLITE}{folder / url.removeprefix(_SQLITE)}"
    realm = values.get("keycloak")
    keycloak = None if realm is None else realm_from_values(realm, folder=folder)
    given = {**values, **paths, "folder": folder, "database_url": url, "keycloak": keycloak}
    return Settings(**given)


def _port_violations(listen: object, enrol_listen: object) -> list[Violation]:
    """One port cannot be for members and for whoever enrols. What is no address is passed over."""
    addresses = {"listen": listen, "enrol_listen": enrol_listen}
    ports = {_find_port(address) for address in addresses.values()}
    if len(ports) > 1 or not all(ports):  # port 0 is any free one, another each time
        return []
    said = f"has the port {ports.pop()}: listen and enrol_listen need one each"
    return [Violation(name, said) for name in addresses]


def _find_port(address: object) -> int | None:
    parts = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    return int(parts[2]) if parts else None


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
    violations = []
    for field in fields(Settings):
        if field.name in values and field.name != "folder":
            fault = _value_fault(field.name, values[field.name])
            violations += [Violation(field.name, fault)] if fault else []
    if isinstance(realm := values.get("keycloak"), dict):
        violations += realm_faults(realm)
    return violations


def _value_fault(name: str, value: Any) -> str | None:
    kind = _KINDS.get(name, str)
    if type(value) is not kind:
        return "is not a table" if kind is dict else f"is not a {kind.__name__}"
    if isinstance(value, str) and (not value or "\0" in value):
        return "is empty, or holds a zero byte"
    return _FAULTS[name](value) if name in _FAULTS else None


def _parse_fault(value: str, parse: Callable[[str], object]) -> str | None:
    try:
        parse(value)
    except ComityError as error:
        return error.message
    return None


def _address_fault(value: str, *, lowest_port: int) -> str | None:
    parts = _ADDRESS.fullmatch(value)
    if parts is None:
        return "is not a host and a port, such as hub.example:8443"
    if not lowest_port <= int(parts[2]) <= MAX_PORT:
        return f"has a port that is not within {lowest_port} to {MAX_PORT}"
    return None


def _range_fault(value: int, *, lowest: int, highest: int) -> str | None:
    return None if lowest <= value <= highest else f"is not within {lowest:,} to {highest:,}"


def _url_fault(value: str) -> str | None:
    if value.startswith(_SQLITE):
        # Behind a question mark SQLAlchemy reads options, such as one that turns locks off.
        path = value.removeprefix(_SQLITE)
        return None if path.strip("/") and "?" not in path else "names no plain file"
    if not value.startswith(_POSTGRESQL):
        return f"begins with neither {_SQLITE} nor {_POSTGRESQL}"
    try:
        _ = urlsplit(value).port
    except ValueError:
        return "is no URL: its host or port cannot be read"
    return None


_FAULTS: dict[str, Callable[[Any], str | None]] = {
    "domain": partial(_parse_fault, parse=parse_hub_domain),
    "agency": partial(_parse_fault, parse=parse_agency_id),
    "listen": partial(_address_fault, lowest_port=0),  # 0 lets the system choose
    "enrol_listen": partial(_address_fault, lowest_port=0),
    "public_address": partial(_address_fault, lowest_port=1),
    "database_url": _url_fault,
    "access_keep_days": partial(_range_fault, lowest=1, highest=MAX_ACCESS_KEEP_DAYS),
    "verifiers": partial(_range_fault, lowest=0, highest=MAX_VERIFIERS),
}
