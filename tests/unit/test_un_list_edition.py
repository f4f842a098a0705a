"""The plan of an import: what is new, changed, unchanged and delisted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agency_client.un_list import (
    ImportPlan,
    IssueTerms,
    ListedSubject,
    PublishedListing,
    load_list,
    parse_list,
    plan_import,
    plan_mass_delisting,
    require_not_older,
)
from agency_client.un_list.edition import RENEW_BEFORE
from comity.errors import ListInvalid
from comity.identifiers import uuid7_from
from comity.notices import verify_notice
from comity.v1 import notices_pb2 as pb

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
FIRST = load_list(EXAMPLES / "un-list-sample.xml")
SECOND = load_list(EXAMPLES / "un-list-sample-next.xml")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def _notice_ids() -> Callable[[], str]:
    numbers: Iterator[int] = iter(range(1_000_000))
    return lambda: uuid7_from(NOW, next(numbers).to_bytes(10, "big"))


def _published(notices: Sequence[pb.Notice]) -> list[PublishedListing]:
    return [
        PublishedListing(notice, hashlib.sha256(notice.SerializeToString()).digest())
        for notice in notices
    ]


def _plan(
    listed: Sequence[ListedSubject],
    published: Sequence[PublishedListing] = (),
    *,
    moment: datetime = NOW,
) -> ImportPlan:
    terms = IssueTerms.live(moment)
    return plan_import(listed, published=published, terms=terms, new_notice_id=_notice_ids())


@pytest.fixture
def published() -> list[PublishedListing]:
    """What the agency has published after importing the first edition."""
    return _published(_plan(FIRST.subjects).new)


def test_plan_import_publishes_everything_the_first_time() -> None:
    plan = _plan(FIRST.subjects)
    assert (
        len(plan.new),
        len(plan.changed),
        len(plan.unchanged),
        len(plan.delisted),
    ) == (39, 0, 0, 0)
    assert len({notice.notice_id for notice in plan.new}) == 39
    for notice in plan.new:
        verify_notice(notice)


def test_plan_import_publishes_nothing_when_the_same_file_comes_again(
    published: list[PublishedListing],
) -> None:
    plan = _plan(FIRST.subjects, published, moment=LATER)
    assert published == list(plan.unchanged)
    assert not (plan.new or plan.changed or plan.delisted)


def test_plan_import_finds_what_a_later_edition_changes(published: list[PublishedListing]) -> None:
    plan = _plan(SECOND.subjects, published, moment=LATER)
    assert [notice.case_reference for notice in plan.new] == ["SAi.090", "EXe.090"]
    assert [notice.case_reference for notice in plan.changed] == ["EXi.005", "SAi.012", "SAe.006"]
    gone = [listing.notice.case_reference for listing in plan.delisted]
    assert gone == ["EXi.010", "SAe.004"]
    assert len(plan.unchanged) == 34


def test_plan_import_makes_a_change_the_next_version_of_the_same_notice(
    published: list[PublishedListing],
) -> None:
    before = {listing.notice.case_reference: listing for listing in published}
    for notice in _plan(SECOND.subjects, published, moment=LATER).changed:
        listing = before[notice.case_reference]
        assert listing.notice.notice_id == notice.notice_id
        assert notice.version == 2
        assert listing.version_digest == notice.predecessor_digest
        assert notice.issued_at.ToDatetime(UTC) == LATER
        verify_notice(notice)


def test_plan_import_publishes_nothing_after_a_later_edition_was_imported(
    published: list[PublishedListing],
) -> None:
    plan = _plan(SECOND.subjects, published, moment=LATER)
    after = [*_published([*plan.new, *plan.changed]), *plan.unchanged]
    assert len(after) == len(_plan(SECOND.subjects, after, moment=LATER).unchanged)


def test_plan_import_leaves_what_was_published_as_it_was(
    published: list[PublishedListing],
) -> None:
    before = [listing.notice.SerializeToString(deterministic=True) for listing in published]
    _plan(SECOND.subjects, published, moment=LATER)
    after = [listing.notice.SerializeToString(deterministic=True) for listing in published]
    assert before == after


def test_plan_import_is_deterministic() -> None:
    assert _plan(FIRST.subjects) == _plan(FIRST.subjects)


def test_plan_import_refuses_to_withdraw_more_than_half(published: list[PublishedListing]) -> None:
    with pytest.raises(ListInvalid, match="holds 19 of the 39 published before") as refused:
        _plan(FIRST.subjects[20:], published)
    assert "--list-is-complete" in refused.value.message
    assert published[0].notice.case_reference == refused.value.violations[0].field
    assert refused.value.violations[-1].description == "and 15 more"
    assert len(_plan(FIRST.subjects[19:], published).delisted) == 19


def test_plan_mass_delisting_withdraws_more_than_half(published: list[PublishedListing]) -> None:
    plan = plan_mass_delisting(
        FIRST.subjects[30:],
        published=published,
        terms=IssueTerms.live(NOW),
        new_notice_id=_notice_ids(),
    )
    assert len(plan.delisted) == 30


def test_plan_import_names_every_notice_that_the_hub_would_refuse() -> None:
    sample = (EXAMPLES / "un-list-sample.xml").read_text(encoding="utf-8")
    spoiled = sample.replace("ALPHA</SECOND", "AL\u202ePHA</SECOND").replace(
        "Official of the Ministry of Examples", "Official " * 300
    )
    with pytest.raises(ListInvalid) as caught:
        _plan(parse_list(spoiled.encode()).subjects)
    fields = [violation.field for violation in caught.value.violations]
    assert fields == [
        "EXi.001/subjects[0].person.names[0].full",
        "EXi.001/subjects[0].person.names[0].parts[1].value",
        "EXi.001/subjects[0].person.occupations[0]",
    ]


def test_plan_import_refuses_what_its_caller_mixed_up(published: list[PublishedListing]) -> None:
    exercise = IssueTerms.exercise(NOW)
    with pytest.raises(ValueError, match="another traffic"):
        plan_import(
            FIRST.subjects, published=published, terms=exercise, new_notice_id=_notice_ids()
        )


def test_plan_import_names_both_notices_when_a_listing_is_published_twice(
    published: list[PublishedListing],
) -> None:
    [twice] = _published(_plan(FIRST.subjects[:1], moment=LATER).new)
    twice.notice.notice_id = uuid7_from(LATER, bytes(10))

    with pytest.raises(ListInvalid) as caught:
        _plan(FIRST.subjects, [*published, twice])

    [violation] = caught.value.violations
    assert violation.field == "EXi.001"
    assert published[0].notice.notice_id in violation.description
    assert twice.notice.notice_id in violation.description


def test_plan_import_renews_what_is_still_listed_when_it_is_about_to_expire(
    published: list[PublishedListing],
) -> None:
    expires_at = published[0].notice.expires_at.ToDatetime(UTC)
    month = timedelta(days=30)

    assert not _plan(FIRST.subjects, published, moment=expires_at - RENEW_BEFORE - month).changed
    for moment in (expires_at - RENEW_BEFORE, expires_at + month):
        plan = _plan(FIRST.subjects, published, moment=moment)
        assert not plan.unchanged
        assert [2] * len(published) == [notice.version for notice in plan.changed]
        assert plan.changed[0].expires_at.ToDatetime(UTC) > moment + RENEW_BEFORE


def test_require_not_older_refuses_an_edition_before_the_last_one_and_names_both() -> None:
    require_not_older(FIRST, previous_edition=None)
    require_not_older(FIRST, previous_edition=FIRST.generated_at)
    require_not_older(SECOND, previous_edition=FIRST.generated_at)
    with pytest.raises(ListInvalid, match="2026-10-01T13:30") as caught:
        require_not_older(FIRST, previous_edition=SECOND.generated_at)
    assert "2026-10-28T20:05" in caught.value.message
