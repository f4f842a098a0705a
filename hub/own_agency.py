"""The hub's own agency: a member like the others, with keys that lie in the hub's folder.

The folder is a profile of the client, so that the hub's administrators call as members do:
`comity -p HUBFOLDER/agency/ login`. The names of its files are the client's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cryptography import x509

from comity.applicant import apply_to_hub, generate_applicant_keys, pem_from_key
from comity.application import MAX_NAME_CHARS, VerifiedApplication, verify_application
from comity.errors import MalformedInput
from comity.identity import AgencyId
from comity.keys import ED25519, pem_from_private_key
from comity.v1 import agencies_pb2
from hub.files import (
    PUBLIC_MODE,
    read_file,
    replace_private,
    sync_folder,
    write_draft,
    write_private,
    write_public,
)

OWN_AGENCY_FOLDER = "agency"
CERTIFICATE = "certificate.pem"
TLS_KEY = "tls-key.pem"
NEW_TLS_KEY = "tls-key-new.pem"


def make_own_agency(
    folder: Path, *, agency: AgencyId, hub_domain: str, now: datetime
) -> VerifiedApplication:
    """Makes the keys of the hub's own agency in its folder and gives the verified application."""
    home = folder / OWN_AGENCY_FOLDER
    home.mkdir(mode=0o700)
    keys = generate_applicant_keys([ED25519])
    write_private(home / "signing-key.pem", pem_from_private_key(keys.signing[0]))
    write_private(home / "witness-key.pem", pem_from_private_key(keys.witness))
    write_private(home / TLS_KEY, pem_from_key(keys.tls))
    write_private(home / "sealing-key.pem", keys.sealing.pem())
    name = f"Hub {hub_domain}"[:MAX_NAME_CHARS]
    envelope = apply_to_hub(keys, hub_domain=hub_domain, agency=agency, name=name, now=now)
    return verify_application(envelope, hub_domain=hub_domain)


def write_own_profile(folder: Path, admission: agencies_pb2.Admission) -> None:
    """Makes the folder of the hub's own agency a profile that has joined."""
    home = folder / OWN_AGENCY_FOLDER
    write_public(home / CERTIFICATE, admission.certificate.encode())
    write_public(home / "hub-ca.pem", admission.ca_certificate.encode())
    write_public(home / "ledger-keys.txt", f"{admission.ledger_key}\n".encode())
    values = {
        "agency": admission.agency_id,
        "hub_domain": admission.hub_domain,
        "hub_address": admission.hub_address,
    }
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
    write_public(home / "profile.toml", text.encode())


def load_own_certificate(folder: Path) -> x509.Certificate:
    """The certificate of the hub's own agency.

    Raises: MalformedInput.
    """
    path = folder / OWN_AGENCY_FOLDER / CERTIFICATE
    try:
        return x509.load_pem_x509_certificate(read_file(path))
    except ValueError as error:
        raise MalformedInput(f"{path} holds no certificate.") from error


@contextmanager
def replace_own_pair(folder: Path, *, key_pem: bytes, certificate_pem: bytes) -> Iterator[None]:
    """Puts a new TLS key and certificate of the hub's own agency in place once what is inside has
    succeeded.

    As the client does it: the new key waits beside the old one, and the certificate says which of
    them is in use, so that replacing the certificate is the one step that counts.
    """
    home = folder / OWN_AGENCY_FOLDER
    replace_private(home / NEW_TLS_KEY, key_pem)
    certificate = write_draft(home / CERTIFICATE, certificate_pem, mode=PUBLIC_MODE)
    try:
        yield
    except BaseException:
        certificate.unlink()
        raise
    certificate.replace(home / CERTIFICATE)
    sync_folder(home)
    (home / NEW_TLS_KEY).replace(home / TLS_KEY)
    sync_folder(home)
