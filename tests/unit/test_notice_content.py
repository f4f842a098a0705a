"""The form of what a notice carries: each fault by its path, and what is right let through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from comity.errors import NoticeInvalid
from comity.minimum.rules import KINDS
from comity.notices import verify_notice
from comity.v1 import notices_pb2 as pb
from tests.unit.full_notice import NOTICE_ID, bare_notice, day, full_red, known, name, text
from tests.vectors import load_vectors

Change = Callable[[pb.Notice], object]


def faults(notice: pb.Notice) -> dict[str, str]:
    """What is wrong with a notice, by its field."""
    try:
        verify_notice(notice)
    except NoticeInvalid as error:
        return {fault.field: fault.description for fault in error.violations}
    return {}


def test_a_full_notice_is_well_formed() -> None:
    assert faults(full_red()) == {}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(document, id=f"{kind}: {name}")
        for kind in KINDS
        for name, document in load_vectors(f"notices/{kind.lower()}")["complete"].items()
    ],
)
def test_what_lacks_nothing_is_well_formed(document: dict[str, Any]) -> None:
    notice = ParseDict(document, pb.Notice())
    notice.notice_id, notice.version = NOTICE_ID, 1  # which the vectors leave to who sends them

    assert faults(notice) == {}


def who(notice: pb.Notice) -> pb.Person:
    return notice.subjects[0].person


def looks(notice: pb.Notice) -> pb.PhysicalDescription:
    return who(notice).description


def born(notice: pb.Notice) -> pb.CalendarDate:
    return who(notice).dates_of_birth[0].date


def trade(notice: pb.Notice) -> pb.Trafficking:
    return notice.offences[0].trafficking


def onward(notice: pb.Notice, *, agencies: list[str], countries: list[str]) -> None:
    notice.handling.onward_agencies.extend(agencies)
    notice.handling.onward_countries.extend(countries)


PERSON = "subjects[0].person"
LOOKS = f"{PERSON}.description"
BIRTH = f"{PERSON}.dates_of_birth[0]"
UNKNOWN: Any = 77  # a code of a later version
BETWEEN = pb.DATE_QUALIFIER_BETWEEN

SPOILT: list[tuple[str, Change]] = [
    (f"{PERSON}.names[0].parts[0].type", lambda n: who(n).names[0].parts[0].ClearField("type")),
    (f"{PERSON}.names[0].parts[0].value", lambda n: who(n).names[0].parts[0].ClearField("value")),
    (f"{PERSON}.names[0].script", lambda n: setattr(who(n).names[0], "script", "latin")),
    (f"{PERSON}.names", lambda n: who(n).names.extend([name("X")] * 250)),
    (f"{BIRTH}.date.month", lambda n: setattr(born(n), "month", 13)),
    (f"{BIRTH}.date.month", lambda n: setattr(born(n), "month", -1)),
    (f"{BIRTH}.date.month", lambda n: born(n).CopyFrom(pb.CalendarDate(year=1980, day=3))),
    (f"{BIRTH}.date.day", lambda n: setattr(born(n), "day", 32)),
    (f"{BIRTH}.date", lambda n: setattr(born(n), "day", 31)),
    (f"{BIRTH}.date.year", lambda n: setattr(born(n), "year", 80)),
    (
        f"{BIRTH}.until",
        lambda n: (
            who(n)
            .dates_of_birth[0]
            .MergeFrom(pb.PartialDate(qualifier=BETWEEN, until=day(1980, 1)))
        ),
    ),
    (f"{PERSON}.nationalities[0].country", lambda n: country(n, "ZZ")),
    (f"{PERSON}.nationalities[0].country", lambda n: country(n, "fr")),
    (f"{PERSON}.languages[1]", lambda n: who(n).languages.__setitem__(1, "fr")),
    (f"{PERSON}.languages[0]", lambda n: who(n).languages.__setitem__(0, "xxq")),
    (f"{PERSON}.countries_likely_visited[0]", lambda n: visits(n, "UK")),
    (f"{PERSON}.countries_likely_visited[1]", lambda n: visits(n, "XK")),
    (f"{PERSON}.titles[0]", lambda n: who(n).titles.append(" ")),
    (f"{PERSON}.vehicles[1].type", lambda n: who(n).vehicles.add(type=3, description="x")),
    (f"{LOOKS}.height_min_cm", lambda n: setattr(looks(n), "height_min_cm", 17)),
    (f"{LOOKS}.height_max_cm", lambda n: setattr(looks(n), "height_max_cm", 273)),
    (f"{LOOKS}.height_max_cm", lambda n: setattr(looks(n), "height_max_cm", 169)),
    (f"{LOOKS}.weight_max_kg", lambda n: setattr(looks(n), "weight_max_kg", 651)),
    (f"{LOOKS}.weight_max_kg", lambda n: setattr(looks(n), "weight_max_kg", 59)),
    (f"{LOOKS}.apparent_age_max", lambda n: setattr(looks(n), "apparent_age_max", 121)),
    (f"{LOOKS}.apparent_age_max", lambda n: setattr(looks(n), "apparent_age_max", 39)),
    (f"{LOOKS}.marks[0].kind", lambda n: looks(n).marks[0].ClearField("kind")),
    (f"{LOOKS}.marks[0]", lambda n: looks(n).marks[0].ClearField("location")),
    (f"{PERSON}.biometrics[0].type", lambda n: who(n).biometrics[0].ClearField("type")),
    (f"{PERSON}.biometrics[0].digest", lambda n: setattr(who(n).biometrics[0], "digest", b"x")),
    (f"{PERSON}.biometrics[0].quality", lambda n: setattr(who(n).biometrics[0], "type", 3)),
    (f"{PERSON}.relatives[0].kind", lambda n: who(n).relatives[0].ClearField("kind")),
    (f"{PERSON}.relatives[0].names", lambda n: who(n).relatives[0].ClearField("names")),
    (f"{PERSON}.identifiers[0].value", lambda n: reach(n, 0, "0202 5550123")),
    (f"{PERSON}.identifiers[0].value", lambda n: reach(n, 0, "+1202555012345678")),
    (f"{PERSON}.identifiers[1].value", lambda n: reach(n, 1, "anna@mail")),
    (f"{PERSON}.identifiers[1].value", lambda n: reach(n, 1, "anna..a@mail.example")),
    (f"{PERSON}.identifiers[2].value", lambda n: reach(n, 2, "anna")),
    (f"{PERSON}.identifiers[2].value", lambda n: reach(n, 2, "")),
    (f"{PERSON}.identifiers[0].scheme", lambda n: who(n).identifiers[0].ClearField("scheme")),
    ("offences[0].code", lambda n: n.offences[0].ClearField("code")),
    ("offences[0].trafficking", lambda n: setattr(n.offences[0], "code", 3)),
    ("offences[0].time_limit", lambda n: n.offences[0].time_limit.CopyFrom(day(2040))),
    ("offences[0].time_limit", lambda n: setattr(n.offences[0], "has_no_time_limit", True)),
    ("offences[0].maximum_penalty", lambda n: n.offences[0].maximum_penalty.Clear()),
    (
        "offences[0].maximum_penalty.years",
        lambda n: setattr(n.offences[0].maximum_penalty, "years", 1001),
    ),
    ("offences[0].laws[0].country", lambda n: setattr(n.offences[0].laws[0], "country", "EU")),
    ("offences[0].laws[1].law", lambda n: n.offences[0].laws.add(country="FR")),
    (
        "offences[0].trafficking.acts[1]",
        lambda n: trade(n).acts.append(pb.TRAFFICKING_ACT_RECRUITMENT),
    ),
    (
        "offences[0].trafficking.means[0]",
        lambda n: trade(n).means.append(pb.TRAFFICKING_MEANS_UNSPECIFIED),
    ),
    ("offences[0].trafficking.means[0]", lambda n: trade(n).means.append(UNKNOWN)),
    ("offences[0].trafficking.victims.minors", lambda n: setattr(trade(n).victims, "minors", 6)),
    ("offences[0].trafficking.victims.male", lambda n: setattr(trade(n).victims, "male", 3)),
    (
        "offences[0].trafficking.victims.nationalities[1]",
        lambda n: trade(n).victims.nationalities.append("RO"),
    ),
    ("warrants[0].issued_on", lambda n: n.warrants[0].issued_on.CopyFrom(day(2025, 1))),
    ("warrants[0].valid_until", lambda n: n.warrants[0].valid_until.CopyFrom(day(2025, 1, 1))),
    ("warrants[0].copy_language", lambda n: setattr(n.warrants[0], "copy_language", "French")),
    ("sentences[0].judged_on", lambda n: n.sentences[0].judged_on.CopyFrom(day(2024))),
    (
        "assurances.provisional_arrest_countries[1]",
        lambda n: n.assurances.provisional_arrest_countries.append("FR"),
    ),
    ("contacts[0].use", lambda n: n.contacts[0].ClearField("use")),
    ("contacts[0].telephone", lambda n: setattr(n.contacts[0], "telephone", "112")),
    ("contacts[0].email", lambda n: setattr(n.contacts[0], "email", "duty@ncb example")),
    ("contacts[0].languages[0]", lambda n: n.contacts[0].languages.__setitem__(0, "e")),
    ("contacts[1]", lambda n: n.contacts.add(use=pb.NOTICE_CONTACT_USE_OFFICE)),
    ("warnings[0].code", lambda n: n.warnings[0].ClearField("code")),
    ("warnings[0].details", lambda n: setattr(n.warnings[0], "code", 99)),
    ("narratives[0].language", lambda n: setattr(n.narratives[0], "language", "qx")),
    ("grading.scheme", lambda n: n.grading.ClearField("scheme")),
    ("grading.source", lambda n: setattr(n.grading, "source", "D")),
    ("grading.information", lambda n: setattr(n.grading, "information", "5")),
    (
        "grading.source",
        lambda n: n.grading.MergeFrom(pb.Grading(scheme=pb.GRADING_SCHEME_6X6, source="X")),
    ),
    ("sources[0].originator", lambda n: setattr(n.sources[0], "originator", "FR")),
    ("sources[0].notice_id", lambda n: setattr(n.sources[0], "notice_id", "1")),
    ("sources[0].notice_id", lambda n: setattr(n.sources[0], "notice_id", n.notice_id)),
    ("sources[0].version_digest", lambda n: setattr(n.sources[0], "version_digest", b"1")),
    ("sources[0].release_act_id", lambda n: setattr(n.sources[0], "release_act_id", "1")),
    ("sources[1]", lambda n: n.sources.append(n.sources[0])),
    ("misused_identities[0].names", lambda n: n.misused_identities[0].ClearField("names")),
    (
        "misused_identities[0].holder_consents",
        lambda n: n.misused_identities[0].ClearField("holder_consents"),
    ),
    (
        "misused_identities[0].consented_on",
        lambda n: n.misused_identities[0].ClearField("consented_on"),
    ),
    ("protection_widening.reason", lambda n: n.protection_widening.ClearField("reason")),
    ("handling.codes[1]", lambda n: n.handling.codes.append(pb.HANDLING_CODE_H0)),
    ("handling.codes[1]", lambda n: n.handling.codes.append(pb.HANDLING_CODE_UNSPECIFIED)),
    ("handling.onward_agencies[0]", lambda n: onward(n, agencies=["FR"], countries=[])),
    ("handling.onward_countries[1]", lambda n: onward(n, agencies=[], countries=["ZZ", "ZZ"])),
    ("handling.retain_until", lambda n: n.handling.retain_until.CopyFrom(day(2027))),
    ("disappearance", lambda n: setattr(n.disappearance, "kind", 1)),
    ("body_finding", lambda n: n.body_finding.found_on.CopyFrom(known(2025))),
    ("threat", lambda n: setattr(n.threat, "type", 1)),
    ("modus_operandi", lambda n: n.modus_operandi.method.append(text("x"))),
    ("asset_purposes", lambda n: n.asset_purposes.append(pb.ASSET_PURPOSE_LOCATE)),
    ("diffusion_purpose", lambda n: setattr(n, "diffusion_purpose", 1)),
]


def country(notice: pb.Notice, code: str) -> None:
    who(notice).nationalities[0].country = code


def visits(notice: pb.Notice, code: str) -> None:
    who(notice).countries_likely_visited[0] = code


def reach(notice: pb.Notice, number: int, value: str) -> None:
    who(notice).identifiers[number].value = value


@pytest.mark.parametrize(
    ("field", "spoil"),
    SPOILT,
    ids=[f"{number}-{field}" for number, (field, _) in enumerate(SPOILT)],
)
def test_one_fault_is_named_by_its_path_alone(field: str, spoil: Change) -> None:
    notice = full_red()

    spoil(notice)

    assert set(faults(notice)) == {field}


def test_faults_all_over_a_notice_are_named_at_once() -> None:
    notice = full_red()
    born(notice).month = 13
    looks(notice).height_min_cm = 3
    trade(notice).victims.minors = 9
    notice.contacts[0].telephone = "112"

    assert set(faults(notice)) == {
        f"{BIRTH}.date.month",
        f"{LOOKS}.height_min_cm",
        "offences[0].trafficking.victims.minors",
        "contacts[0].telephone",
    }


def test_an_object_notice_is_about_objects_and_tells_no_story() -> None:
    notice = bare_notice(pb.NOTICE_KIND_OBJECT)
    notice.subjects.add().object.CopyFrom(
        pb.Object(type=pb.OBJECT_TYPE_FIREARM, description="a pistol")
    )
    assert faults(notice) == {}

    notice.narratives.append(text("Once upon a time."))
    notice.subjects.add().person.names.append(name("Anna Muster"))

    assert set(faults(notice)) == {"narratives", "subjects[1]"}


@pytest.mark.parametrize(
    ("which", "kind", "value", "is_right"),
    [
        ("VIN", "VEHICLE", "1M8GDM9AXKP042788", True),
        ("VIN", "VEHICLE", "1M8GDM9AXKPO42788", False),  # the letter O
        ("VIN", "VEHICLE", "1M8GDM9AXKP04278", False),
        ("VIN", "VESSEL", "1M8GDM9AXKP042788", False),
        ("NUMBER_PLATE", "VEHICLE", "B-MU 1234", True),
        ("NUMBER_PLATE", "VEHICLE", " B-MU 1234", False),
        ("IMO", "VESSEL", "9074729", True),
        ("IMO", "VESSEL", "9074728", False),
        ("IMO", "VESSEL", "IMO9074729", False),
        ("MMSI", "VESSEL", "211000000", True),
        ("MMSI", "VESSEL", "21100000", False),
        ("TAIL_NUMBER", "AIRCRAFT", "F-ABCD", True),
        ("TAIL_NUMBER", "AIRCRAFT", "N12345", True),
        ("TAIL_NUMBER", "AIRCRAFT", "F--ABCD", False),
        ("SERIAL_NUMBER", "FIREARM", "№ 12", True),
    ],
)
def test_the_numbers_that_objects_bear_are_checked(
    which: str, kind: str, value: str, is_right: bool
) -> None:
    notice = bare_notice(pb.NOTICE_KIND_OBJECT)
    thing = pb.Object(type=pb.ObjectType.Value(f"OBJECT_TYPE_{kind}"))
    scheme = pb.IdentifierScheme.Value(f"IDENTIFIER_SCHEME_{which}")
    thing.identifiers.add(scheme=scheme, value=value)
    notice.subjects.add().object.CopyFrom(thing)

    assert is_right is (faults(notice) == {})


def test_a_letter_that_no_vin_has_is_named_with_what_it_may_be() -> None:
    notice = full_red()
    who(notice).vehicles[0].identifiers[0].value = "WVWZZZ1JZXWO0000I"

    said = "character 12 is O, which no VIN has: 0?; character 17 is I, which no VIN has: 1?"
    assert list(faults(notice).values()) == [said]


@pytest.mark.parametrize(
    ("value", "currency", "at_fault"),
    [
        ("1250000.50", "EUR", set()),
        ("0", "USD", set()),
        ("1,000", "EUR", {"value"}),
        ("1.", "EUR", {"value"}),
        ("-1", "EUR", {"value"}),
        ("007", "EUR", {"value"}),
        ("1e5", "EUR", {"value"}),
        ("١٢", "EUR", {"value"}),
        ("1", "BTC", {"currency"}),
        ("", "", {"value", "currency"}),
    ],
)
def test_an_amount_is_digits_and_a_currency(value: str, currency: str, at_fault: set[str]) -> None:
    notice = bare_notice(pb.NOTICE_KIND_SILVER)
    asset = notice.subjects.add().asset
    asset.type = pb.ASSET_TYPE_CASH
    asset.institution = "A bank"
    asset.estimated_value.CopyFrom(pb.Amount(value=value, currency=currency))

    field = "subjects[0].asset.estimated_value"
    assert set(faults(notice)) == {f"{field}.{name}" for name in at_fault}
