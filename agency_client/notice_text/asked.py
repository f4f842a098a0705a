"""What a notice asks, what not to do and what to beware of, in words; and whom it is about."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_text.fields import field_lines, indented, text_lines
from agency_client.notice_text.people import person_lines, person_title
from agency_client.notice_text.things import (
    asset_lines,
    asset_title,
    object_lines,
    object_title,
    organisation_lines,
)
from agency_client.notice_text.values import leading_text
from comity.v1 import notices_pb2 as pb

_CODE_AND_DETAILS = ("code", "details")


def headline(notice: pb.Notice, safe: Safe) -> str:
    """What is asked, and about whom, in one line."""
    asked = "; ".join(_asked(action, safe) for action in notice.requested_actions)
    about = "; ".join(subject_title(subject, safe) for subject in notice.subjects)
    return f"{asked}: {about}" if about else asked


def _asked(action: pb.RequestedAction, safe: Safe) -> str:
    words = code_words(pb.ActionCode.DESCRIPTOR, action.code).capitalize()
    details = leading_text(action.details, safe)
    if action.code == pb.ACTION_CODE_OTHER and details:
        return details
    return f"{words} ({details})" if details else words


def asked_lines(notice: pb.Notice, safe: Safe) -> Iterator[str]:
    """What is asked in full, where more was written about it than its code says."""
    for action in notice.requested_actions:
        words = code_words(pb.ActionCode.DESCRIPTOR, action.code)
        yield from indented(text_lines(words, action.details, safe))
        yield from indented(field_lines(action, safe, without=_CODE_AND_DETAILS))


def caution_lines(notice: pb.Notice, safe: Safe) -> Iterator[str]:
    """Who is in danger, what not to do or to do first, what to beware of."""
    if notice.disappearance.in_danger:
        yield "! IN DANGER: life, limb or liberty are in danger now."
    for precaution in notice.precautions:
        words = code_words(pb.PrecautionCode.DESCRIPTOR, precaution.code).capitalize()
        is_other = precaution.code == pb.PRECAUTION_CODE_OTHER
        yield f"! {(is_other and leading_text(precaution.details, safe)) or words}"
        yield from indented(text_lines("details", precaution.details, safe))
        yield from indented(field_lines(precaution, safe, without=_CODE_AND_DETAILS))
    for warning in notice.warnings:
        words = code_words(pb.WarningCode.DESCRIPTOR, warning.code)
        yield f"! WARNING: {words if warning.code != pb.WARNING_CODE_OTHER else 'see details'}"
        yield from indented(text_lines("details", warning.details, safe))
        yield from indented(field_lines(warning, safe, without=_CODE_AND_DETAILS))


def subject_title(subject: pb.Subject, safe: Safe) -> str:
    """Whom or what a notice is about, in a few words."""
    if subject.HasField("object"):
        return object_title(subject.object, safe)
    if subject.HasField("asset"):
        return asset_title(subject.asset, safe)
    if subject.HasField("organisation"):
        return safe(subject.organisation.names[0].full) if subject.organisation.names else "?"
    return person_title(subject.person, safe)


def subject_lines(subject: pb.Subject, safe: Safe) -> Iterator[str]:
    """Whom or what a notice is about, in full."""
    if subject.HasField("person"):
        yield from person_lines(subject.person, safe)
    elif subject.HasField("organisation"):
        yield from organisation_lines(subject.organisation, safe)
    elif subject.HasField("object"):
        yield from object_lines(subject.object, safe)
    elif subject.HasField("asset"):
        yield from asset_lines(subject.asset, safe)
    else:
        yield from field_lines(subject, safe)
