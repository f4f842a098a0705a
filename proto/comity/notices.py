"""The form of a notice: what makes one well-formed, checked alike by client and hub.

Says everything that is wrong with a notice at once. Judges form only; whether a notice has what
the law demands is the legal minimum's to say. Never touches the network or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from comity.acts import DIGEST_BYTES
from comity.errors import NoticeInvalid, TooLarge, Violation
from comity.identifiers import is_uuid7
from comity.subjects import calendar_day, subject_violations
from comity.texts import code_and_text_violations
from comity.times import datetime_from_timestamp
from comity.v1 import notices_pb2 as pb

MAX_NOTICE_BYTES = (
    262_144  # a gRPC message stops at 4 MiB, and a window holds at least four notices
)
MAX_LIFE = timedelta(days=5 * 366)  # retention is at most 5 years before a notice is re-examined

# Notices of these kinds may be about an event or a method and nobody in particular.
KINDS_WITHOUT_SUBJECT = frozenset({pb.NOTICE_KIND_ORANGE, pb.NOTICE_KIND_PURPLE})


def verify_notice(notice: pb.Notice) -> None:
    """Verifies that a notice is well-formed.

    Raises: TooLarge; NoticeInvalid with a violation for every field at fault.
    """
    if notice.ByteSize() > MAX_NOTICE_BYTES:
        raise TooLarge(f"A notice is at most {MAX_NOTICE_BYTES:,} bytes.")
    violations = code_and_text_violations(notice)
    for check in _CHECKS:
        violations.extend(check(notice))
    if violations:
        raise NoticeInvalid(violations=violations)


def _identity(notice: pb.Notice) -> Iterator[Violation]:
    if not is_uuid7(notice.notice_id):
        yield Violation("notice_id", "is not a UUIDv7 in lower case")
    if notice.version < 1:
        yield Violation("version", "counts from 1")
    elif notice.version == 1 and notice.predecessor_digest:
        yield Violation("predecessor_digest", "the first version has no predecessor")
    elif notice.version > 1 and len(notice.predecessor_digest) != DIGEST_BYTES:
        yield Violation("predecessor_digest", "is not the SHA-256 digest of the version before")
    if not notice.case_reference.strip():
        yield Violation("case_reference", "is missing: the originator's own case number")


def _codes(notice: pb.Notice) -> Iterator[Violation]:
    if not notice.kind:
        yield Violation("kind", "is missing")
    if not notice.traffic:
        yield Violation("traffic", "is missing: say whether this is live or an exercise")
    if not notice.urgency:
        yield Violation("urgency", "is missing")


def _actions(notice: pb.Notice) -> Iterator[Violation]:
    if not notice.requested_actions:
        yield Violation("requested_actions", "is missing: say what the addressee is asked to do")
    for number, action in enumerate(notice.requested_actions):
        field = f"requested_actions[{number}]"
        if not action.code:
            yield Violation(f"{field}.code", "is missing")
        if action.code == pb.ACTION_CODE_OTHER and not action.details:
            yield Violation(f"{field}.details", "is missing: say what the other action is")
    for number, precaution in enumerate(notice.precautions):
        field = f"precautions[{number}]"
        if not precaution.code:
            yield Violation(f"{field}.code", "is missing")
        if precaution.code == pb.PRECAUTION_CODE_OTHER and not precaution.details:
            yield Violation(f"{field}.details", "is missing: say what the other precaution is")


def _references(notice: pb.Notice) -> Iterator[Violation]:
    for number, reference in enumerate(notice.external_references):
        if not reference.scheme:
            yield Violation(f"external_references[{number}].scheme", "is missing")
        if not reference.value.strip():
            yield Violation(f"external_references[{number}].value", "is missing")


def _times(notice: pb.Notice) -> Iterator[Violation]:
    issued_at = datetime_from_timestamp(notice.issued_at) if notice.HasField("issued_at") else None
    expires_at = (
        datetime_from_timestamp(notice.expires_at) if notice.HasField("expires_at") else None
    )
    if issued_at is None:
        yield Violation("issued_at", "is missing or no valid time")
    if expires_at is None:
        yield Violation("expires_at", "is missing or no valid time")
    if issued_at is None or expires_at is None:
        return
    if expires_at <= issued_at:
        yield Violation("expires_at", "is not after the time of issue")
    elif expires_at - issued_at > MAX_LIFE:
        yield Violation("expires_at", "is more than 5 years after the time of issue")


def _subjects(notice: pb.Notice) -> Iterator[Violation]:
    if not notice.subjects and notice.kind not in KINDS_WITHOUT_SUBJECT:
        yield Violation("subjects", "is missing: say whom or what the notice is about")
    for number, subject in enumerate(notice.subjects):
        yield from subject_violations(subject, kind=notice.kind, field=f"subjects[{number}]")


def _narratives(notice: pb.Notice) -> Iterator[Violation]:
    seen: set[str] = set()
    for number, narrative in enumerate(notice.narratives):
        if narrative.language in seen:
            yield Violation(f"narratives[{number}].language", "stands twice")
        seen.add(narrative.language)
    if sum(narrative.original for narrative in notice.narratives) > 1:
        yield Violation("narratives", "has more than one original")


def _handling(notice: pb.Notice) -> Iterator[Violation]:
    handling = notice.handling
    if not handling.codes:
        yield Violation("handling.codes", "is missing: H0, H1, H2 or H3")
    if pb.HANDLING_CODE_H3 in handling.codes and not handling.restrictions.strip():
        yield Violation("handling.restrictions", "is missing: H3 says which restrictions hold")
    if not handling.purpose.strip():
        yield Violation("handling.purpose", "is missing: what the data may be used for")
    if not handling.legal_basis.strip():
        yield Violation("handling.legal_basis", "is missing: the law that the transfer rests on")
    retain_until = _retention_day(handling)
    if retain_until is None:
        yield Violation("handling.retain_until", "is missing or no day of the calendar")
    elif notice.HasField("issued_at"):
        issued_at = datetime_from_timestamp(notice.issued_at)
        if issued_at is not None and retain_until < issued_at.date():
            yield Violation("handling.retain_until", "lies before the time of issue")


def _retention_day(handling: pb.Handling) -> date | None:
    return calendar_day(handling.retain_until) if handling.HasField("retain_until") else None


def _sanctions_listing(notice: pb.Notice) -> Iterator[Violation]:
    is_sanctions = notice.kind == pb.NOTICE_KIND_UN_SANCTIONS
    if notice.HasField("sanctions_listing") and not is_sanctions:
        yield Violation("sanctions_listing", "belongs to notices of kind UN_SANCTIONS only")
    if is_sanctions and not notice.sanctions_listing.reference_number.strip():
        yield Violation("sanctions_listing.reference_number", "is missing")


_CHECKS: tuple[Callable[[pb.Notice], Iterator[Violation]], ...] = (
    _identity,
    _codes,
    _actions,
    _references,
    _times,
    _subjects,
    _narratives,
    _handling,
    _sanctions_listing,
)
