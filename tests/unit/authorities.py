"""An invented entry that is well-formed in every field, for tests to spoil."""

from __future__ import annotations

from google.protobuf.json_format import ParseDict

from comity.v1 import authorities_pb2 as pb

AUTHORITY_ID = "01936f4e-8d2a-7c11-9a3b-5f0e6d7c8b9a"

_ENTRY = {
    "authorityId": AUTHORITY_ID,
    "country": "GB",
    "names": [
        {"language": "en", "text": "Sample Central Authority", "original": True},
        {"language": "fr", "text": "Autorité centrale d'exemple"},
    ],
    "units": [{"language": "en", "text": "Extradition section", "original": True}],
    "abbreviations": ["SCA"],
    "persons": [
        {
            "name": "Ada Specimen",
            "title": "Ms",
            "functions": [{"language": "en", "text": "Head of section", "original": True}],
            "contacts": [
                {
                    "means": "CONTACT_MEANS_EMAIL",
                    "use": "CONTACT_USE_OFFICE",
                    "value": "ada.specimen@sca.example",
                }
            ],
            "alternate": True,
        }
    ],
    "postalAddress": {
        "lines": ["1 Example Street"],
        "postalCode": "XX1 1XX",
        "city": "London",
        "region": "England",
        "country": "GB",
    },
    "contacts": [
        {
            "means": "CONTACT_MEANS_TELEPHONE",
            "use": "CONTACT_USE_OFFICE",
            "value": "+442079460000",
            "functional": True,
        },
        {
            "means": "CONTACT_MEANS_TELEPHONE",
            "use": "CONTACT_USE_DUTY",
            "value": "+442079460001",
            "functional": True,
            "languages": ["en"],
        },
        {
            "means": "CONTACT_MEANS_EMAIL",
            "use": "CONTACT_USE_OFFICE",
            "value": "office@sca.example",
            "functional": True,
        },
    ],
    "officeHours": {
        "timeZone": "Europe/London",
        "week": [
            {
                "day": f"WEEKDAY_{day}",
                "intervals": [
                    {"opens": "09:00", "closes": "12:30"},
                    {"opens": "13:30", "closes": "17:00"},
                ],
            }
            for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
        ],
        "holidays": [
            {
                "month": 12,
                "day": 25,
                "names": [{"language": "en", "text": "Christmas Day", "original": True}],
            },
            {
                "year": 2026,
                "month": 4,
                "day": 3,
                "names": [{"language": "en", "text": "Good Friday", "original": True}],
            },
        ],
        "specialDays": [
            {
                "date": {"year": 2026, "month": 12, "day": 24},
                "intervals": [{"opens": "09:00", "closes": "12:00"}],
            }
        ],
    },
    "acceptedLanguages": ["en", "fr"],
    "spokenLanguages": ["en"],
    "competences": [
        {
            "competence": "COMPETENCE_EXTRADITION",
            "instruments": [
                {
                    "instrument": "UNTOC",
                    "articles": ["16"],
                    "isLegalBasis": "LEGAL_ANSWER_YES",
                },
                {
                    "instrument": "BILATERAL",
                    "articles": ["4"],
                    "partnerCountry": "BR",
                    "titles": [{"language": "en", "text": "Sample Treaty", "original": True}],
                },
            ],
        },
        {"competence": "COMPETENCE_MUTUAL_LEGAL_ASSISTANCE"},
    ],
    "channels": ["CHANNEL_DIRECT", "CHANNEL_INTERPOL"],
    "acceptsInterpol": "LEGAL_ANSWER_CONDITIONAL",
    "means": ["REQUEST_MEANS_COMITY", "REQUEST_MEANS_POST"],
    "formats": ["pdf"],
    "encryptionRequired": "LEGAL_ANSWER_YES",
    "signatureRequired": "LEGAL_ANSWER_NO",
    "documents": [
        {"document": "ARREST_WARRANT", "competences": ["COMPETENCE_EXTRADITION"]},
        {
            "document": "OTHER",
            "details": [{"language": "en", "text": "A cover sheet", "original": True}],
        },
    ],
    "doubleCriminality": "LEGAL_ANSWER_YES",
    "doubleCriminalityDetails": [
        {"language": "en", "text": "Twelve months at least.", "original": True}
    ],
    "legalRequirements": [{"language": "en", "text": "A judge's decision.", "original": True}],
    "evidenceLimits": [{"language": "en", "text": "As requested only.", "original": True}],
    "urgentProcedure": [{"language": "en", "text": "Call the duty line.", "original": True}],
    "links": [
        {
            "kind": "LINK_KIND_LAW",
            "url": "https://sca.example/law?year=2003",
            "titles": [{"language": "en", "text": "Extradition Act", "original": True}],
        }
    ],
    "territory": {
        "regions": ["GB-ENG", "GB-WLS"],
        "details": [{"language": "en", "text": "England and Wales", "original": True}],
    },
    "assetRecoveryNetworks": ["CARIN"],
    "remarks": [{"language": "en", "text": "Invented.", "original": True}],
    "confirmEveryDays": 90,
}


def sample_authority() -> pb.Authority:
    """A fresh copy of the entry."""
    return ParseDict(_ENTRY, pb.Authority())
