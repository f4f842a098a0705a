"""Renewing what the hub's machine vouches for itself with: its server, and its own agency.

Members renew by themselves; nobody runs a client for the hub's own agency day and night. Called by
`comity-hub renew-certificate`.
"""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from hub.administration import Administration
from hub.certificates import (
    certificate_id_of,
    find_expiry_warning,
    generate_tls_key,
    pem_from_certificate,
    pem_from_key,
)
from hub.folder import load_authority, load_server_certificate, replace_server_pair
from hub.issuing import issue
from hub.own_agency import load_own_certificate, replace_own_pair
from hub.services.issued_certificates import stored_certificate
from hub.services.key_changes import KeyChanges, Renewal
from hub.settings import Settings


def renew_certificate(settings: Settings, *, now: datetime) -> x509.Certificate:
    """Gives the hub's server a new TLS key and certificate; a hub that serves takes them up.

    Raises: MalformedInput where the authority cannot sign; OSError.
    """
    key = generate_tls_key()
    certificate = load_authority(settings).sign_hub(
        key.public_key(), hub_domain=settings.domain, now=now
    )
    replace_server_pair(
        settings,
        key_pem=pem_from_key(key),
        certificate_pem=pem_from_certificate(certificate),
    )
    return certificate


async def renew_own_agency(administration: Administration, *, now: datetime) -> x509.Certificate:
    """Gives the hub's own agency a new TLS key and certificate, also where the last has expired.

    Both are on disk beside the old ones before the entry is; where it is cut off in between, the
    old certificate is good still, or the command is run again.

    Raises: MalformedInput where the authority cannot sign or the certificate cannot be read;
    CertificateRefused where it is no longer the agency's: it has to be invited and enrol again;
    StoreUnavailable; OSError.
    """
    settings = administration.settings
    current = load_own_certificate(settings.folder)
    key = generate_tls_key()
    certificate, _ = issue(settings, settings.agency, key.public_key(), now=now)
    membership = await administration.membership()
    renewal = Renewal(
        settings.agency,
        certificate_id_of(current),
        stored_certificate(certificate, agency=settings.agency),
    )
    changes = KeyChanges(membership, hub_domain=settings.domain)
    with replace_own_pair(
        settings.folder,
        key_pem=pem_from_key(key),
        certificate_pem=pem_from_certificate(certificate),
    ):
        await administration.commit(changes.renew_many, renewal)
    return certificate


def expiry_warnings(settings: Settings, *, now: datetime) -> list[str]:
    """What to say of the hub's certificates that run out soon.

    Raises: MalformedInput where the server's cannot serve, or the own agency's cannot be read.
    """
    certificates = {
        "The hub's certificate": load_server_certificate(settings, now=now),
        "The certificate of the hub's own agency": load_own_certificate(settings.folder),
    }
    found = [find_expiry_warning(one, what=what, now=now) for what, one in certificates.items()]
    return [warning for warning in found if warning is not None]
