"""Offences, penalties, warrants, sentences and trafficking in persons: their form.

Whether an offence is grave enough, or excluded, is the legal minimum's to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from comity.code_lists import is_language
from comity.content.names import country_list_violations, country_violations
from comity.content.partial_dates import whole_day_violations
from comity.errors import Violation
from comity.v1 import notices_pb2 as pb

# Sentences add up to centuries in some States; past these a unit is wrong.
MAX_PENALTY = {"years": 1_000, "months": 1_200, "days": 36_525}
MAX_PERSONS = 100_000  # of one group of victims


def _offence(offence: pb.Offence, field: str) -> Iterator[Violation]:
    if not offence.code:
        yield Violation(f"{field}.code", "is missing")
    if offence.HasField("time_limit"):
        yield from whole_day_violations(offence.time_limit, f"{field}.time_limit")
        if offence.has_no_time_limit:
            yield Violation(f"{field}.time_limit", "is given, and said not to exist")
    is_other = offence.code not in (0, pb.OFFENCE_CODE_TRAFFICKING_IN_PERSONS)
    if offence.HasField("trafficking") and is_other:
        yield Violation(f"{field}.trafficking", "goes with TRAFFICKING_IN_PERSONS only")


def _penalty(penalty: pb.Penalty, field: str) -> Iterator[Violation]:
    amounts = {"years": penalty.years, "months": penalty.months, "days": penalty.days}
    for name, amount in amounts.items():
        if amount > MAX_PENALTY[name]:
            yield Violation(f"{field}.{name}", f"is more than {MAX_PENALTY[name]:,}")
    if not any((*amounts.values(), penalty.life, penalty.death)):
        yield Violation(field, "says no length")


def _law(law: pb.LawReference, field: str) -> Iterator[Violation]:
    yield from country_violations(law.country, f"{field}.country")
    if not law.law.strip() and not law.article.strip():
        yield Violation(f"{field}.law", "is missing: the act, or its article")


def _person_group(group: pb.PersonGroup, field: str) -> Iterator[Violation]:
    if max(group.count, group.minors, group.female, group.male) > MAX_PERSONS:
        yield Violation(f"{field}.count", f"is more than {MAX_PERSONS:,}")
    if group.count and group.minors > group.count:
        yield Violation(f"{field}.minors", "is more than the whole group")
    if group.count and group.female + group.male > group.count:
        yield Violation(f"{field}.male", "makes with the female more than the whole group")
    yield from country_list_violations(group.nationalities, f"{field}.nationalities")


def _warrant(warrant: pb.Warrant, field: str) -> Iterator[Violation]:
    for name in ("issued_on", "valid_until"):
        if warrant.HasField(name):
            yield from whole_day_violations(getattr(warrant, name), f"{field}.{name}")
    if warrant.copy_language and not is_language(warrant.copy_language):
        yield Violation(f"{field}.copy_language", "is not an ISO 639 code such as 'ar'")
    if _is_before(warrant, "valid_until", "issued_on"):
        yield Violation(f"{field}.valid_until", "lies before the day of issue")


def _is_before(warrant: pb.Warrant, first: str, second: str) -> bool:
    if not (warrant.HasField(first) and warrant.HasField(second)):  # type: ignore[arg-type]
        return False
    one, other = getattr(warrant, first), getattr(warrant, second)
    return bool((one.year, one.month, one.day) < (other.year, other.month, other.day))


def _sentence(sentence: pb.Sentence, field: str) -> Iterator[Violation]:
    if sentence.HasField("judged_on"):
        yield from whole_day_violations(sentence.judged_on, f"{field}.judged_on")


def _assurances(assurances: pb.Assurances, field: str) -> Iterator[Violation]:
    countries = f"{field}.provisional_arrest_countries"
    yield from country_list_violations(assurances.provisional_arrest_countries, countries)


FORMS = {
    "comity.v1.Offence": _offence,
    "comity.v1.Penalty": _penalty,
    "comity.v1.LawReference": _law,
    "comity.v1.PersonGroup": _person_group,
    "comity.v1.Warrant": _warrant,
    "comity.v1.Sentence": _sentence,
    "comity.v1.Assurances": _assurances,
}
