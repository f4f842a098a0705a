"""What a hub vouches with: its identity as it is shown, and certificates for agencies.

The authority's key is read for each use, and not kept in memory between them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from comity.errors import InternalError, MalformedInput
from comity.identity import AgencyId
from hub.files import read_file
from hub.folder import keep_certificate, load_authority, load_ledger_key
from hub.services.enrolment import HubIdentity
from hub.services.revocations import RevokedCertificate
from hub.settings import Settings

_log = logging.getLogger("hub.issuing")


def load_identity(settings: Settings) -> HubIdentity:
    """What the hub is known by.

    Raises: MalformedInput where a file cannot be read.
    """
    try:
        authority = x509.load_pem_x509_certificate(read_file(settings.ca_certificate))
    except ValueError as error:
        raise MalformedInput(f"{settings.ca_certificate.name} holds no certificate.") from error
    return HubIdentity(
        domain=settings.domain,
        address=settings.public_address,
        agency=settings.agency,
        authority=authority,
        ledger_key=load_ledger_key(settings).public,
    )


def issue(
    settings: Settings, agency: AgencyId, key: ec.EllipticCurvePublicKey, *, now: datetime
) -> tuple[x509.Certificate, Path]:
    """Signs an agency's certificate and keeps it on disk; gives it, and where it lies.

    Raises: MalformedInput where the authority cannot sign; OSError.
    """
    certificate = load_authority(settings).sign_agency(
        key, agency=agency, hub_domain=settings.domain, now=now
    )
    return certificate, keep_certificate(settings, agency, certificate)


def issue_untold(
    settings: Settings, agency: AgencyId, key: ec.EllipticCurvePublicKey, *, now: datetime
) -> x509.Certificate:
    """The same for who is not at the machine: what is wrong there goes to the log alone.

    Raises: InternalError.
    """
    with _untold("nothing was changed"):
        return issue(settings, agency, key, now=now)[0]


def sign_revocations_untold(
    settings: Settings, revoked: Sequence[RevokedCertificate], *, now: datetime
) -> bytes:
    """A revocation list in DER, likewise.

    Raises: InternalError.
    """
    with _untold("no list can be given"):
        return load_authority(settings).sign_revocation_list(revoked, now=now)


@contextmanager
def _untold(consequence: str) -> Iterator[None]:
    try:
        yield
    except (MalformedInput, OSError) as error:
        _log.error("the authority cannot sign: %s", error)
        raise InternalError(
            f"The hub's authority cannot sign at the moment; {consequence}. Whoever runs the hub "
            "finds the cause in its log."
        ) from error
