"""How a person can be recognised, in words: description, distinguishing marks, biometrics."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_text.fields import field_lines, indented, text_lines
from agency_client.notice_text.values import date_text, range_text, with_notes
from comity.v1 import notices_pb2 as pb

_TOLD = (
    *("height_min_cm", "height_max_cm", "weight_min_kg", "weight_max_kg", "eye_colour"),
    *("hair_colour", "build", "marks", "remarks", "apparent_age_min", "apparent_age_max"),
    "clothing",
)

_EYES = {
    pb.EYE_COLOUR_DIFFERENT: "eyes of two colours",
    pb.EYE_COLOUR_OTHER: "eyes of another colour",
}
_HAIR = {pb.HAIR_COLOUR_BALD: "bald", pb.HAIR_COLOUR_OTHER: "hair of another colour"}


def description_lines(description: pb.PhysicalDescription, safe: Safe) -> Iterator[str]:
    """What can be seen of a person, with units."""
    looks = [*_measures(description), *_colours(description)]
    if looks:
        yield f"looks: {', '.join(looks)}"
    for mark in description.marks:
        yield f"mark: {_mark_text(mark, safe)}"
        yield from indented(text_lines("description", mark.description, safe))
    yield from text_lines("wears or carries", description.clothing, safe)
    yield from text_lines("also", description.remarks, safe)
    yield from field_lines(description, safe, without=_TOLD)


def _measures(description: pb.PhysicalDescription) -> Iterator[str]:
    for word, measure, unit in (
        ("height", "height_{}_cm", "cm"),
        ("weight", "weight_{}_kg", "kg"),
        ("looks aged", "apparent_age_{}", "years"),
    ):
        low, high = (getattr(description, measure.format(end)) for end in ("min", "max"))
        if low or high:
            yield f"{word} {range_text(low, high, unit)}"


def _colours(description: pb.PhysicalDescription) -> Iterator[str]:
    eyes, hair = description.eye_colour, description.hair_colour
    if eyes:
        yield _EYES.get(eyes) or f"{code_words(pb.EyeColour.DESCRIPTOR, eyes)} eyes"
    if hair:
        yield _HAIR.get(hair) or f"{code_words(pb.HairColour.DESCRIPTOR, hair)} hair"
    if description.build:
        yield f"{code_words(pb.Build.DESCRIPTOR, description.build)} build"


def _mark_text(mark: pb.DistinguishingMark, safe: Safe) -> str:
    kind = code_words(pb.MarkKind.DESCRIPTOR, mark.kind)
    return f"{kind}, {safe(mark.location)}" if mark.location else kind


def biometric_text(biometric: pb.BiometricReference, safe: Safe) -> str:
    """That biometric data exist, under which number, and who holds them."""
    kind = code_words(pb.BiometricType.DESCRIPTOR, biometric.type)
    words = f"biometrics: {kind}"
    words += f", {safe(biometric.reference)}" if biometric.reference else ""
    words += f", held by {safe(biometric.held_by)}" if biometric.held_by else ""
    notes = []
    if biometric.HasField("taken_on"):
        notes.append(f"taken {date_text(biometric.taken_on, safe)}")
    if biometric.quality:
        notes.append(f"{code_words(pb.PortraitQuality.DESCRIPTOR, biometric.quality)} quality")
    if biometric.digest:
        notes.append(f"SHA-256 {biometric.digest.hex()}")
    return with_notes(words, notes)
