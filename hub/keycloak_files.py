"""The files that the hub's Keycloak is started with, in the folder `keycloak` of the hub's.

Called by the command line. Keycloak's server key is made here where the hub's authority is at hand;
a certificate of another authority may be put in its place.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
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
from hub.settings import Settings

KEYCLOAK_FOLDER = "keycloak"


def write_start_options(settings: Settings, *, now: datetime) -> Path:
    """Writes configuration, trust store and, where there is none, a key with its certificate.

    A configuration that is there stays as it is: it may hold more by now. Gives its path.

    Raises: MalformedInput; OSError.
    """
    if settings.keycloak is None:
        raise MalformedInput("hub.toml has no [keycloak] table; deploy/hub.toml explains it.")
    folder = settings.folder / KEYCLOAK_FOLDER
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    replace_public(folder / TRUST_STORE, trust_store(read_file(settings.ca_certificate)))
    if not (folder / KEY).exists() and settings.ca_key.exists():
        _make_pair(settings, folder, now=now)
    configuration = folder / CONFIGURATION
    if not configuration.exists():
        text = configuration_text(settings.keycloak, folder=str(folder))
        write_public(configuration, text.encode())
    return configuration


def load_service_secret(settings: Settings) -> str:
    """The secret of the hub's own client at Keycloak.

    Raises: MalformedInput.
    """
    if settings.keycloak is None:
        raise MalformedInput("hub.toml has no [keycloak] table; deploy/hub.toml explains it.")
    return read_secret(settings.keycloak.secret).decode().strip()


def _make_pair(settings: Settings, folder: Path, *, now: datetime) -> None:
    assert settings.keycloak is not None
    host = urlsplit(settings.keycloak.issuer).hostname
    assert host is not None  # the settings refuse an issuer without
    key = generate_tls_key()
    authority = load_authority(settings)
    certificate = authority.sign_host(key.public_key(), host=host, now=now)
    write_private(folder / KEY, pem_from_key(key))
    write_public(folder / CERTIFICATE, pem_from_certificate(certificate))
