"""The mapping: what becomes of each element, on the sample and on small made-up rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agency_client.un_list import IssueTerms, ListedSubject, SubjectKind, first_version, load_list
from agency_client.un_list.source import parse_document
from comity.notices import verify_notice
from comity.v1 import notices_pb2 as pb

SAMPLE = Path(__file__).parents[2] / "docs/examples/un-list-sample.xml"
NOTICE_ID = "01890000-0000-7000-8000-000000000001"
TERMS = IssueTerms.live(datetime(2026, 11, 1, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def notices() -> dict[str, pb.Notice]:
    return {
        subject.reference_number: first_version(subject, notice_id=NOTICE_ID, terms=TERMS)
        for subject in load_list(SAMPLE).subjects
    }


def _person(elements: str) -> pb.Notice:
    row = (
        "<INDIVIDUAL><DATAID>1</DATAID><REFERENCE_NUMBER>EXi.1</REFERENCE_NUMBER>"
        f"<FIRST_NAME>EXAMPLE</FIRST_NAME>{elements}</INDIVIDUAL>"
    )
    subject = ListedSubject(SubjectKind.PERSON, "1", "EXi.1", "", parse_document(row.encode()))
    notice = first_version(subject, notice_id=NOTICE_ID, terms=TERMS)
    verify_notice(notice)
    return notice


def _birth(elements: str) -> pb.Notice:
    return _person(f"<INDIVIDUAL_DATE_OF_BIRTH>{elements}</INDIVIDUAL_DATE_OF_BIRTH>")


def _left(notice: pb.Notice) -> list[tuple[str, str]]:
    return [(found.path, found.text) for found in notice.sanctions_listing.other_elements]


def test_first_version_asks_what_the_charter_demands(notices: dict[str, pb.Notice]) -> None:
    person, organisation = notices["EXi.001"], notices["EXe.001"]
    freeze, inform = pb.ACTION_CODE_FREEZE_ASSETS, pb.ACTION_CODE_INFORM_ORIGINATOR
    asked = [action.code for action in person.requested_actions]
    assert [freeze, pb.ACTION_CODE_REFUSE_ENTRY, inform] == asked
    assert [freeze, inform] == [action.code for action in organisation.requested_actions]
    [precaution] = person.precautions
    assert precaution.code == pb.PRECAUTION_CODE_CONFIRM_IDENTITY_FIRST


def test_first_version_carries_reference_handling_and_times(notices: dict[str, pb.Notice]) -> None:
    notice = notices["EXi.001"]
    assert notice.kind == pb.NOTICE_KIND_UN_SANCTIONS
    assert notice.traffic == pb.TRAFFIC_LIVE
    assert notice.case_reference == "EXi.001"
    [reference] = notice.external_references
    assert (
        reference.scheme,
        reference.value,
    ) == (pb.REFERENCE_SCHEME_UN_SECURITY_COUNCIL, "EXi.001")
    assert list(notice.handling.codes) == [pb.HANDLING_CODE_H0]
    assert notice.handling.tlp == pb.TLP_CLEAR
    assert notice.handling.legal_basis.endswith("Security Council list (Example)")
    assert TERMS.expires_at == notice.expires_at.ToDatetime(UTC)
    last = notice.handling.retain_until
    assert TERMS.expires_at.date() == date(last.year, last.month, last.day)


def test_exercise_terms_make_an_exercise() -> None:
    terms = IssueTerms.exercise(TERMS.issued_at)
    subject = load_list(SAMPLE).subjects[0]
    assert first_version(subject, notice_id="", terms=terms).traffic == pb.TRAFFIC_EXERCISE


def test_person_has_names_in_numbered_parts_and_in_its_own_script(
    notices: dict[str, pb.Notice],
) -> None:
    primary, original, *aliases = notices["EXi.003"].subjects[0].person.names
    assert primary.full == "EXAMPLE DELTA SAMPLE AL-EXAMPLI"
    assert [(part.type, part.value) for part in primary.parts] == [
        (pb.NAME_PART_TYPE_FIRST, "EXAMPLE"),
        (pb.NAME_PART_TYPE_SECOND, "DELTA"),
        (pb.NAME_PART_TYPE_THIRD, "SAMPLE"),
        (pb.NAME_PART_TYPE_FOURTH, "AL-EXAMPLI"),
    ]
    assert (original.type, original.script) == (pb.NAME_TYPE_ORIGINAL_SCRIPT, "Arab")
    assert [alias.quality for alias in aliases] == [
        pb.NAME_QUALITY_GOOD,
        pb.NAME_QUALITY_LOW,
        pb.NAME_QUALITY_LOW,
    ]
    assert (aliases[0].full, aliases[0].note) == ("Mullah Example Delta", "formerly shown as")


def test_person_skips_an_empty_part_without_renumbering(notices: dict[str, pb.Notice]) -> None:
    primary = notices["EXi.004"].subjects[0].person.names[0]
    assert primary.full == "ECHO EXAMPLE EXAMPLEZADA"
    assert primary.parts[2].type == pb.NAME_PART_TYPE_FOURTH


def test_alias_keeps_the_birth_that_goes_with_it(notices: dict[str, pb.Notice]) -> None:
    full, year, *_ = notices["EXi.005"].subjects[0].person.names[1:]
    assert pb.CalendarDate(year=1979, month=11, day=30) == full.dates_of_birth[0].date
    assert (
        full.places_of_birth[0].country,
        full.places_of_birth[0].country_text,
        full.places_of_birth[0].city,
    ) == ("TN", "Tunisia", "Tunis")
    assert pb.CalendarDate(year=1977) == year.dates_of_birth[0].date


def test_organisation_tells_former_names_from_aliases(notices: dict[str, pb.Notice]) -> None:
    names = notices["EXe.002"].subjects[0].organisation.names
    assert [(name.type, name.quality_text) for name in names] == [
        (pb.NAME_TYPE_PRIMARY, ""),
        (pb.NAME_TYPE_ALIAS, "a.k.a."),
        (pb.NAME_TYPE_FORMER, "f.k.a."),
        (pb.NAME_TYPE_ALIAS, "a.k.a."),
    ]


def test_alias_too_long_for_a_name_stays_a_source_element() -> None:
    long = "Example " * 70
    alias = f"<QUALITY>Good</QUALITY><ALIAS_NAME>{long}</ALIAS_NAME>"
    notice = _person(f"<INDIVIDUAL_ALIAS>{alias}</INDIVIDUAL_ALIAS>")
    assert len(notice.subjects[0].person.names) == 1
    assert [
        ("INDIVIDUAL_ALIAS/QUALITY", "Good"),
        ("INDIVIDUAL_ALIAS/ALIAS_NAME", long.strip()),
    ] == _left(notice)


EXACT, ABOUT = pb.DATE_QUALIFIER_EXACT, pb.DATE_QUALIFIER_APPROXIMATE


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (
            "<TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1970-02-26</DATE>",
            pb.PartialDate(qualifier=EXACT, date=pb.CalendarDate(year=1970, month=2, day=26)),
        ),
        (
            "<TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1970-02-26-05:00</DATE>",
            pb.PartialDate(
                qualifier=EXACT,
                date=pb.CalendarDate(year=1970, month=2, day=26),
                text="1970-02-26-05:00",
            ),
        ),
        (
            "<TYPE_OF_DATE>APPROXIMATELY</TYPE_OF_DATE><YEAR>1965</YEAR>",
            pb.PartialDate(qualifier=ABOUT, date=pb.CalendarDate(year=1965)),
        ),
        (
            "<TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><NOTE>Approximately</NOTE>"
            "<FROM_YEAR>1943</FROM_YEAR><TO_YEAR>1944</TO_YEAR>",
            pb.PartialDate(
                qualifier=pb.DATE_QUALIFIER_BETWEEN,
                date=pb.CalendarDate(year=1943),
                until=pb.CalendarDate(year=1944),
                note="Approximately",
            ),
        ),
        (
            "<TYPE_OF_DATE>EXACT</TYPE_OF_DATE><NOTE>Dec. 1981</NOTE>",
            pb.PartialDate(
                qualifier=EXACT, date=pb.CalendarDate(year=1981, month=12), text="Dec. 1981"
            ),
        ),
        (
            "<TYPE_OF_DATE>APPROXIMATELY</TYPE_OF_DATE><NOTE>40-45 years old</NOTE>",
            pb.PartialDate(qualifier=ABOUT, text="40-45 years old"),
        ),
        (
            "<TYPE_OF_DATE>EXACT</TYPE_OF_DATE><YEAR>1958</YEAR><NOTE>Sep.</NOTE>",
            pb.PartialDate(qualifier=EXACT, date=pb.CalendarDate(year=1958), note="Sep."),
        ),
    ],
)
def test_date_of_birth_says_what_is_known_and_no_more(
    elements: str, expected: pb.PartialDate
) -> None:
    notice = _birth(elements)
    assert [expected] == list(notice.subjects[0].person.dates_of_birth)
    assert _left(notice) == []


@pytest.mark.parametrize(
    "elements",
    [
        "<TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1950</FROM_YEAR>",
        "<TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1951</FROM_YEAR><TO_YEAR>1950</TO_YEAR>",
        "<TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><YEAR>1950</YEAR>",
        "<TYPE_OF_DATE>BEFORE</TYPE_OF_DATE><DATE>1950-01-02</DATE><YEAR>1950</YEAR>",
        "<TYPE_OF_DATE>EXACT</TYPE_OF_DATE><TO_YEAR>1950</TO_YEAR>",
    ],
)
def test_date_of_birth_that_no_date_can_hold_stays_in_source_elements(elements: str) -> None:
    notice = _birth(elements)
    assert _left(notice)
    for birth in notice.subjects[0].person.dates_of_birth:
        assert birth.qualifier == pb.DATE_QUALIFIER_UNSPECIFIED


def test_document_keeps_its_own_words_and_types_only_what_is_certain(
    notices: dict[str, pb.Notice],
) -> None:
    passport, foreign, tax, _ = notices["EXi.005"].subjects[0].person.documents
    assert passport.type == pb.DOCUMENT_TYPE_PASSPORT
    assert (passport.issuing_country, passport.issuing_country_text) == ("TN", "Tunisian")
    assert (
        passport.place_of_issue.country,
        passport.place_of_issue.city,
    ) == ("DE", "Sample Municipality")
    assert pb.CalendarDate(year=1999, month=8, day=31) == passport.issued_on.date
    assert (foreign.issuing_country, foreign.issuing_country_text) == ("", "Maltese passport")
    assert tax.type == pb.DOCUMENT_TYPE_NATIONAL_NUMBER
    assert tax.second_type_text == "Example Fiscal Code:"


def test_document_keeps_a_date_of_issue_in_words() -> None:
    notice = _person(
        "<INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Seaman's book</TYPE_OF_DOCUMENT>"
        "<DATE_OF_ISSUE>early 2001</DATE_OF_ISSUE></INDIVIDUAL_DOCUMENT>"
    )
    [document] = notice.subjects[0].person.documents
    assert document.type == pb.DOCUMENT_TYPE_OTHER
    assert pb.PartialDate(text="early 2001") == document.issued_on


def test_unknown_elements_and_attributes_are_kept_with_their_paths() -> None:
    notice = _person(
        "<COMMENTS1>one</COMMENTS1><COMMENTS1>two</COMMENTS1><SORT_KEY>key</SORT_KEY>"
        '<EYES kind="x"><LEFT>grey</LEFT><LEFT>blue</LEFT></EYES><TITLE>Dr.</TITLE>'
    )
    assert _left(notice) == [
        ("COMMENTS1[2]", "two"),
        ("SORT_KEY", "key"),
        ("EYES/@kind", "x"),
        ("EYES/LEFT[1]", "grey"),
        ("EYES/LEFT[2]", "blue"),
        ("TITLE", "Dr."),
    ]
