"""A whole notice in words: what is asked first, then who, why, and what may be done with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_text.asked import (
    asked_lines,
    caution_lines,
    headline,
    subject_lines,
    subject_title,
)
from agency_client.notice_text.cases import case_lines, misused_lines
from agency_client.notice_text.fields import field_lines, section, text_lines
from agency_client.notice_text.handling import (
    contact_lines,
    declaration_lines,
    grading_lines,
    handling_lines,
    protection_lines,
    source_lines,
)
from agency_client.notice_text.offences import (
    assurance_lines,
    offence_lines,
    sentence_lines,
    warrant_lines,
)
from agency_client.notice_text.states import IN_FORCE, state_line
from agency_client.notice_text.values import time_text
from comity.v1 import notices_pb2 as pb
from comity.v1.acts_pb2 import WithdrawalAct, WithdrawalReason

DISCLAIMER = "This is not an INTERPOL notice, and by itself it authorises no arrest."

# Of what an agency published that is suspended, or revoked, at the moment of showing it.
SUSPENDED_WARNING = "originator suspended: do not act"

_TOLD = (
    *("requested_actions", "precautions", "warnings", "subjects", "offences", "warrants"),
    *("sentences", "assurances", "disappearance", "body_finding", "threat", "modus_operandi"),
    *("asset_purposes", "diffusion_purpose", "sanctions_listing", "narratives"),
    *("misused_identities", "sources", "handling", "grading", "contacts", "declaration"),
    *("protection_widening", "kind", "traffic", "urgency", "case_reference", "version"),
    *("notice_id", "predecessor_digest", "issued_at", "expires_at", "external_references"),
)


def notice_lines(
    notice: pb.Notice,
    *,
    originator: str,
    state: str,
    is_suspended: bool,
    has_unknown_fields: bool,
    safe: Safe,
) -> Iterator[str]:
    """The whole notice. `is_suspended`: its originator is, and nobody may act on it."""
    yield from _banner_lines(notice, state, is_suspended=is_suspended)
    yield headline(notice, safe)
    yield from asked_lines(notice, safe)
    yield from caution_lines(notice, safe)
    for subject in notice.subjects:
        yield from section(subject_title(subject, safe), subject_lines(subject, safe))
    yield from section("THE CASE", case_lines(notice, safe))
    yield from section("WHY", _why_lines(notice, safe))
    yield from section("NARRATIVE", text_lines("text", notice.narratives, safe))
    for identity in notice.misused_identities:
        yield from section("MISUSED IDENTITY", misused_lines(identity, safe))
    yield from section("HANDLING", _terms_lines(notice, safe))
    yield from section("WHOM TO CALL", contact_lines(notice, safe))
    yield from section("THE NOTICE", _frame_lines(notice, originator, state, safe))
    yield ""
    if has_unknown_fields:
        yield "It holds parts that this version cannot show; they are in its JSON form (--json)."
    yield DISCLAIMER


def withdrawal_line(withdrawal: WithdrawalAct, safe: Safe) -> str:
    """Why a notice was withdrawn."""
    reason = code_words(WithdrawalReason.DESCRIPTOR, withdrawal.reason)
    details = "; ".join(safe(detail.text) for detail in withdrawal.details)
    return f"Withdrawn: {reason}{f' ({details})' if details else ''}."


def _banner_lines(notice: pb.Notice, state: str, *, is_suspended: bool) -> Iterator[str]:
    if is_suspended:
        yield f"! {SUSPENDED_WARNING}"
    if state != IN_FORCE:
        yield state_line(state)
    if notice.traffic == pb.TRAFFIC_EXERCISE:
        yield "EXERCISE: this is no real case."


def _why_lines(notice: pb.Notice, safe: Safe) -> Iterator[str]:
    for offence in notice.offences:
        yield from offence_lines(offence, safe)
    for warrant in notice.warrants:
        yield from warrant_lines(warrant, safe)
    for sentence in notice.sentences:
        yield from sentence_lines(sentence, safe)
    if notice.HasField("assurances"):
        yield from assurance_lines(notice.assurances, safe)


def _terms_lines(notice: pb.Notice, safe: Safe) -> Iterator[str]:
    yield from handling_lines(notice.handling, safe)
    if notice.HasField("grading"):
        yield from grading_lines(notice.grading, safe)
    for source in notice.sources:
        yield from source_lines(source, safe)
    yield from protection_lines(notice, safe)


def _frame_lines(notice: pb.Notice, originator: str, state: str, safe: Safe) -> Iterator[str]:
    kind = code_words(pb.NoticeKind.DESCRIPTOR, notice.kind).upper()
    urgency = code_words(pb.Urgency.DESCRIPTOR, notice.urgency)
    traffic = code_words(pb.Traffic.DESCRIPTOR, notice.traffic)
    yield f"{kind} notice of {safe(originator)}, {urgency}, {traffic}"
    yield f"case {safe(notice.case_reference)}"
    yield from _reference_lines(notice.external_references, safe)
    issued = time_text(notice.issued_at) if notice.HasField("issued_at") else "not stated"
    expires = time_text(notice.expires_at) if notice.HasField("expires_at") else "not stated"
    yield f"version {notice.version}, {state}, issued {issued}, expires {expires}"
    yield f"notice {safe(notice.notice_id)}"
    if notice.predecessor_digest:
        yield f"follows the version SHA-256 {notice.predecessor_digest.hex()}"
    if notice.HasField("declaration"):
        yield from declaration_lines(notice.declaration, safe)
    yield from field_lines(notice, safe, without=_TOLD)


def _reference_lines(references: Iterable[pb.ExternalReference], safe: Safe) -> Iterator[str]:
    for reference in references:
        scheme = code_words(pb.ReferenceScheme.DESCRIPTOR, reference.scheme)
        authority = f" ({safe(reference.authority)})" if reference.authority else ""
        yield f"also {scheme} {safe(reference.value)}{authority}"
        told = ("scheme", "value", "authority")
        yield from field_lines(reference, safe, without=told)
