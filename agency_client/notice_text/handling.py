"""What the reader may do with a notice, in words; whom to call; what the originator declares."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_text.fields import field_lines, text_lines
from agency_client.notice_text.values import calendar_text, filled, with_notes
from comity.handling import binding_words
from comity.v1 import notices_pb2 as pb

_CODE_WORDS = {
    pb.HANDLING_CODE_H0: "H0, only for preventing and combating crime",
    pb.HANDLING_CODE_H1: "H1, not in judicial proceedings without the provider's permission",
    pb.HANDLING_CODE_H2: "H2, not to be passed on without the provider's permission",
    pb.HANDLING_CODE_H3: "H3, other restrictions",
}
_HANDLING_TOLD = (
    *("codes", "restrictions", "purpose", "legal_basis", "retain_until", "tlp", "pap"),
    *("confidentiality", "onward_countries", "onward_agencies"),
)
_SCHEMES = {pb.GRADING_SCHEME_4X4: "4x4", pb.GRADING_SCHEME_6X6: "6x6"}
# Of the scheme 4x4. Those of 6x6 stand as their code: the schemes are never mixed.
_SOURCE_WORDS = {
    "A": "reliable in all instances",
    "B": "mostly reliable",
    "C": "mostly unreliable",
    "X": "cannot be assessed",
}
_INFORMATION_WORDS = {
    "1": "accuracy not in doubt",
    "2": "known personally to the source, not to the official",
    "3": "not known personally, but corroborated",
    "4": "neither known personally nor corroborated",
}
_USES = {
    pb.NOTICE_CONTACT_USE_DUTY: "DUTY LINE, day and night",
    pb.NOTICE_CONTACT_USE_OFFICE: "office",
}
_DECLARED = (
    (
        "not_of_excluded_character",
        "that the case has no political, military, religious or racial character",
    ),
    ("no_known_refugee_status", "that no protection as a refugee is known that stands against it"),
    (
        "not_compelled_as_victim",
        "that nobody is sought for what they were compelled to do as a victim of trafficking",
    ),
)


def handling_lines(handling: pb.Handling, safe: Safe) -> Iterator[str]:
    """What the addressee may do with the notice."""
    codes = [_CODE_WORDS.get(code, f"code {code}") for code in handling.codes]
    yield f"handling: {'; '.join(codes) or 'no code'}"
    yield from (f"restrictions: {text}" for text in filled([handling.restrictions], safe))
    marks = list(_marks(handling))
    if marks:
        yield f"marked: {', '.join(marks)}"
    yield from (f"only for: {text}" for text in filled([handling.purpose], safe))
    yield from (f"legal basis: {text}" for text in filled([handling.legal_basis], safe))
    if handling.HasField("retain_until"):
        yield f"keep no copy after {calendar_text(handling.retain_until)}"
    onward = filled([*handling.onward_countries, *handling.onward_agencies], safe)
    if onward:
        yield f"may be passed on without asking to: {', '.join(onward)}"
    yield from (f"binding: {safe(words)}" for words in binding_words(handling))
    yield from field_lines(handling, safe, without=_HANDLING_TOLD)


def _marks(handling: pb.Handling) -> Iterator[str]:
    if handling.tlp:
        yield f"TLP:{code_words(pb.Tlp.DESCRIPTOR, handling.tlp)}"
    if handling.pap:
        yield f"PAP:{code_words(pb.Pap.DESCRIPTOR, handling.pap)}"
    if handling.confidentiality:
        words = code_words(pb.Confidentiality.DESCRIPTOR, handling.confidentiality)
        yield words.upper()


def grading_lines(grading: pb.Grading, safe: Safe) -> Iterator[str]:
    """How reliable source and information are, by the scheme in which it was said."""
    scheme = _SCHEMES.get(grading.scheme, f"scheme {grading.scheme}")
    is_known = grading.scheme == pb.GRADING_SCHEME_4X4
    source = _SOURCE_WORDS.get(grading.source) if is_known else None
    information = _INFORMATION_WORDS.get(grading.information) if is_known else None
    words = [f"source {source}"] if source else []
    words += [f"information {information}"] if information else []
    code = f"{safe(grading.source)}{safe(grading.information)}"
    yield with_notes(f"grading {scheme}: {code}", words)
    yield from field_lines(grading, safe, without=("scheme", "source", "information"))


def source_lines(source: pb.SourceNotice, safe: Safe) -> Iterator[str]:
    """A notice that this one draws on, whose conditions bind this one."""
    digest = source.version_digest.hex()
    version = f"version SHA-256 {digest}" if digest else "version not stated"
    yield f"draws on notice {safe(source.notice_id)} of {safe(source.originator)} ({version})"
    if source.release_act_id:
        yield f"  released by the act {safe(source.release_act_id)}"
    told = ("originator", "notice_id", "version_digest", "release_act_id")
    yield from field_lines(source, safe, without=told)


def contact_lines(notice: pb.Notice, safe: Safe) -> Iterator[str]:
    """Whom to call, the duty line first."""
    contacts = sorted(notice.contacts, key=lambda one: one.use != pb.NOTICE_CONTACT_USE_DUTY)
    for contact in contacts:
        use = _USES.get(contact.use) or f"use: code {contact.use}"
        reached = filled([contact.telephone, contact.email], safe)
        words = ", ".join([*filled([contact.name], safe), *reached])
        speaks = ", ".join(filled(contact.languages, safe))
        yield f"{use}: {words}{f' (speaks {speaks})' if speaks else ''}"
        told = ("use", "name", "telephone", "email", "languages")
        yield from field_lines(contact, safe, without=told)


def declaration_lines(declaration: pb.Declaration, safe: Safe) -> Iterator[str]:
    """What the originator declares by signing, and what it does not."""
    for field, words in _DECLARED:
        is_declared = getattr(declaration, field)
        yield f"{'declared' if is_declared else 'NOT declared'}: {words}"
    yield from field_lines(declaration, safe, without=[field for field, _ in _DECLARED])


def protection_lines(notice: pb.Notice, safe: Safe) -> Iterator[str]:
    """Whether what protects victims, witnesses and minors was lifted, and why."""
    if not notice.HasField("protection_widening"):
        return
    yield "The protection of victims, witnesses and minors was WIDENED by the originator."
    yield from text_lines("reason", notice.protection_widening.reason, safe)
    yield from field_lines(notice.protection_widening, safe, without=("reason",))
