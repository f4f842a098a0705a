"""What only some kinds of notice carry, in words: disappearance, body, threat, method, listing."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_text.fields import codes_text, field_lines, indented, text_lines
from agency_client.notice_text.people import name_lines
from agency_client.notice_text.things import document_lines
from agency_client.notice_text.values import calendar_text, date_text, name_text, place_text
from comity.v1 import notices_pb2 as pb

_DISAPPEARANCE_TOLD = (
    *("kind", "disappeared_on", "last_seen", "risks", "in_danger", "circumstances"),
    *("accompanied_by", "consents_to_inform_relatives"),
)
_BODY_TOLD = ("found_on", "found_at", "died_on", "circumstances", "belongings")
_THREAT_TOLD = ("type", "expected_on", "places", "recognition", "protection")
_METHOD_TOLD = (
    *("offences", "method", "devices", "concealment", "countermeasures", "first_seen_on"),
    "places",
)
_MISUSED_TOLD = ("names", "documents", "holder_consents", "consented_on", "distinction")
_DISAPPEARANCE_WORDS = {
    pb.DISAPPEARANCE_KIND_MISSING: "Missing",
    pb.DISAPPEARANCE_KIND_UNIDENTIFIED: "Found, and cannot say who they are",
    pb.DISAPPEARANCE_KIND_AT_RISK: "Not missing yet, at risk",
}


def case_lines(notice: pb.Notice, safe: Safe) -> Iterator[str]:
    """What the kind of the notice alone carries."""
    if notice.diffusion_purpose:
        purpose = code_words(pb.DiffusionPurpose.DESCRIPTOR, notice.diffusion_purpose)
        yield f"diffusion for: {purpose}"
    if notice.asset_purposes:
        purposes = codes_text(pb.AssetPurpose.DESCRIPTOR, notice.asset_purposes)
        yield f"what is asked about the assets: {purposes}"
    if notice.HasField("disappearance"):
        yield from _disappearance_lines(notice.disappearance, safe)
    if notice.HasField("body_finding"):
        yield from _body_lines(notice.body_finding, safe)
    if notice.HasField("threat"):
        yield from _threat_lines(notice.threat, safe)
    if notice.HasField("modus_operandi"):
        yield from _method_lines(notice.modus_operandi, safe)
    if notice.HasField("sanctions_listing"):
        yield "listed by the United Nations Security Council:"
        yield from indented(field_lines(notice.sanctions_listing, safe))


def _disappearance_lines(case: pb.Disappearance, safe: Safe) -> Iterator[str]:
    words = _DISAPPEARANCE_WORDS.get(case.kind) or f"disappearance: code {case.kind}"
    words += (
        f" since {date_text(case.disappeared_on, safe)}" if case.HasField("disappeared_on") else ""
    )
    yield words
    if case.HasField("last_seen"):
        yield f"last seen: {place_text(case.last_seen, safe)}"
    if case.risks:
        yield f"at risk of: {codes_text(pb.RiskCode.DESCRIPTOR, case.risks)}"
    yield from text_lines("circumstances", case.circumstances, safe)
    yield from (f"may be with: {name_text(name, safe)}" for name in case.accompanied_by)
    does = "agrees" if case.consents_to_inform_relatives else "has NOT agreed"
    yield f"Once found: an adult {does} that relatives are told."
    yield from field_lines(case, safe, without=_DISAPPEARANCE_TOLD)


def _body_lines(case: pb.BodyFinding, safe: Safe) -> Iterator[str]:
    words = "body found"
    words += f" {date_text(case.found_on, safe)}" if case.HasField("found_on") else ""
    yield f"{words}, {place_text(case.found_at, safe)}" if case.HasField("found_at") else words
    if case.HasField("died_on"):
        yield f"died: {date_text(case.died_on, safe)}"
    yield from text_lines("circumstances", case.circumstances, safe)
    yield from text_lines("belongings", case.belongings, safe)
    yield from field_lines(case, safe, without=_BODY_TOLD)


def _threat_lines(case: pb.Threat, safe: Safe) -> Iterator[str]:
    yield f"threat by: {code_words(pb.ThreatType.DESCRIPTOR, case.type)}"
    if case.HasField("expected_on"):
        yield f"expected: {date_text(case.expected_on, safe)}"
    yield from (f"where: {place_text(place, safe)}" for place in case.places)
    yield from text_lines("how to recognise it", case.recognition, safe)
    yield from text_lines("how to protect oneself", case.protection, safe)
    yield from field_lines(case, safe, without=_THREAT_TOLD)


def _method_lines(case: pb.ModusOperandi, safe: Safe) -> Iterator[str]:
    if case.offences:
        yield f"used for: {codes_text(pb.OffenceCode.DESCRIPTOR, case.offences)}"
    yield from text_lines("method", case.method, safe)
    yield from text_lines("devices", case.devices, safe)
    yield from text_lines("concealment", case.concealment, safe)
    yield from text_lines("what helps against it", case.countermeasures, safe)
    if case.HasField("first_seen_on"):
        yield f"first seen: {date_text(case.first_seen_on, safe)}"
    yield from (f"seen in: {place_text(place, safe)}" for place in case.places)
    yield from field_lines(case, safe, without=_METHOD_TOLD)


def misused_lines(identity: pb.MisusedIdentity, safe: Safe) -> Iterator[str]:
    """An identity that is another person's, who must not be taken for the subject."""
    yield "The subject uses the identity of somebody else, who is not sought:"
    if identity.holder_consents:
        yield from indented(_holder_lines(identity, safe))
    else:  # Source: Regulation (EU) 2018/1862, article 62.
        yield "  The holder has NOT consented to being shown; nothing of theirs is."


def _holder_lines(identity: pb.MisusedIdentity, safe: Safe) -> Iterator[str]:
    yield from name_lines(identity.names, safe)
    for document in identity.documents:
        yield from document_lines(document, safe)
    yield from text_lines("how to tell them apart", identity.distinction, safe)
    when = (
        f" on {calendar_text(identity.consented_on)}" if identity.HasField("consented_on") else ""
    )
    yield f"The holder consented{when} to being shown here."
    yield from field_lines(identity, safe, without=_MISUSED_TOLD)
