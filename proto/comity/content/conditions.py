"""Handling, grading, and the notices and persons that set conditions to a notice: their form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from comity.content.names import missing_names
from comity.content.partial_dates import calendar_day, whole_day_violations
from comity.errors import Violation
from comity.identifiers import is_uuid7
from comity.identity import is_agency_id, is_country_code
from comity.times import datetime_from_timestamp
from comity.v1 import notices_pb2 as pb

DIGEST_BYTES = 32  # SHA-256

_GRADES = {
    pb.GRADING_SCHEME_4X4: (re.compile("[ABCX]"), re.compile("[1-4]"), "A, B, C or X", "1 to 4"),
    pb.GRADING_SCHEME_6X6: (re.compile("[A-F]"), re.compile("[1-6]"), "A to F", "1 to 6"),
}


def handling_violations(notice: pb.Notice) -> Iterator[Violation]:
    """What is wrong with the handling of a notice, or missing from it."""
    handling = notice.handling
    if not handling.codes:
        yield Violation("handling.codes", "is missing: H0, H1, H2 or H3")
    if pb.HANDLING_CODE_H3 in handling.codes and not handling.restrictions.strip():
        yield Violation("handling.restrictions", "is missing: H3 says which restrictions hold")
    if not handling.purpose.strip():
        yield Violation("handling.purpose", "is missing: what the data may be used for")
    if not handling.legal_basis.strip():
        yield Violation("handling.legal_basis", "is missing: the law that the transfer rests on")
    yield from _retention(notice)


def _retention(notice: pb.Notice) -> Iterator[Violation]:
    handling = notice.handling
    if not handling.HasField("retain_until"):
        yield Violation("handling.retain_until", "is missing")
        return
    yield from whole_day_violations(handling.retain_until, "handling.retain_until")
    last = calendar_day(handling.retain_until)
    if last is not None and notice.HasField("issued_at"):
        issued_at = datetime_from_timestamp(notice.issued_at)
        if issued_at is not None and last < issued_at.date():
            yield Violation("handling.retain_until", "lies before the time of issue")


def _handling(handling: pb.Handling, field: str) -> Iterator[Violation]:
    for number, agency in enumerate(handling.onward_agencies):
        if not is_agency_id(agency):
            yield Violation(f"{field}.onward_agencies[{number}]", "is not an agency id")
        elif agency in handling.onward_agencies[:number]:
            yield Violation(f"{field}.onward_agencies[{number}]", "stands twice")
    for number, country in enumerate(handling.onward_countries):
        if not is_country_code(country):
            said = "is not an ISO 3166-1 alpha-2 code, nor XK or ZZ"
            yield Violation(f"{field}.onward_countries[{number}]", said)
        elif country in handling.onward_countries[:number]:
            yield Violation(f"{field}.onward_countries[{number}]", "stands twice")


def _grading(grading: pb.Grading, field: str) -> Iterator[Violation]:
    if not grading.scheme:
        yield Violation(f"{field}.scheme", "is missing: 4x4 or 6x6")
    if grading.scheme not in _GRADES:
        return
    source, information, sources, informations = _GRADES[grading.scheme]
    if not source.fullmatch(grading.source):
        yield Violation(f"{field}.source", f"is none of the scheme's: {sources}")
    if not information.fullmatch(grading.information):
        yield Violation(f"{field}.information", f"is none of the scheme's: {informations}")


def _source(source: pb.SourceNotice, field: str) -> Iterator[Violation]:
    if not is_agency_id(source.originator):
        yield Violation(f"{field}.originator", "is not an agency id")
    if not is_uuid7(source.notice_id):
        yield Violation(f"{field}.notice_id", "is not a UUIDv7 in lower case")
    if len(source.version_digest) != DIGEST_BYTES:
        yield Violation(f"{field}.version_digest", "is not a SHA-256 digest of 32 bytes")
    if source.release_act_id and not is_uuid7(source.release_act_id):
        yield Violation(f"{field}.release_act_id", "is neither empty nor a UUIDv7 in lower case")


def source_list_violations(notice: pb.Notice) -> Iterator[Violation]:
    """That a notice names a source twice, or itself."""
    seen: set[tuple[str, str]] = set()
    for number, source in enumerate(notice.sources):
        key = (source.originator, source.notice_id)
        if key in seen:
            yield Violation(f"sources[{number}]", "stands twice")
        elif source.notice_id == notice.notice_id:
            yield Violation(f"sources[{number}].notice_id", "is the notice itself")
        seen.add(key)


def _misused_identity(identity: pb.MisusedIdentity, field: str) -> Iterator[Violation]:
    yield from missing_names(identity.names, f"{field}.names")
    if not identity.holder_consents:
        said = "is missing: nothing of the holder is sent without consent"
        yield Violation(f"{field}.holder_consents", said)
    elif not identity.HasField("consented_on"):
        yield Violation(f"{field}.consented_on", "is missing: the day of the consent")
    if identity.HasField("consented_on"):
        yield from whole_day_violations(identity.consented_on, f"{field}.consented_on")


def _protection_widening(widening: pb.ProtectionWidening, field: str) -> Iterator[Violation]:
    if not any(text.text.strip() for text in widening.reason):
        yield Violation(f"{field}.reason", "is missing: why the protection is widened")


FORMS = {
    "comity.v1.Handling": _handling,
    "comity.v1.Grading": _grading,
    "comity.v1.SourceNotice": _source,
    "comity.v1.MisusedIdentity": _misused_identity,
    "comity.v1.ProtectionWidening": _protection_widening,
}
