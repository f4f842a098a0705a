"""Writes the sample directory from the list of invented offices: equal seeds, equal bytes.

Called by `python -m directory.sample` and by tests. Never gives a detail that could be somebody's:
numbers come from ranges for fiction, addresses end in .example, persons are named Specimen.
"""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any, NamedTuple

from anyascii import anyascii
from google.protobuf.json_format import ParseDict

from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.v1 import authorities_pb2 as pb
from directory.entry import verify_authority
from directory.instruments.tables import articles_for, instruments
from directory.sample.telephones import invented_number

SEED = 20_261_124
_MADE_AT = datetime(2026, 11, 24, tzinfo=UTC)  # what the ids say; they name no real moment

# Where the week of offices runs from Sunday on.
_FROM_SUNDAY = frozenset({"EG", "JO", "BD", "SA", "NP"})
_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
_UN_LANGUAGES = frozenset({"en", "fr", "es", "pt", "ar", "ru", "zh"})
_FORENAMES = ("Ada", "Bruno", "Chen", "Dalia", "Emil", "Farah", "Goran", "Hana", "Ivo", "Jaya")
_OF_THE_NORTH = ("DK", "FI")  # parties to an invented regional convention
_AT_ANY_HOUR = ("sea", "cyber")  # profiles that are reached at any hour


class Office(NamedTuple):
    """A row of the list."""

    country: str
    language: str
    name: str
    english_name: str
    abbreviation: str
    city: str
    time_zone: str
    profile: str


def sample_authorities(seed: int = SEED) -> list[pb.Authority]:
    """The entries of the sample directory, each well-formed."""
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose, nothing is secret
    profiles = _load("profiles")
    entries = []
    for number, office in enumerate(_offices()):
        entry = _entry(office, profiles[office.profile], chance, number=number)
        verify_authority(entry)
        entries.append(entry)
    return entries


def _offices() -> list[Office]:
    return [Office(*row) for row in _load("offices")["offices"]]


def _entry(
    office: Office, profile: dict[str, Any], chance: random.Random, *, number: int
) -> pb.Authority:
    written = office.language if office.language in _UN_LANGUAGES else "en"
    entry = {
        "authorityId": _authority_id(number),
        "country": office.country,
        "names": _names(office),
        "abbreviations": [office.abbreviation],
        "persons": [_person(office, chance, number)],
        "postalAddress": {
            "lines": [f"{chance.randint(1, 99)} Example Street"],
            "postalCode": f"X{chance.randint(1000, 9999)}",
            "city": office.city,
            "country": "CH" if office.country == "ZZ" else office.country,
        },
        "contacts": list(_contacts(office, number)),
        "officeHours": _hours(office, chance),
        "acceptedLanguages": sorted({office.language, "en"}),
        "spokenLanguages": sorted({office.language, chance.choice(["en", "fr", written])}),
        "competences": list(_competences(office, profile, chance)),
        "channels": [f"CHANNEL_{code}" for code in profile["channels"]],
        "acceptsInterpol": _answer("INTERPOL" in profile["channels"]),
        "means": [f"REQUEST_MEANS_{code}" for code in profile["means"]],
        "formats": ["pdf"],
        "encryptionRequired": _answer("ENCRYPTED_EMAIL" in profile["means"]),
        "signatureRequired": _answer(chance.random() < 0.5),
        "documents": [{"document": code} for code in profile["documents"]],
        "doubleCriminality": chance.choice(
            ["LEGAL_ANSWER_YES", "LEGAL_ANSWER_NO", "LEGAL_ANSWER_CONDITIONAL"]
        ),
        "links": [{"kind": "LINK_KIND_WEBSITE", "url": f"https://{_domain(office)}/"}],
        "assetRecoveryNetworks": profile.get("networks", []),
        "remarks": [
            {"language": "en", "text": "Invented: no such authority exists.", "original": True}
        ],
        "confirmEveryDays": chance.choice([0, 90, 180]),
    }
    if office.profile in _AT_ANY_HOUR:
        text = "Call the duty line; confirm in writing within 24 hours."
        entry["urgentProcedure"] = [{"language": "en", "text": text, "original": True}]
    return ParseDict(entry, pb.Authority())


def _authority_id(number: int) -> str:
    digest = hashlib.sha256(f"sample authority {number}".encode()).digest()
    return uuid7_from(_MADE_AT + timedelta(seconds=number), digest[:UUID7_RANDOM_BYTES])


def _names(office: Office) -> list[dict[str, object]]:
    names: list[dict[str, object]] = [
        {"language": office.language, "text": office.name, "original": True}
    ]
    if office.language != "en":
        names.append({"language": "en", "text": office.english_name})
    return names


