"""Checking: what form and legal minimum find in drafts, before anything is signed. Offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agency_client.draft_form import json_path
from comity.errors import ComityError, LegalMinimumMissing, MalformedInput, NoticeInvalid, Violation
from comity.machine_readable_zone.agreement import zone_disagreements
from comity.minimum.policy import Finding, Policy
from comity.notices import verify_notice
from comity.v1.notices_pb2 import Notice


@dataclass(frozen=True, slots=True)
class CheckedNotice:
    """A completed draft, where it stood, and all that was found in it."""

    source: str
    notice: Notice
    faults: Sequence[Violation]
    """Of its form. They block like errors."""
    findings: Sequence[Finding]
    disagreements: Sequence[Violation] = ()
    """Where a document's zone says something else of its holder: for people to look at."""

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.is_error]

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.is_error]

    @property
    def has_errors(self) -> bool:
        return bool(self.faults or self.errors)


def check_notices(notices: Iterable[tuple[str, Notice]], policy: Policy) -> Iterator[CheckedNotice]:
    """What is found in completed drafts, each under where it stood."""
    for source, notice in notices:
        yield CheckedNotice(
            source,
            notice,
            form_faults(notice),
            policy.findings(notice),
            list(_disagreements(notice)),
        )


def _disagreements(notice: Notice) -> Iterator[Violation]:
    for i, subject in enumerate(notice.subjects):
        for j, document in enumerate(subject.person.documents):
            field = f"subjects[{i}].person.documents[{j}].machine_readable_zone"
            for words in zone_disagreements(subject.person, document):
                yield Violation(field, words)


def form_faults(notice: Notice) -> list[Violation]:
    """What is wrong with a notice's form."""
    try:
        verify_notice(notice)
    except ComityError as error:
        return list(error.violations) or [Violation("", error.message)]
    return []


def require_sound(checked: Sequence[CheckedNotice], unreadable: Sequence[Violation] = ()) -> None:
    """Requires that every file could be read, and every notice has its form and legal minimum.

    Raises: MalformedInput for a file, else NoticeInvalid for a form, else LegalMinimumMissing;
    each with everything that blocks, of every notice, under where it stood.
    """
    violations = [*unreadable, *(violation for one in checked for violation in _blocking(one))]
    if unreadable:
        raise MalformedInput("Nothing was sent.", violations=violations)
    if any(one.faults for one in checked):
        raise NoticeInvalid("Nothing was sent.", violations=violations)
    if violations:
        default = LegalMinimumMissing.default_message
        raise LegalMinimumMissing(f"Nothing was sent. {default}", violations=violations)


def _blocking(one: CheckedNotice) -> Iterator[Violation]:
    for fault in one.faults:
        yield Violation(_under(one.source, fault.field), fault.description)
    for finding in one.errors:
        yield Violation(_under(one.source, finding.field), finding.text)


def _under(source: str, field: str) -> str:
    return f"{source}: {json_path(field)}" if field else source
