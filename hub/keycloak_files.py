"""The files that the hub's Keycloak is started with, in the folder `keycloak` of the hub's.

Called by the command line, and by the wiring for how the hub reaches its realm. Keycloak's key
is made here where the hub's authority is at hand; another authority's may take its place.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from comity.errors import MalformedInput
from hub.certificates import generate_tls_key, pem_from_certificate, pem_from_key
from hub.files import read_file, read_secret, replace_public, write_private, write_public
from hub.folder import FOLDER_MODE, load_authority
from hub.identity.keycloak.options import (
    CERTIFICATE,
    CONFIGURATION,
    KEY,
    TRUST_STORE,
    configuration_text,
    trust_store,
)
from hub.identity.keycloak.realm import Realm
from hub.own_agency import OWN_AGENCY_FOLDER
from hub.settings import Settings

if TYPE_CHECKING:
    from hub.identity.keycloak.connection import KeycloakLine

KEYCLOAK_FOLDER = "keycloak"


def write_start_options(settings: Settings, *, now: datetime) -> Path:
    """Writes configuration, trust store and, where there is none, a key with its certificate.

    A configuration that is there stays as it is: it may hold more by now. Gives its path.

    Raises: MalformedInput; OSError.
    """
    realm = _realm_of(settings)
    folder = settings.folder / KEYCLOAK_FOLDER
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    replace_public(folder / TRUST_STORE, trust_store(read_file(settings.ca_certificate)))
    if not (folder / KEY).exists() and settings.ca_key.exists():
        _make_pair(settings, folder, host=str(urlsplit(realm.issuer).hostname), now=now)
    configuration = folder / CONFIGURATION
    if not configuration.exists():
        text = configuration_text(realm, folder=str(folder))
        write_public(configuration, text.encode())
    return configuration


def load_service_secret(settings: Settings) -> str:
    """The secret of the hub's own client at Keycloak.

    Raises: MalformedInput.
    """
    return read_secret(_realm_of(settings).secret).decode().strip()


def keycloak_line(settings: Settings) -> KeycloakLine:
    """How the hub reaches its realm: with the certificate of its own agency.

    Raises: MalformedInput where the configuration has none, or the packages are missing.
    """
    realm = _realm_of(settings)
    try:
        from hub.identity.keycloak.connection import KeycloakLine
    except ModuleNotFoundError as error:
        raise MalformedInput(
            "Keycloak needs its packages: pip install 'comity[production]'."
        ) from error
    home = settings.folder / OWN_AGENCY_FOLDER
    return KeycloakLine(
        realm,
        certificate=home / "certificate.pem",
        key=home / "tls-key.pem",
        load_secret=partial(load_service_secret, settings),
    )


def _realm_of(settings: Settings) -> Realm:
    if settings.keycloak is None:
        raise MalformedInput("hub.toml has no [keycloak] table; deploy/hub.toml explains it.")
    return settings.keycloak


def _make_pair(settings: Settings, folder: Path, *, host: str, now: datetime) -> None:
    if host == settings.domain:
        raise MalformedInput(
            "Keycloak needs a host name of its own: with a certificate for the hub's domain it "
            "could pass for the hub."
        )
    key = generate_tls_key()
    authority = load_authority(settings)
    certificate = authority.sign_host(key.public_key(), host=host, now=now)
    write_private(folder / KEY, pem_from_key(key))
    write_public(folder / CERTIFICATE, pem_from_certificate(certificate))
