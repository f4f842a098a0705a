"""What may be asked: purposes, filters, facts of a case. Checked before anything is looked up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from comity.acts import has_unknown_fields
from comity.errors import MalformedInput, Violation
from comity.identity import is_country_code
from comity.texts import code_and_text_violations
from comity.v1 import directory_pb2 as pb
from comity.v1 import ledger_pb2
from comity.v1.officers_pb2 import ROLE_AUDITOR, ROLE_OVERSIGHT
from directory.instruments.tables import instruments, is_article_of
from directory.languages import SHOWN_LANGUAGES, is_language_code
from directory.services.calls import Caller, officer_of
from directory.services.withholding import CASE_ROLES
from directory.timetable import known_zones

MAX_QUERY_CHARS = 200  # the longest name of an authority in the sample has about 90
MAX_CODES = 60  # of one kind in a filter; more is no filter any longer


def purpose_of(
    caller: Caller, said: ledger_pb2.LookUpPurpose.ValueType
) -> ledger_pb2.LookUpPurpose.ValueType:
    """Why a caller looks something up: what was said, else what the role is there for."""
    if said:
        return said
    roles = officer_of(caller).roles
    if roles & CASE_ROLES:
        return ledger_pb2.LOOK_UP_PURPOSE_CASE
    if roles & {ROLE_AUDITOR, ROLE_OVERSIGHT}:
        return ledger_pb2.LOOK_UP_PURPOSE_AUDIT
    return ledger_pb2.LOOK_UP_PURPOSE_KEEPING


def require_reader(language: str, time_zone: str = "") -> None:
    """Requires somebody to read a language that the directory is shown in, by a clock there is.

    Raises: MalformedInput with everything at fault.
    """
    violations = []
    if language and language not in SHOWN_LANGUAGES:
        shown = ", ".join(SHOWN_LANGUAGES)
        violations.append(Violation("language", f"is none that the directory is shown in: {shown}"))
    if time_zone and time_zone not in known_zones():
        violations.append(Violation("time_zone", "is no IANA time zone such as Africa/Nairobi"))
    _require_none(violations)


def require_enquiry(request: pb.FindAuthoritiesRequest) -> None:
    """Requires what is to be found to be something that there can be.

    Raises: MalformedInput with everything at fault.
    """
    query = request.filter
    violations = code_and_text_violations(request)
    violations += _codes(query)
    if query.article and not query.instrument:
        violations.append(Violation("filter.instrument", "is missing: an article is of one"))
    violations += _instrument(query.instrument, query.article, "filter.")
    if len(query.text) > MAX_QUERY_CHARS:
        said = f"is longer than {MAX_QUERY_CHARS} characters"
        violations.append(Violation("filter.text", said))
    if has_unknown_fields(request):
        violations.append(Violation("filter", "holds fields that this version does not know"))
    _require_none(violations)


def require_facts(request: pb.ResolveAuthorityRequest) -> None:
    """Requires the facts of a case to be such as can be.

    Raises: MalformedInput with everything at fault.
    """
    violations = code_and_text_violations(request)
    if not is_country_code(request.country):
        violations.append(Violation("country", _NO_COUNTRY))
    if not request.competence:
        violations.append(Violation("competence", "is missing: what is to be done"))
    if request.article and not request.instrument:
        violations.append(Violation("instrument", "is missing: an article is of one"))
    violations += _instrument(request.instrument, request.article, "")
    violations += _languages(request.languages, "languages")
    if has_unknown_fields(request):
        violations.append(Violation("request", "holds fields that this version does not know"))
    _require_none(violations)


_NO_COUNTRY = "is no country: ISO 3166-1 alpha-2, XK, or ZZ for an international body"


def _codes(query: pb.AuthorityFilter) -> Iterator[Violation]:
    for name in ("countries", "competences", "languages", "channels", "freshness"):
        if len(getattr(query, name)) > MAX_CODES:
            yield Violation(f"filter.{name}", f"names more than {MAX_CODES}")
    for number, country in enumerate(query.countries):
        if not is_country_code(country):
            yield Violation(f"filter.countries[{number}]", _NO_COUNTRY)
    yield from _languages(query.languages, "filter.languages")


def _languages(codes: Sequence[str], field: str) -> Iterator[Violation]:
    for number, code in enumerate(codes):
        if not is_language_code(code):
            yield Violation(f"{field}[{number}]", "is no language: ISO 639, such as en, ar or zh")


def _instrument(code: str, article: str, prefix: str) -> Iterator[Violation]:
    if not code:
        return
    known = instruments().get(code)
    if known is None:
        yield Violation(f"{prefix}instrument", f"is not one of {', '.join(instruments())}")
    elif article and not is_article_of(known, article):
        has = f"; the table has {', '.join(known.topics)}" if known.topics else ""
        yield Violation(f"{prefix}article", f"is no article of {code}{has}")


def _require_none(violations: Sequence[Violation]) -> None:
    if violations:
        raise MalformedInput(violations=violations)