def _person(office: Office, chance: random.Random, number: int) -> dict[str, object]:
    forename = chance.choice(_FORENAMES)
    address = f"{forename.lower()}.specimen@{_domain(office)}"
    return {
        "name": f"{forename} Specimen",
        "functions": [{"language": "en", "text": "Head of section", "original": True}],
        "contacts": [
            {
                "means": "CONTACT_MEANS_EMAIL",
                "use": "CONTACT_USE_OFFICE",
                "value": address,
            },
            _telephone(office, 2 * number + 1, use="OFFICE", functional=False),
        ],
        "alternate": True,
    }


def _contacts(office: Office, number: int) -> Iterator[dict[str, object]]:
    yield _telephone(office, 2 * number, use="OFFICE", functional=True)
    if office.profile in _AT_ANY_HOUR:
        yield _telephone(office, 2 * number + 500, use="DUTY", functional=True)
    elif number % 3 == 0:
        yield _telephone(office, 2 * number + 500, use="URGENT", functional=True)
    yield {
        "means": "CONTACT_MEANS_EMAIL",
        "use": "CONTACT_USE_OFFICE",
        "value": f"requests@{_domain(office)}",
        "functional": True,
    }


def _telephone(office: Office, number: int, *, use: str, functional: bool) -> dict[str, object]:
    return {
        "means": "CONTACT_MEANS_TELEPHONE",
        "use": f"CONTACT_USE_{use}",
        "value": invented_number(office.country, number),
        "functional": functional,
    }


def _domain(office: Office) -> str:
    label = anyascii(office.abbreviation).lower()
    return f"{label}-{office.country.lower()}.example"


def _hours(office: Office, chance: random.Random) -> dict[str, object]:
    days = _DAYS[:5] if office.country in _FROM_SUNDAY else _DAYS[1:]
    opens, lunch = chance.choice([8, 9]), chance.choice([12, 13])
    intervals = [
        {"opens": f"{opens:02}:00", "closes": f"{lunch:02}:00"},
        {"opens": f"{lunch:02}:{chance.choice([30, 45])}", "closes": f"{opens + 8}:30"},
    ]
    return {
        "timeZone": office.time_zone,
        "week": [{"day": f"WEEKDAY_{day}", "intervals": intervals} for day in days],
        "holidays": [
            _holiday(1, 1, "New Year's Day"),
            _holiday(chance.randint(2, 11), chance.randint(1, 28), "Invented Day"),
        ],
    }


def _holiday(month: int, day: int, name: str) -> dict[str, object]:
    names = [{"language": "en", "text": name, "original": True}]
    return {"month": month, "day": day, "names": names}


def _competences(
    office: Office, profile: dict[str, Any], chance: random.Random
) -> Iterator[dict[str, object]]:
    for name in profile["competences"]:
        competence = pb.Competence.Value(f"COMPETENCE_{name}")
        bases = [
            {
                "instrument": code,
                "articles": articles_for(competence, instruments()[code])[:2],
                "isLegalBasis": _answer(chance.random() < 0.7),
            }
            for code in profile["instruments"]
            if articles_for(competence, instruments()[code]) or not instruments()[code].topics
        ]
        partner = _partner(office, chance)
        if name == "EXTRADITION" and partner:
            bases.append(_bilateral(partner))
        if name == "EXTRADITION" and office.country in _OF_THE_NORTH:
            bases.append(_regional())
        yield {"competence": f"COMPETENCE_{name}", "instruments": bases}


def _partner(office: Office, chance: random.Random) -> str:
    others = sorted({each.country for each in _offices()} - {office.country, "ZZ"})
    return chance.choice(["", *others])


def _bilateral(partner: str) -> dict[str, object]:
    title = {"language": "en", "text": f"Specimen Treaty with {partner}", "original": True}
    return {
        "instrument": "BILATERAL",
        "partnerCountry": partner,
        "titles": [title],
        "isLegalBasis": "LEGAL_ANSWER_YES",
    }


def _regional() -> dict[str, object]:
    title = {"language": "en", "text": "Specimen Convention of the North", "original": True}
    return {"instrument": "REGIONAL", "titles": [title], "isLegalBasis": "LEGAL_ANSWER_YES"}


def _answer(is_so: object) -> str:
    return "LEGAL_ANSWER_YES" if is_so else "LEGAL_ANSWER_NO"


def _load(name: str) -> dict[str, Any]:
    file = resources.files(__package__).joinpath(f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
