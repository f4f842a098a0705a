"""What the hub's configuration says of a Keycloak realm.

Read at every start of every command, hence without Keycloak's packages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from comity.errors import Violation

# Signatures only: with an HMAC whoever can check a token can make one.
ALGORITHMS = frozenset({"ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "EdDSA"})
REALMS = "/realms/"


@dataclass(frozen=True, slots=True)
class Realm:
    """A realm of a Keycloak, as `[keycloak]` in hub.toml names it."""

    issuer: str
    authority: Path
    secret: Path
    audience: str = "comity-hub"
    log_in_client: str = "comity"
    service_client: str = "comity-hub-service"
    algorithms: tuple[str, ...] = ("ES256",)

    @property
    def server_url(self) -> str:
        """Where the Keycloak is: the issuer without its realm."""
        return self.issuer.rpartition(REALMS)[0]

    @property
    def name(self) -> str:
        """The realm's name."""
        return self.issuer.rpartition(REALMS)[2]


# Relative to the folder of hub.toml.
_PATHS = {"authority": "ca.pem", "secret": "keycloak-secret"}
_KEYS = tuple(field.name for field in fields(Realm))


def realm_from_values(values: Mapping[str, Any], *, folder: Path) -> Realm:
    """The realm of a table without faults."""
    paths = {name: folder / values.get(name, path) for name, path in _PATHS.items()}
    algorithms = {"algorithms": tuple(values["algorithms"])} if "algorithms" in values else {}
    return Realm(**{**values, **paths, **algorithms})


def realm_faults(values: Mapping[str, Any]) -> list[Violation]:
    """Every key at fault in a `[keycloak]` table."""
    unknown = sorted(values.keys() - set(_KEYS))
    faults = [(name, "is not a key of the configuration") for name in unknown]
    faults += [] if "issuer" in values else [("issuer", "is missing")]
    for name in _KEYS:
        if name in values and (fault := _value_fault(name, values[name])):
            faults.append((name, fault))
    return [Violation(f"keycloak.{name}", fault) for name, fault in faults]


def _value_fault(name: str, value: object) -> str | None:
    if name == "algorithms":
        return _algorithms_fault(value)
    if not isinstance(value, str):
        return "is not a str"
    if not value or "\0" in value:
        return "is empty, or holds a zero byte"
    return _issuer_fault(value) if name == "issuer" else None


def _algorithms_fault(value: object) -> str | None:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        return "is not a list of names"
    if not ALGORITHMS.issuperset(value):
        return f"has others than {', '.join(sorted(ALGORITHMS))}"
    return None


def _issuer_fault(value: str) -> str | None:
    try:
        parts = urlsplit(value)
    except ValueError:
        return "is no URL"
    _, realms, name = parts.path.rpartition(REALMS)
    if parts.scheme != "https" or not parts.hostname or not realms or not name or "/" in name:
        return "is not https://HOST/realms/NAME"
    if parts.query or parts.fragment or parts.username is not None:
        return "holds more than host, port and realm"
    return None
