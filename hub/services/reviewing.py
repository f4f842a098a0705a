"""Who may review what, and when a review has an outcome. Pure.

Nobody reviews a notice of their own country's agency, or about somebody of their own nationality.
An officer without a nationality reviews nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from comity.errors import MalformedInput, Violation
from comity.identity import country_from_agency_id
from comity.texts import code_and_text_violations
from comity.v1 import events_pb2, reviews_pb2
from comity.v1.events_pb2 import ReviewFindings, ReviewOutcome
from comity.v1.reviews_pb2 import ReviewBar
from hub.store.officers import StoredOfficer
from hub.store.reviews import StoredReview, StoredStep

MAX_ELEMENTS = 64  # of what is missing: as many as an originator works through
_DECISIONS = (
    events_pb2.REVIEW_OUTCOME_PUBLISH,
    events_pb2.REVIEW_OUTCOME_RETURN,
    events_pb2.REVIEW_OUTCOME_REFUSE,
)


def bar_of(
    officer: StoredOfficer, review: StoredReview, steps: Iterable[StoredStep]
) -> ReviewBar.ValueType:
    """Why an officer may not decide over a review; unspecified where it may."""
    bar = _country_bar(officer, review)
    if bar:
        return bar
    if any(step.outcome and step.officer_id == officer.officer_id for step in steps):
        return reviews_pb2.REVIEW_BAR_DECIDED_ALREADY
    return reviews_pb2.REVIEW_BAR_UNSPECIFIED


def _country_bar(officer: StoredOfficer, review: StoredReview) -> ReviewBar.ValueType:
    country = country_from_agency_id(review.originator)
    # The hub's own agency has no country; nobody reviews what their own agency publishes.
    is_own = officer.agency_id == review.originator
    if is_own or not officer.nationality or officer.nationality == country:
        return reviews_pb2.REVIEW_BAR_ORIGINATORS_COUNTRY
    if officer.nationality in review.nationalities.split(","):
        return reviews_pb2.REVIEW_BAR_SUBJECTS_NATIONALITY
    return reviews_pb2.REVIEW_BAR_UNSPECIFIED


def count_eligible(reviewers: Iterable[StoredOfficer], review: StoredReview) -> int:
    """How many of the reviewers may decide over a review, or have."""
    return sum(1 for officer in reviewers if not _country_bar(officer, review))


def verify_findings(findings: ReviewFindings) -> None:
    """Verifies that findings are well-formed.

    Raises: MalformedInput with everything at fault.
    """
    violations = code_and_text_violations(findings)
    if findings.outcome not in _DECISIONS:
        violations.append(Violation("outcome", "is missing: publish, return or refuse"))
    is_refused = findings.outcome == events_pb2.REVIEW_OUTCOME_REFUSE
    if is_refused and not findings.ground:
        violations.append(Violation("ground", "is missing: a refusal has a ground"))
    if not is_refused and findings.ground:
        violations.append(Violation("ground", "belongs to a refusal only"))
    if findings.outcome == events_pb2.REVIEW_OUTCOME_RETURN and not findings.elements:
        violations.append(Violation("elements", "is missing: say what is missing or insufficient"))
    if len(findings.elements) > MAX_ELEMENTS:
        violations.append(Violation("elements", f"has more than {MAX_ELEMENTS} items"))
    for number, element in enumerate(findings.elements[:MAX_ELEMENTS]):
        if not element.description.strip():
            violations.append(Violation(f"elements[{number}].description", "is missing"))
    if violations:
        raise MalformedInput("The decision is malformed.", violations=violations)


def outcome_of(review: StoredReview, steps: Sequence[StoredStep]) -> ReviewOutcome.ValueType:
    """What decisions come to; unspecified while they come to nothing.

    One reviewer is enough to ask for more. To publish, to refuse and to cancel takes as many who
    agree as the kind demands.
    """
    given = [step.outcome for step in steps if step.outcome]
    if events_pb2.REVIEW_OUTCOME_RETURN in given:
        return events_pb2.REVIEW_OUTCOME_RETURN
    for outcome in (events_pb2.REVIEW_OUTCOME_PUBLISH, events_pb2.REVIEW_OUTCOME_REFUSE):
        if given.count(outcome) >= review.reviewers_needed:
            return outcome
    return events_pb2.REVIEW_OUTCOME_UNSPECIFIED


def lacks_reviewers(
    review: StoredReview, steps: Sequence[StoredStep], reviewers: Sequence[StoredOfficer]
) -> bool:
    """Whether a review cannot come to an outcome with the reviewers that there are: too few may
    decide, or those who may have decided, and do not agree."""
    decided = {step.officer_id for step in steps if step.outcome}
    left = sum(
        1
        for officer in reviewers
        if officer.officer_id not in decided and not _country_bar(officer, review)
    )
    given = [step.outcome for step in steps if step.outcome]
    agreeing = max(given.count(outcome) for outcome in _DECISIONS)
    return agreeing + left < review.reviewers_needed or not left
