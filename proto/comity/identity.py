"""Who an agency is: ids, countries, SPIFFE ids, and the one name in a certificate. No I/O."""

from __future__ import annotations

import re
from typing import NewType

from cryptography import x509

from comity.errors import CertificateRefused, MalformedInput

AgencyId = NewType("AgencyId", str)

_AGENCY = re.compile(r"[A-Z]{2}-[A-Z0-9]{2,16}")
_DOMAIN_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MAX_DOMAIN_CHARS = 253  # RFC 1035 §2.3.4, as text

INTERNATIONAL_BODY = "ZZ"

# ISO 3166-1 alpha-2, officially assigned codes, and XK (Kosovo, by agreement of its users).
_COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA
    ZM ZW
    """.split()
)


def is_country_code(code: str) -> bool:
    """Whether a code is of a country (ISO 3166-1 alpha-2 or XK) or ZZ for international bodies."""
    return code in _COUNTRIES or code == INTERNATIONAL_BODY


def is_territory_code(code: str) -> bool:
    """Whether a code is of a country: ISO 3166-1 alpha-2 or XK, and nothing else."""
    return code in _COUNTRIES


def is_agency_id(text: str) -> bool:
    """Whether this is an agency id as `parse_agency_id` takes it."""
    try:
        parse_agency_id(text)
    except MalformedInput:
        return False
    return True


def parse_agency_id(text: str) -> AgencyId:
    """The agency id in a text, such as FR-NCB.

    Raises: MalformedInput.
    """
    if not _AGENCY.fullmatch(text) or not is_country_code(text[:2]):
        raise MalformedInput(
            "An agency id is a country code, a hyphen and 2 to 16 capitals or digits, as in FR-NCB."
        )
    return AgencyId(text)


def country_from_agency_id(agency: AgencyId) -> str:
    """The country of an agency; ZZ for international bodies."""
    return agency[:2]


def parse_hub_domain(text: str) -> str:
    """The hub domain in a text: a DNS name in lower case.

    Raises: MalformedInput.
    """
    labels = text.split(".")
    if len(text) > MAX_DOMAIN_CHARS or not all(_DOMAIN_LABEL.fullmatch(label) for label in labels):
        raise MalformedInput("A hub's domain is a DNS name in lower case.")
    return text


def spiffe_id_from_agency(agency: AgencyId, *, hub_domain: str) -> str:
    """The SPIFFE id that an agency's certificate bears."""
    return f"spiffe://{hub_domain}/agency/{agency}"


def agency_id_from_spiffe(uri: str, *, hub_domain: str) -> AgencyId:
    """The agency that a SPIFFE id of this hub names.

    Raises: CertificateRefused.
    """
    prefix = f"spiffe://{hub_domain}/agency/"
    if not uri.startswith(prefix):
        raise CertificateRefused("The certificate names no agency of this hub.")
    try:
        return parse_agency_id(uri.removeprefix(prefix))
    except MalformedInput as error:
        raise CertificateRefused("The certificate names no agency of this hub.") from error


def agency_id_from_certificate(certificate: x509.Certificate, *, hub_domain: str) -> AgencyId:
    """The agency that a certificate names: by exactly one SAN, a SPIFFE id of this hub.

    The subject's common name is never looked at. Does not say who signed the certificate, nor
    whether it is still valid.

    Raises: CertificateRefused.
    """
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = list(extension.value)
    except (
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,  # not a ValueError
        ValueError,
    ) as error:
        raise CertificateRefused("The certificate has no readable alternative name.") from error
    if len(names) != 1 or not isinstance(names[0], x509.UniformResourceIdentifier):
        raise CertificateRefused("The certificate has to name one URI and nothing else.")
    return agency_id_from_spiffe(names[0].value, hub_domain=hub_domain)
