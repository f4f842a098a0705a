"""The form of a notice: what makes one well-formed, checked alike by client and hub.

Says everything that is wrong with a notice at once. Judges form only; whether a notice has what
the law demands is the legal minimum's to say. Never touches the network or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from comity.acts import DIGEST_BYTES
from comity.content.conditions import handling_violations, source_list_violations
from comity.content.forms import FORMS
from comity.content.kinds import kind_violations, subject_violations
from comity.errors import NoticeInvalid, TooLarge, Violation
from comity.identifiers import is_uuid7
from comity.texts import code_and_text_violations
from comity.times import datetime_from_timestamp
from comity.v1 import notices_pb2 as pb

MAX_NOTICE_BYTES = (
    262_144  # a gRPC message stops at 4 MiB, and a window holds at least four notices
)
MAX_LIFE = timedelta(days=5 * 366)  # retention is at most 5 years before a notice is re-examined


def verify_notice(notice: pb.Notice) -> None:
    """Verifies that a notice is well-formed.

    Raises: TooLarge; NoticeInvalid with a violation for every field at fault.
    """
    if notice.ByteSize() > MAX_NOTICE_BYTES:
        raise TooLarge(f"A notice is at most {MAX_NOTICE_BYTES:,} bytes.")
    violations = code_and_text_violations(notice, forms=FORMS)
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


def _narratives(notice: pb.Notice) -> Iterator[Violation]:
    seen: set[str] = set()
    for number, narrative in enumerate(notice.narratives):
        if narrative.language in seen:
            yield Violation(f"narratives[{number}].language", "stands twice")
        seen.add(narrative.language)
    if sum(narrative.original for narrative in notice.narratives) > 1:
        yield Violation("narratives", "has more than one original")


_CHECKS: tuple[Callable[[pb.Notice], Iterator[Violation]], ...] = (
    _identity,
    _codes,
    _actions,
    _times,
    subject_violations,
    _narratives,
    handling_violations,
    kind_violations,
    source_list_violations,
)
