"""Why a person is sought, in words: offences, trafficking, warrants, sentences, assurances."""

from __future__ import annotations

from collections.abc import Iterator

from agency_client.field_text import Safe, code_words
from agency_client.notice_text.fields import codes_text, field_lines, indented, text_lines
from agency_client.notice_text.values import (
    calendar_text,
    date_text,
    filled,
    law_text,
    name_text,
    penalty_text,
    place_text,
    with_notes,
)
from comity.v1 import notices_pb2 as pb

_OFFENCE_TOLD = (
    *("code", "charge", "laws", "maximum_penalty", "time_limit", "has_no_time_limit", "facts"),
    *("committed_on", "place", "accomplices", "trafficking", "facilitates_serious_crime"),
    "linked_to_organized_crime",
)
_TRAFFICKING_TOLD = (
    *("acts", "means", "purposes", "route", "recruitment", "transport", "victims"),
)
_GROUP_TOLD = ("count", "minors", "female", "male", "nationalities", "note")
_WARRANT_TOLD = (
    *("number", "issued_on", "place", "issuing_authority", "signatory", "copy_attached"),
    *("copy_language", "valid_until"),
)
_SENTENCE_TOLD = (
    *("judgment_reference", "judged_on", "court", "imposed", "remaining", "in_absentia", "laws"),
)


def offence_lines(offence: pb.Offence, safe: Safe) -> Iterator[str]:
    """An offence: charge, law, penalty, facts, when and where, with whom."""
    yield f"offence: {code_words(pb.OffenceCode.DESCRIPTOR, offence.code)}"
    yield from indented(_offence_parts(offence, safe))


def _offence_parts(offence: pb.Offence, safe: Safe) -> Iterator[str]:
    yield from text_lines("charge", offence.charge, safe)
    yield from (f"law: {law_text(law, safe)}" for law in offence.laws)
    if offence.HasField("maximum_penalty"):
        yield f"maximum penalty: {penalty_text(offence.maximum_penalty)}"
    if offence.HasField("committed_on"):
        yield f"when: {date_text(offence.committed_on, safe)}"
    if offence.HasField("place"):
        yield f"where: {place_text(offence.place, safe)}"
    yield from text_lines("facts", offence.facts, safe)
    yield from (f"accomplice: {name_text(name, safe)}" for name in offence.accomplices)
    if offence.facilitates_serious_crime:
        yield "It facilitates serious crime."
    if offence.linked_to_organized_crime:
        yield "It is linked to organized crime."
    if offence.HasField("time_limit"):
        yield f"may be prosecuted until: {calendar_text(offence.time_limit)}"
    if offence.has_no_time_limit:
        yield "may be prosecuted without limit of time"
    if offence.HasField("trafficking"):
        yield "trafficking in persons:"
        yield from indented(_trafficking_lines(offence.trafficking, safe))
    yield from field_lines(offence, safe, without=_OFFENCE_TOLD)


def _trafficking_lines(trafficking: pb.Trafficking, safe: Safe) -> Iterator[str]:
    for label, descriptor, codes in (
        ("act", pb.TraffickingAct.DESCRIPTOR, trafficking.acts),
        ("means", pb.TraffickingMeans.DESCRIPTOR, trafficking.means),
        ("purpose", pb.TraffickingPurpose.DESCRIPTOR, trafficking.purposes),
    ):
        if codes:
            yield f"{label}: {codes_text(descriptor, codes)}"
    if trafficking.route:
        yield f"route: {' → '.join(place_text(place, safe) for place in trafficking.route)}"
    yield from text_lines("recruitment", trafficking.recruitment, safe)
    yield from text_lines("transport", trafficking.transport, safe)
    if trafficking.HasField("victims"):
        yield f"victims: {_group_text(trafficking.victims, safe)}"
        yield from indented(field_lines(trafficking.victims, safe, without=_GROUP_TOLD))
    yield from field_lines(trafficking, safe, without=_TRAFFICKING_TOLD)


def _group_text(group: pb.PersonGroup, safe: Safe) -> str:
    counts = ((group.minors, "under 18"), (group.female, "female"), (group.male, "male"))
    notes = [f"{count} {words}" for count, words in counts if count]
    if group.nationalities:
        notes.append(f"nationalities {', '.join(filled(group.nationalities, safe))}")
    number = f"{group.count} persons" if group.count != 1 else "1 person"
    words = number if group.count else "number not known"
    return with_notes(words, [*notes, *filled([group.note], safe)])


def warrant_lines(warrant: pb.Warrant, safe: Safe) -> Iterator[str]:
    """A warrant: number, date, authority, signatory, and whether a copy is there."""
    words = f"warrant: {safe(warrant.number)}"
    words += f", issued {calendar_text(warrant.issued_on)}" if warrant.HasField("issued_on") else ""
    words += f" by {safe(warrant.issuing_authority)}" if warrant.issuing_authority else ""
    words += f", {place_text(warrant.place, safe)}" if warrant.HasField("place") else ""
    yield words
    yield from (f"  signed by {text}" for text in filled([warrant.signatory], safe))
    if warrant.HasField("valid_until"):
        yield f"  valid until {calendar_text(warrant.valid_until)}"
    language = f", in {safe(warrant.copy_language)}" if warrant.copy_language else ""
    yield f"  {'copy attached' if warrant.copy_attached else 'no copy attached'}{language}"
    yield from indented(field_lines(warrant, safe, without=_WARRANT_TOLD))


def sentence_lines(sentence: pb.Sentence, safe: Safe) -> Iterator[str]:
    """A sentence: judgment, court, what was imposed and what remains."""
    words = f"sentence: {safe(sentence.judgment_reference)}"
    words += (
        f", judged {calendar_text(sentence.judged_on)}" if sentence.HasField("judged_on") else ""
    )
    yield f"{words} by {safe(sentence.court)}" if sentence.court else words
    if sentence.HasField("imposed"):
        yield f"  imposed: {penalty_text(sentence.imposed)}"
    if sentence.HasField("remaining"):
        yield f"  remains to be served: {penalty_text(sentence.remaining)}"
    yield f"  {'in absentia' if sentence.in_absentia else 'in the presence of the accused'}"
    yield from (f"  law: {law_text(law, safe)}" for law in sentence.laws)
    yield from indented(field_lines(sentence, safe, without=_SENTENCE_TOLD))


def assurance_lines(assurances: pb.Assurances, safe: Safe) -> Iterator[str]:
    """What the originator assures whoever acts."""
    is_sought = assurances.extradition_will_be_sought
    yield f"Extradition {'will be sought.' if is_sought else 'is NOT assured to be sought.'}"
    countries = filled(assurances.provisional_arrest_countries, safe)
    yield f"also a request for provisional arrest in: {', '.join(countries) or 'no country'}"
    told = ("extradition_will_be_sought", "provisional_arrest_countries")
    yield from field_lines(assurances, safe, without=told)
