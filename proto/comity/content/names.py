"""Names and places of whomever a notice is about: their form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from comity.code_lists import is_language, is_script
from comity.errors import Violation
from comity.identity import is_territory_code
from comity.v1 import notices_pb2 as pb


def name_violations(name: pb.Name, field: str) -> Iterator[Violation]:
    """What is wrong with a name. Combining marks and mixed scripts are right: names have them."""
    if not name.full.strip():
        yield Violation(f"{field}.full", "is missing: the whole name in reading order")
    if not name.type:
        yield Violation(f"{field}.type", "is missing")
    if name.script and not is_script(name.script):
        yield Violation(f"{field}.script", "is not an ISO 15924 code such as 'Latn' or 'Arab'")
    for number, part in enumerate(name.parts):
        if not part.type:
            yield Violation(f"{field}.parts[{number}].type", "is missing")
        if not part.value.strip():
            yield Violation(f"{field}.parts[{number}].value", "is missing")


def place_violations(place: pb.Place, field: str) -> Iterator[Violation]:
    """What is wrong with a place."""
    yield from country_violations(place.country, f"{field}.country")


def missing_names(names: Sequence[pb.Name], field: str) -> Iterator[Violation]:
    """That somebody has no name who needs one."""
    if not names:
        yield Violation(field, "is missing: at least one name")


def country_violations(code: str, field: str) -> Iterator[Violation]:
    """What is wrong with the code of a country, which may be empty."""
    if code and not is_territory_code(code):
        yield Violation(field, "is not an ISO 3166-1 alpha-2 code, nor XK")


def country_list_violations(codes: Sequence[str], field: str) -> Iterator[Violation]:
    """What is wrong with a list of countries: each a code, and each once."""
    for number, code in enumerate(codes):
        if not is_territory_code(code):
            yield Violation(f"{field}[{number}]", "is not an ISO 3166-1 alpha-2 code, nor XK")
        elif code in codes[:number]:
            yield Violation(f"{field}[{number}]", "stands twice")


def language_list_violations(codes: Sequence[str], field: str) -> Iterator[Violation]:
    """What is wrong with a list of languages: each an ISO 639 code, and each once."""
    for number, code in enumerate(codes):
        if not is_language(code):
            yield Violation(f"{field}[{number}]", "is not an ISO 639 code such as 'ar'")
        elif code in codes[:number]:
            yield Violation(f"{field}[{number}]", "stands twice")


def range_violations(
    smallest: int, largest: int, *, bounds: tuple[int, int], field: str, names: tuple[str, str]
) -> Iterator[Violation]:
    """What is wrong with a range of which 0 is an end that is not known."""
    low, high = bounds
    for value, name in ((smallest, names[0]), (largest, names[1])):
        if value and not low <= value <= high:
            yield Violation(f"{field}.{name}", f"is not between {low} and {high}")
    if smallest and largest and largest < smallest:
        yield Violation(f"{field}.{names[1]}", f"is less than {names[0]}")


FORMS = {"comity.v1.Name": name_violations, "comity.v1.Place": place_violations}
