"""Notices of every kind: complete ones of the golden set, and what fills the rest of the contract.

Everybody in them is invented. Never used outside the examples.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from google.protobuf.json_format import ParseDict

from comity.v1 import notices_pb2 as pb

_GOLDEN = Path(__file__).parents[3] / "tests" / "vectors" / "notices"

# In the order in which they are sent; those that are reviewed first stand in REVIEWED.
OPEN = (
    ("yellow", "missing_child"),
    ("yellow", "unidentified"),
    ("black", "belongings"),
    ("orange", "event"),
    ("purple", "wall"),
    ("object", "passport"),
    ("object", "vehicle"),
    ("object", "firearm"),
    ("blue", "company"),
    ("green", "threat"),
)
REVIEWED = (
    ("red", "trafficking"),
    ("red", "sentence"),
    ("red", "portrait"),
    ("silver", "account"),
    ("silver", "house"),
    ("diffusion", "arrest"),
)


def golden_draft(kind: str, name: str) -> pb.Notice:
    """A complete notice of the golden set as a draft, with more in it where there is more."""
    documents = json.loads((_GOLDEN / f"{kind}.json").read_text(encoding="utf-8"))
    notice = ParseDict(documents["complete"][name], pb.Notice())
    for given in ("notice_id", "version", "issued_at", "expires_at"):
        notice.ClearField(given)
    notice.handling.ClearField("retain_until")
    for subject in notice.subjects:
        if subject.HasField("object") and not subject.object.description:
            subject.object.description = "Sample, invented"
    more = _MORE.get((kind, name))
    if more is not None:
        more(notice)
    return notice


def _text(text: str) -> pb.LocalizedText:
    return pb.LocalizedText(language="en", text=f"Invented. {text}", original=True)


def _name(full: str) -> pb.Name:
    return pb.Name(type=pb.NAME_TYPE_PRIMARY, full=full, script="Latn")


def _fill_wanted_person(notice: pb.Notice) -> None:
    """What police know of a person besides its papers."""
    person = notice.subjects[0].person
    person.languages[:] = ["pt", "fr"]
    person.countries_likely_visited[:] = ["KE"]
    person.identifiers.add(
        scheme=pb.CONTACT_SCHEME_TELEPHONE, value="+12025550117", note="Invented; seen in March."
    )
    person.relatives.add(kind=pb.RELATIVE_KIND_FATHER, names=[_name("Otto EXAMPLE")])
    person.documents.add(
        type=pb.DOCUMENT_TYPE_PASSPORT, number="L898902C3", issuing_country_text="Utopia"
    ).machine_readable_zone[:] = _SPECIMEN_ZONE
    person.biometrics.add(
        type=pb.BIOMETRIC_TYPE_PORTRAIT,
        reference="PORTRAIT EX-13",
        held_by="FR-NCB",
        quality=pb.PORTRAIT_QUALITY_GOOD,
        digest=bytes.fromhex("e5" * 32),
    )
    looks = person.description
    looks.weight_min_kg, looks.weight_max_kg, looks.build = 70, 80, pb.BUILD_MEDIUM
    looks.remarks.append(_text("Walks with a stick."))
    looks.clothing.append(_text("A grey coat."))
    tattoo = looks.marks.add(kind=pb.MARK_KIND_TATTOO, location="left forearm")
    tattoo.description.append(_text("An anchor."))
    person.vehicles.add(
        type=pb.OBJECT_TYPE_VEHICLE,
        description="Sample van",
        colour="grey",
        year=2019,
        place=pb.Place(country="FR", city="Sampleville"),
    )


# The specimen of ICAO Doc 9303-4.
_SPECIMEN_ZONE = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)


def _fill_trafficking(notice: pb.Notice) -> None:
    _fill_wanted_person(notice)
    offence = notice.offences[0]
    offence.maximum_penalty.days = 15
    offence.accomplices.append(_name("Carla SAMPLE"))
    offence.facilitates_serious_crime = offence.linked_to_organized_crime = True
    offence.trafficking.victims.nationalities.append("BR")
    offence.trafficking.victims.note = "Invented. All are safe."
    worse = notice.offences.add()
    worse.CopyFrom(offence)
    worse.ClearField("time_limit")
    worse.has_no_time_limit = worse.maximum_penalty.life = True
    worst = notice.offences.add()
    worst.CopyFrom(worse)
    worst.maximum_penalty.ClearField("life")
    worst.maximum_penalty.death = True
    notice.warnings.add(code=pb.WARNING_CODE_HEALTH, details=[_text("Needs insulin.")])
    notice.grading.CopyFrom(pb.Grading(scheme=pb.GRADING_SCHEME_6X6, source="B", information="2"))
    notice.handling.confidentiality = pb.CONFIDENTIALITY_RESTRICTED
    notice.handling.pap = pb.PAP_AMBER
    notice.handling.onward_countries.append("FR")
    notice.handling.onward_agencies.append("BR-NCB")
    misused = notice.misused_identities.add(
        names=[_name("Bert SPECIMEN")],
        holder_consents=True,
        consented_on=pb.CalendarDate(year=2026, month=10, day=1),
        distinction=[_text("Is taller, and has no tattoo.")],
    )
    misused.documents.add(type=pb.DOCUMENT_TYPE_PASSPORT, number="EXAMPLE12", issuing_country="FR")


def _fill_missing(notice: pb.Notice) -> None:
    notice.disappearance.accompanied_by.append(_name("Dora SAMPLE"))
    notice.disappearance.consents_to_inform_relatives = True
    notice.protection_widening.reason.append(_text("A child in danger, sought everywhere."))


def _fill_body(notice: pb.Notice) -> None:
    died = pb.CalendarDate(year=2026, month=10)
    notice.subjects[0].person.died_on.CopyFrom(
        pb.PartialDate(qualifier=pb.DATE_QUALIFIER_EXACT, date=died)
    )


def _fill_sentence(notice: pb.Notice) -> None:
    notice.sentences[0].in_absentia = True


def _fill_account(notice: pb.Notice) -> None:
    for subject in notice.subjects:
        if subject.HasField("asset"):
            subject.asset.remarks.append(_text("Opened in 2025."))


def _fill_company(notice: pb.Notice) -> None:
    company = notice.subjects[0].organisation
    company.identifiers.add(scheme=pb.CONTACT_SCHEME_EMAIL, value="office@company.example")
    company.registration_numbers[0].register = "Sample register of companies"


def _fill_portrait(notice: pb.Notice) -> None:
    """Of more nationalities, so that too few reviewers are left."""
    for country in ("BR", "IS"):
        notice.subjects[0].person.nationalities.add(country=country)


def _fill_vehicle(notice: pb.Notice) -> None:
    notice.subjects[0].object.name = "EXAMPLE"


def _fill_passport(notice: pb.Notice) -> None:
    thing = notice.subjects[0].object
    thing.document.CopyFrom(
        pb.IdentityDocument(
            type=pb.DOCUMENT_TYPE_PASSPORT, number="EXAMPLE34", issuing_country="FR"
        )
    )


_MORE: Mapping[tuple[str, str], Callable[[pb.Notice], None]] = {
    ("red", "trafficking"): _fill_trafficking,
    ("red", "sentence"): _fill_sentence,
    ("yellow", "missing_child"): _fill_missing,
    ("black", "belongings"): _fill_body,
    ("silver", "account"): _fill_account,
    ("blue", "company"): _fill_company,
    ("red", "portrait"): _fill_portrait,
    ("object", "vehicle"): _fill_vehicle,
    ("object", "passport"): _fill_passport,
}
