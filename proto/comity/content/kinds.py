"""What belongs to notices of one kind alone: disappearance, body, threat, method, listing."""

from __future__ import annotations

from collections.abc import Iterator

from comity.content.names import missing_names
from comity.errors import Violation
from comity.v1 import notices_pb2 as pb

# A body, a person who cannot say who they are, or whom nobody has identified yet has no name.
KINDS_WITHOUT_NAME = frozenset({pb.NOTICE_KIND_YELLOW, pb.NOTICE_KIND_BLACK, pb.NOTICE_KIND_ORANGE})
# Notices of these kinds may be about an event or a method and nobody in particular.
KINDS_WITHOUT_SUBJECT = frozenset({pb.NOTICE_KIND_ORANGE, pb.NOTICE_KIND_PURPLE})

_PARTS = {
    "sanctions_listing": pb.NOTICE_KIND_UN_SANCTIONS,
    "disappearance": pb.NOTICE_KIND_YELLOW,
    "body_finding": pb.NOTICE_KIND_BLACK,
    "threat": pb.NOTICE_KIND_ORANGE,
    "modus_operandi": pb.NOTICE_KIND_PURPLE,
    "asset_purposes": pb.NOTICE_KIND_SILVER,
    "diffusion_purpose": pb.NOTICE_KIND_DIFFUSION,
}


def kind_violations(notice: pb.Notice) -> Iterator[Violation]:
    """What a notice carries that is not of its kind, or its kind demands in form."""
    for field, _ in notice.ListFields():
        kind = _PARTS.get(field.name)
        if kind is not None and kind != notice.kind:
            name = pb.NoticeKind.Name(kind).removeprefix("NOTICE_KIND_")
            yield Violation(field.name, f"belongs to notices of kind {name} only")
    if notice.kind == pb.NOTICE_KIND_OBJECT and notice.narratives:
        yield Violation("narratives", "belongs to no notice of kind OBJECT")
    is_sanctions = notice.kind == pb.NOTICE_KIND_UN_SANCTIONS
    if is_sanctions and not notice.sanctions_listing.reference_number.strip():
        yield Violation("sanctions_listing.reference_number", "is missing")


def subject_violations(notice: pb.Notice) -> Iterator[Violation]:
    """What is wrong with whom or what a notice of its kind is about."""
    if not notice.subjects and notice.kind not in KINDS_WITHOUT_SUBJECT:
        yield Violation("subjects", "is missing: say whom or what the notice is about")
    for number, subject in enumerate(notice.subjects):
        which = subject.WhichOneof("subject")
        field = f"subjects[{number}]"
        if which is None:
            said = "is neither a person nor an organisation, an object or an asset"
            yield Violation(field, said)
        elif which == "person" and notice.kind not in KINDS_WITHOUT_NAME:
            yield from missing_names(subject.person.names, f"{field}.person.names")
        if which not in (None, "object") and notice.kind == pb.NOTICE_KIND_OBJECT:
            yield Violation(field, "is no object, which a notice of kind OBJECT is about")


def _disappearance(disappearance: pb.Disappearance, field: str) -> Iterator[Violation]:
    if not disappearance.kind:
        yield Violation(f"{field}.kind", "is missing: missing, unidentified or at risk")


def _source_element(element: pb.SourceElement, field: str) -> Iterator[Violation]:
    if not element.path.strip():
        yield Violation(f"{field}.path", "is missing")


FORMS = {
    "comity.v1.Disappearance": _disappearance,
    "comity.v1.SourceElement": _source_element,
}
