"""Who has to be protected, and the stricter defaults that hold for them.

Victims, witnesses and minors: unless `protection_widening` lifts it with a reason, a notice that
shows one of them may not be passed on freely, made public, addressed to everybody, or stand for
long. Checked alike by client and hub. Never touches the network or a clock.

Notices of kind UN_SANCTIONS are exempt: the Security Council has published what they say, and
States are bound to act on it everywhere; to restrict a public list protects nobody.

Source: Trafficking Protocol, article 6(1); Convention on the Rights of the Child, article 16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from comity.errors import Violation
from comity.minimum.days import is_longer_after, may_be_below, span_from
from comity.v1 import notices_pb2 as pb
from comity.v1.acts_pb2 import AddressingRule

ADULT_YEARS: Final = 18  # Convention on the Rights of the Child, article 1
MAX_YEARS: Final = 1  # what protects a person is looked at again each year

_DEAD = frozenset({pb.PERSON_STATUS_UNIDENTIFIED_BODY, pb.PERSON_STATUS_DECEASED})
_WIDE_TLP = frozenset({pb.TLP_GREEN, pb.TLP_CLEAR})
_LIFTED = "; a supervisor lifts this with a reason in protection_widening"


class Ground(StrEnum):
    """Why somebody is protected."""

    VICTIM = "a victim"
    WITNESS = "a witness"
    MINOR = "a minor"


@dataclass(frozen=True, slots=True)
class ProtectedPerson:
    """A person of a notice who is protected, and why."""

    field: str
    grounds: tuple[Ground, ...]


def protected_persons(notice: pb.Notice) -> list[ProtectedPerson]:
    """The subjects who are victims, witnesses or minors, as of the time of issue.

    Who may be a minor is taken to be one; the dead are none.
    """
    if notice.kind == pb.NOTICE_KIND_UN_SANCTIONS:
        return []
    found = []
    for number, subject in enumerate(notice.subjects):
        if subject.HasField("person"):
            grounds = tuple(_grounds(subject.person, notice))
            if grounds:
                found.append(ProtectedPerson(f"subjects[{number}].person", grounds))
    return found


def protection_violations(notice: pb.Notice, rule: AddressingRule) -> list[Violation]:
    """What of a notice and its addressing is wider than its protected persons' defaults.

    Nothing where they are widened with a reason: whether somebody may do that is for the hub.
    """
    persons = protected_persons(notice)
    if not persons or is_widened(notice):
        return []
    whom = _whom(persons)
    return [
        Violation(field, f"{description}, because the notice shows {whom}{_LIFTED}")
        for field, description in (*_handling(notice), *_addressing(rule))
    ]


def is_widened(notice: pb.Notice) -> bool:
    """Whether a notice lifts the defaults and says why."""
    return any(reason.text.strip() for reason in notice.protection_widening.reason)


def is_missing_minor_in_danger(notice: pb.Notice) -> bool:
    """Whether any officer may widen at once, and the supervisor is told after.

    Not where an adult victim, or a witness of any age, would be shown more widely with the child.
    """
    persons = protected_persons(notice)
    return (
        notice.kind == pb.NOTICE_KIND_YELLOW
        and notice.disappearance.in_danger
        and bool(persons)
        and all(_is_minor_alone(person) for person in persons)
    )


def needs_supervisor(notice: pb.Notice) -> bool:
    """Whether only a supervisor may hand the notice over: it widens what protects somebody."""
    return (
        is_widened(notice)
        and bool(protected_persons(notice))
        and not is_missing_minor_in_danger(notice)
    )


def _is_minor_alone(person: ProtectedPerson) -> bool:
    return Ground.MINOR in person.grounds and Ground.WITNESS not in person.grounds


def _grounds(person: pb.Person, notice: pb.Notice) -> Iterator[Ground]:
    if person.status == pb.PERSON_STATUS_VICTIM:
        yield Ground.VICTIM
    if person.status == pb.PERSON_STATUS_WITNESS:
        yield Ground.WITNESS
    if not _is_dead(person, notice) and _may_be_minor(person, notice):
        yield Ground.MINOR


def _is_dead(person: pb.Person, notice: pb.Notice) -> bool:
    """Whether it is a body: by its status, else by the day of death or the kind of the notice."""
    if person.status != pb.PERSON_STATUS_UNSPECIFIED:
        return person.status in _DEAD
    return person.HasField("died_on") or notice.kind == pb.NOTICE_KIND_BLACK


def _may_be_minor(person: pb.Person, notice: pb.Notice) -> bool:
    """By any date of birth that is given, else by the apparent age."""
    names = [birth for name in person.names for birth in name.dates_of_birth]
    births = [span_from(birth) for birth in (*person.dates_of_birth, *names)]
    known = [birth for birth in births if birth is not None]
    today = span_from(notice.issued_at)
    if known and today is not None:
        return any(may_be_below(birth, years=ADULT_YEARS, on=today) for birth in known)
    ages = (person.description.apparent_age_min, person.description.apparent_age_max)
    stated = [age for age in ages if age]
    return bool(stated) and min(stated) < ADULT_YEARS


def _whom(persons: Sequence[ProtectedPerson]) -> str:
    return ", ".join(f"{' and '.join(person.grounds)} ({person.field})" for person in persons)


_Faults = Iterator[tuple[str, str]]


def _handling(notice: pb.Notice) -> _Faults:
    handling = notice.handling
    if pb.HANDLING_CODE_H2 not in handling.codes:
        yield "handling.codes", "has to hold H2, not to be disseminated without permission"
    if handling.tlp in _WIDE_TLP:
        yield "handling.tlp", "may not be GREEN or CLEAR"
    if pb.PRECAUTION_CODE_DO_NOT_PUBLISH not in [one.code for one in notice.precautions]:
        yield "precautions", "has to hold DO_NOT_PUBLISH"
    if is_longer_after(notice.expires_at, notice.issued_at, years=MAX_YEARS):
        yield "expires_at", "may not lie more than a year after the time of issue"


def _addressing(rule: AddressingRule) -> _Faults:
    if rule.all_members:
        yield "rule.all_members", "has to name agencies or countries, and not all members"
    if rule.and_later_members:
        yield "rule.and_later_members", "may not reach members that join later"
