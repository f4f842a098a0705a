"""A listed subject becomes a case notice of kind UN_SANCTIONS. The only place that decides what.

Called by the plan of an import. Says what the list says and nothing more: every text of the
source stands in the notice, the ones without a field of their own as source elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from agency_client.retention import last_day_kept
from agency_client.un_list.dates import date_of_birth, partial_date
from agency_client.un_list.documents import documents
from agency_client.un_list.names import organisation_names, person_names
from agency_client.un_list.places import nationalities, places
from agency_client.un_list.reader import ListedSubject, SubjectKind
from agency_client.un_list.reading import Reading
from comity.times import timestamp_from
from comity.v1 import notices_pb2 as pb

NOTICE_LIFE = timedelta(days=5 * 365 - 1)  # below the 5 years after which retention is re-examined

AUTHORITY = "United Nations Security Council"
PURPOSE = "implementation of United Nations Security Council sanctions"
LEGAL_BASIS = "United Nations Charter, article 41; Security Council list"

# What the Charter obliges States to do about whoever is listed, and telling the originator.
_ACTIONS = {
    SubjectKind.PERSON: (
        pb.ACTION_CODE_FREEZE_ASSETS,
        pb.ACTION_CODE_REFUSE_ENTRY,
        pb.ACTION_CODE_INFORM_ORIGINATOR,
    ),
    SubjectKind.ORGANISATION: (
        pb.ACTION_CODE_FREEZE_ASSETS,
        pb.ACTION_CODE_INFORM_ORIGINATOR,
    ),
}
_SEXES = {
    "male": pb.SEX_MALE,
    "female": pb.SEX_FEMALE,
    "unknown": pb.SEX_UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTerms:
    """What holds for every version that one import issues: times (aware) and traffic."""

    issued_at: datetime
    expires_at: datetime
    traffic: pb.Traffic.ValueType

    @classmethod
    def live(cls, issued_at: datetime) -> Self:
        """Live traffic for as long as a notice lives."""
        expires_at = issued_at + NOTICE_LIFE
        return cls(issued_at=issued_at, expires_at=expires_at, traffic=pb.TRAFFIC_LIVE)

    @classmethod
    def exercise(cls, issued_at: datetime) -> Self:
        """The same as an exercise."""
        expires_at = issued_at + NOTICE_LIFE
        return cls(issued_at=issued_at, expires_at=expires_at, traffic=pb.TRAFFIC_EXERCISE)


def first_version(subject: ListedSubject, *, notice_id: str, terms: IssueTerms) -> pb.Notice:
    """The first version of a notice about a listed subject."""
    reading = Reading(subject.source)
    notice = pb.Notice(
        notice_id=notice_id,
        version=1,
        kind=pb.NOTICE_KIND_UN_SANCTIONS,
        traffic=terms.traffic,
        urgency=pb.URGENCY_ROUTINE,
        requested_actions=[pb.RequestedAction(code=code) for code in _ACTIONS[subject.kind]],
        precautions=[pb.Precaution(code=pb.PRECAUTION_CODE_CONFIRM_IDENTITY_FIRST)],
        case_reference=subject.reference_number,
        external_references=[_reference(subject)],
        issued_at=timestamp_from(terms.issued_at),
        expires_at=timestamp_from(terms.expires_at),
        subjects=[_subject(subject.kind, reading)],
        sanctions_listing=_listing(reading),
    )
    notice.handling.CopyFrom(_handling(notice.sanctions_listing.regime, terms))
    # Last, when everything that has a field of its own has been taken.
    notice.sanctions_listing.other_elements.extend(reading.left_over())
    return notice


def _reference(subject: ListedSubject) -> pb.ExternalReference:
    return pb.ExternalReference(
        scheme=pb.REFERENCE_SCHEME_UN_SECURITY_COUNCIL,
        value=subject.reference_number,
        authority=AUTHORITY,
    )


def _handling(regime: str, terms: IssueTerms) -> pb.Handling:
    return pb.Handling(
        codes=[pb.HANDLING_CODE_H0],
        purpose=PURPOSE,
        legal_basis=f"{LEGAL_BASIS} ({regime})" if regime else LEGAL_BASIS,
        retain_until=last_day_kept(terms.expires_at),
        tlp=pb.TLP_CLEAR,
    )


def _subject(kind: SubjectKind, reading: Reading) -> pb.Subject:
    if kind is SubjectKind.PERSON:
        return pb.Subject(person=_person(reading))
    return pb.Subject(organisation=_organisation(reading))


def _person(reading: Reading) -> pb.Person:
    births = reading.source.every("INDIVIDUAL_DATE_OF_BIRTH")
    dates = [date_of_birth(reading, birth) for birth in births]
    sex_text = reading.take(reading.source, "GENDER")
    return pb.Person(
        names=person_names(reading),
        sex=_SEXES.get(sex_text.lower(), pb.SEX_UNSPECIFIED),
        sex_text=sex_text,
        dates_of_birth=[date for date in dates if date is not None],
        places_of_birth=places(reading, "INDIVIDUAL_PLACE_OF_BIRTH"),
        nationalities=nationalities(reading),
        documents=documents(reading),
        addresses=places(reading, "INDIVIDUAL_ADDRESS"),
        titles=reading.take_values("TITLE"),
        occupations=reading.take_values("DESIGNATION"),
        remarks=_remarks(reading),
    )


def _organisation(reading: Reading) -> pb.Organisation:
    return pb.Organisation(
        names=organisation_names(reading),
        addresses=places(reading, "ENTITY_ADDRESS"),
        remarks=_remarks(reading),
    )


def _remarks(reading: Reading) -> list[pb.LocalizedText]:
    text = reading.take(reading.source, "COMMENTS1")
    return [pb.LocalizedText(language="en", text=text, original=True)] if text else []


def _listing(reading: Reading) -> pb.SanctionsListing:
    source = reading.source
    listing = pb.SanctionsListing(
        regime=reading.take(source, "UN_LIST_TYPE"),
        reference_number=reading.take(source, "REFERENCE_NUMBER"),
        data_id=reading.take(source, "DATAID"),
        version_number=reading.take(source, "VERSIONNUM"),
        submitted_by=reading.take(source, "SUBMITTED_BY"),
        updated_on=[partial_date(text) for text in reading.take_values("LAST_DAY_UPDATED")],
    )
    for list_type in source.every("LIST_TYPE"):
        listing.list_type = listing.list_type or reading.take(list_type, "VALUE")
    if listed := reading.take(source, "LISTED_ON"):
        listing.listed_on.CopyFrom(partial_date(listed))
    if submitted := reading.take(source, "SUBMITTED_ON"):
        listing.submitted_on.CopyFrom(partial_date(submitted))
    return listing
