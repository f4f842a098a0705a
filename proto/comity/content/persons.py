"""Persons in a notice, what can be seen of them and what is held of them: their form."""

from __future__ import annotations

from collections.abc import Iterator

from comity.content.names import (
    country_list_violations,
    country_violations,
    language_list_violations,
    missing_names,
    range_violations,
)
from comity.errors import Violation
from comity.v1 import notices_pb2 as pb

# From the shortest to the tallest, the lightest to the heaviest person of whom a record tells,
# newborn children included; beyond them a unit is wrong.
HEIGHT_CM = (20, 272)
WEIGHT_KG = (1, 650)
AGE_YEARS = (0, 120)

DIGEST_BYTES = 32  # SHA-256


def _person(person: pb.Person, field: str) -> Iterator[Violation]:
    yield from language_list_violations(person.languages, f"{field}.languages")
    visited = f"{field}.countries_likely_visited"
    yield from country_list_violations(person.countries_likely_visited, visited)
    for name in ("titles", "occupations"):
        for number, text in enumerate(getattr(person, name)):
            if not text.strip():
                yield Violation(f"{field}.{name}[{number}]", "is empty")
    for number, vehicle in enumerate(person.vehicles):
        if vehicle.type and vehicle.type not in _VEHICLES:
            yield Violation(f"{field}.vehicles[{number}].type", "is no vehicle, vessel or aircraft")


def _nationality(nationality: pb.Nationality, field: str) -> Iterator[Violation]:
    yield from country_violations(nationality.country, f"{field}.country")
    if not (nationality.country or nationality.country_text.strip()):
        yield Violation(field, "names no country")


def _description(description: pb.PhysicalDescription, field: str) -> Iterator[Violation]:
    for name, bounds in (("height_{}_cm", HEIGHT_CM), ("weight_{}_kg", WEIGHT_KG)):
        names = (name.format("min"), name.format("max"))
        smallest, largest = getattr(description, names[0]), getattr(description, names[1])
        yield from range_violations(smallest, largest, bounds=bounds, field=field, names=names)
    yield from range_violations(
        description.apparent_age_min,
        description.apparent_age_max,
        bounds=AGE_YEARS,
        field=field,
        names=("apparent_age_min", "apparent_age_max"),
    )


def _mark(mark: pb.DistinguishingMark, field: str) -> Iterator[Violation]:
    if not mark.kind:
        yield Violation(f"{field}.kind", "is missing")
    if not mark.location.strip() and not mark.description:
        yield Violation(field, "has neither a place on the body nor a description")


def _biometric(biometric: pb.BiometricReference, field: str) -> Iterator[Violation]:
    if not biometric.type:
        yield Violation(f"{field}.type", "is missing")
    if len(biometric.digest) not in (0, DIGEST_BYTES):
        yield Violation(f"{field}.digest", "is not a SHA-256 digest: 32 bytes, or empty")
    if biometric.quality and biometric.type not in _OF_A_FACE:
        yield Violation(f"{field}.quality", "goes with a portrait only")


def _relative(relative: pb.Relative, field: str) -> Iterator[Violation]:
    if not relative.kind:
        yield Violation(f"{field}.kind", "is missing")
    yield from missing_names(relative.names, f"{field}.names")


_OF_A_FACE = frozenset({pb.BIOMETRIC_TYPE_UNSPECIFIED, pb.BIOMETRIC_TYPE_PORTRAIT})
_VEHICLES = frozenset({pb.OBJECT_TYPE_VEHICLE, pb.OBJECT_TYPE_VESSEL, pb.OBJECT_TYPE_AIRCRAFT})

FORMS = {
    "comity.v1.Person": _person,
    "comity.v1.Nationality": _nationality,
    "comity.v1.PhysicalDescription": _description,
    "comity.v1.DistinguishingMark": _mark,
    "comity.v1.BiometricReference": _biometric,
    "comity.v1.Relative": _relative,
}
