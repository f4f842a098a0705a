"""The notices of the story: the drafts of docs/examples and a few listings, all invented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from agency_client.drafts import load_draft
from agency_client.un_list import IssueTerms, first_version, parse_list
from comity.v1.notices_pb2 import (
    DATE_QUALIFIER_APPROXIMATE,
    PRECAUTION_CODE_OTHER,
    TRAFFIC_EXERCISE,
    LocalizedText,
    Notice,
)
from deploy.stage import EXAMPLES

# Together they show every field that a listing can have.
LISTED = ("EXi.005", "SAe.001", "EXi.003", "SAi.002", "EXi.006")

# Put into the first listing: what the list has elsewhere, and an element that no field is for.
_REFERENCE = "<REFERENCE_NUMBER>EXi.005</REFERENCE_NUMBER>"
_MORE = (
    "<SUBMITTED_ON>2014-02-03</SUBMITTED_ON><SUBMITTED_BY>Sampleland</SUBMITTED_BY>"
    "<EXAMPLE_ELEMENT>An element that this version has no field for</EXAMPLE_ELEMENT>"
)


def example_draft(name: str) -> Notice:
    """The draft in docs/examples/notice-<name>.json, as an exercise."""
    return load_draft(EXAMPLES / f"notice-{name}.json", traffic=TRAFFIC_EXERCISE).notice


def revised_red() -> Notice:
    """The red notice with one precaution more, and a date as somebody remembers it."""
    notice = example_draft("red")
    issued_on = notice.subjects[0].person.documents[0].issued_on
    issued_on.qualifier = DATE_QUALIFIER_APPROXIMATE
    issued_on.date.year = 2021
    issued_on.text = "early in 2021"
    details = _english("Ring the duty desk before any approach: +1 202 555 0142")
    notice.precautions.add(code=PRECAUTION_CODE_OTHER, details=[details])
    return notice


def stolen_van() -> Notice:
    """The notice on a van, with a remark."""
    notice = example_draft("object")
    notice.subjects[0].object.remarks.append(_english("Invented. The left mirror is missing."))
    return notice


def listings(*, now: datetime, new_id: Callable[[], str]) -> Sequence[Notice]:
    """A few subjects of the sample of a sanctions list, as an import makes them."""
    text = (EXAMPLES / "un-list-sample.xml").read_text(encoding="utf-8")
    edition = parse_list(text.replace(_REFERENCE, _REFERENCE + _MORE).encode())
    subjects = {subject.reference_number: subject for subject in edition.subjects}
    terms = IssueTerms.exercise(now)
    return [first_version(subjects[key], notice_id=new_id(), terms=terms) for key in LISTED]


def _english(text: str) -> LocalizedText:
    return LocalizedText(language="en", text=text, original=True)
