"""What an edition of the list changes in what the agency has published: the plan of an import.

Called by the import command, which signs and submits what the plan holds. The same file again
publishes nothing; a newer edition becomes new versions of the same notices, and who is no longer
listed is to be withdrawn. Never signs, sends or stores anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agency_client.un_list.mapping import IssueTerms, first_version
from agency_client.un_list.reader import ListEdition, ListedSubject
from comity.errors import ListInvalid, NoticeInvalid, TooLarge, Violation
from comity.notices import verify_notice
from comity.times import datetime_from_timestamp
from comity.v1 import notices_pb2 as pb

SHOWN = 5  # of those that a list that is too short would withdraw
RENEW_BEFORE = timedelta(days=183)  # an agency that imports twice a year lets no sanction lapse


@dataclass(frozen=True, slots=True)
class PublishedListing:
    """The latest version of a notice that the agency published from the list and never withdrew.

    `version_digest` is the SHA-256 of its signed payload, 32 bytes.
    """

    notice: pb.Notice
    version_digest: bytes

    @property
    def key(self) -> tuple[str, str]:
        """The same as `ListedSubject.key`."""
        listing = self.notice.sanctions_listing
        return (listing.list_type, listing.data_id)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import is to do. `new` and `changed` are ready to be signed, in the list's order."""

    new: tuple[pb.Notice, ...]
    changed: tuple[pb.Notice, ...]
    unchanged: tuple[PublishedListing, ...]
    delisted: tuple[PublishedListing, ...]


def require_not_older(edition: ListEdition, *, previous_edition: datetime | None) -> None:
    """Requires that an edition is not older than the one last imported (aware), if any was.

    Raises: ListInvalid naming both dates.
    """
    if previous_edition is None or edition.generated_at >= previous_edition:
        return
    generated = edition.generated_at.isoformat()
    previous = previous_edition.astimezone(UTC).isoformat()
    raise ListInvalid(
        f"Nothing was published: this list is of {generated}, and the list of {previous} was "
        "imported already."
    )


def plan_import(
    listed: Sequence[ListedSubject],
    *,
    published: Sequence[PublishedListing],
    terms: IssueTerms,
    new_notice_id: Callable[[], str],
) -> ImportPlan:
    """The plan that brings what is published up to what is listed.

    `published` are the listings of the terms' own traffic. Content decides: a notice is changed
    where it would read differently, whatever its version, times and retention; and where it is
    about to expire, so that no sanction lapses while it stands on the list.

    Raises: ListInvalid with a violation for every row that makes no well-formed notice, and for
        every listing that is published twice; or where more than half of what is published would
        be withdrawn: downloads get truncated.
    """
    plan = plan_mass_delisting(
        listed, published=published, terms=terms, new_notice_id=new_notice_id
    )
    if len(plan.delisted) * 2 > len(published):
        raise _too_short(plan, count_published=len(published))
    return plan


def _too_short(plan: ImportPlan, *, count_published: int) -> ListInvalid:
    gone = [listing.notice for listing in plan.delisted]
    named = [Violation(n.case_reference, f"{_name(n)} would be withdrawn") for n in gone[:SHOWN]]
    if len(gone) > SHOWN:
        named.append(Violation("", f"and {len(gone) - SHOWN:,} more"))
    return ListInvalid(
        f"Nothing was published: the list holds {count_published - len(gone):,} of the "
        f"{count_published:,} published before. If it is whole: --list-is-complete.",
        violations=named,
    )


def _name(notice: pb.Notice) -> str:
    for subject in notice.subjects:
        for name in (*subject.person.names, *subject.organisation.names):
            return name.full
    return "a subject without a name"


def plan_mass_delisting(
    listed: Sequence[ListedSubject],
    *,
    published: Sequence[PublishedListing],
    terms: IssueTerms,
    new_notice_id: Callable[[], str],
) -> ImportPlan:
    """The same as `plan_import` for a list that somebody has seen to be complete.

    Raises: ListInvalid with a violation for every row that makes no well-formed notice, and for
        every listing that is published twice.
    """
    latest = _by_key(published, terms)
    new: list[pb.Notice] = []
    changed: list[pb.Notice] = []
    unchanged: list[PublishedListing] = []
    for subject in listed:
        before = latest.pop(subject.key, None)
        if before is None:
            new.append(first_version(subject, notice_id=new_notice_id(), terms=terms))
            continue
        notice = _next_version(subject, before=before, terms=terms)
        if _content(notice) == _content(before.notice) and not _is_due(before.notice, terms):
            unchanged.append(before)
        else:
            changed.append(notice)
    _require_well_formed([*new, *changed])
    return ImportPlan(tuple(new), tuple(changed), tuple(unchanged), tuple(latest.values()))


def _by_key(
    published: Sequence[PublishedListing], terms: IssueTerms
) -> dict[tuple[str, str], PublishedListing]:
    by_key: dict[tuple[str, str], PublishedListing] = {}
    violations = []
    for listing in published:
        first = by_key.setdefault(listing.key, listing)
        if first is not listing:
            said = (
                f"is published twice, as {first.notice.notice_id} and "
                f"{listing.notice.notice_id}: withdraw one of them"
            )
            violations.append(Violation(listing.notice.case_reference, said))
    if violations:
        raise ListInvalid(violations=violations)
    if any(listing.notice.traffic != terms.traffic for listing in published):
        raise ValueError("a published notice is of another traffic than the import")
    return by_key


def _next_version(
    subject: ListedSubject, *, before: PublishedListing, terms: IssueTerms
) -> pb.Notice:
    notice = first_version(subject, notice_id=before.notice.notice_id, terms=terms)
    notice.version = before.notice.version + 1
    notice.predecessor_digest = before.version_digest
    return notice


def _is_due(notice: pb.Notice, terms: IssueTerms) -> bool:
    """Whether a notice has expired or will so soon."""
    expires_at = datetime_from_timestamp(notice.expires_at)
    return expires_at is not None and expires_at <= terms.issued_at + RENEW_BEFORE


def _content(notice: pb.Notice) -> bytes:
    """What a notice says, without what differs from version to version anyway."""
    copy = pb.Notice()
    copy.CopyFrom(notice)
    copy.ClearField("notice_id")
    copy.ClearField("version")
    copy.ClearField("predecessor_digest")
    copy.ClearField("issued_at")
    copy.ClearField("expires_at")
    copy.handling.ClearField("retain_until")
    return copy.SerializeToString(deterministic=True)


def _require_well_formed(notices: Sequence[pb.Notice]) -> None:
    """Requires that the hub will take every notice, so that no import stops half-way."""
    violations: list[Violation] = []
    for notice in notices:
        try:
            verify_notice(notice)
        except TooLarge as error:
            violations.append(Violation(notice.case_reference, str(error)))
        except NoticeInvalid as error:
            violations.extend(
                Violation(f"{notice.case_reference}/{found.field}", found.description)
                for found in error.violations
            )
    if violations:
        raise ListInvalid(violations=violations)
