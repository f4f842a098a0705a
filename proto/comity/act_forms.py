"""The form of acts other than versions, checked alike by client and hub.

Says everything that is wrong with an act at once. Whether it fits where its notice stands is the
hub's to decide. Never touches the network or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from comity import acts
from comity.acts import ActKind, ParsedAct
from comity.content.forms import FORMS
from comity.content.partial_dates import calendar_day
from comity.errors import MalformedInput, Violation
from comity.identifiers import is_uuid7
from comity.identity import is_agency_id, is_country_code
from comity.texts import code_and_text_violations
from comity.times import datetime_from_timestamp
from comity.v1 import acts_pb2 as pb
from comity.v1.notices_pb2 import LocalizedText

MAX_NAMED = 250  # whom an act names: the members that a hub is built for, and a margin

_Violations = Iterator[Violation]


def verify_act_form(act: ParsedAct) -> None:
    """Verifies that an act which is no version is well-formed.

    Raises: MalformedInput with a violation for every field at fault.
    """
    violations = code_and_text_violations(act.act, forms=FORMS)
    if act.kind == acts.ACKNOWLEDGEMENT and not act.act.header.officer.strip():
        violations.append(Violation("header.officer", "is missing: the officer who has read it"))
    check = _CHECKS.get(act.kind)
    if check is not None:
        violations += check(act.body)
    if violations:
        raise MalformedInput("The act is malformed.", violations=violations)


def _withdrawal(act: pb.WithdrawalAct) -> _Violations:
    if not act.reason:
        yield Violation("reason", "is missing")
    if act.reason == pb.WITHDRAWAL_REASON_OTHER and not act.details:
        yield Violation("details", "is missing: say what the other reason is")


def _suspension(act: pb.SuspensionAct | pb.ResumptionAct) -> _Violations:
    yield from _reason(act.reason)


def _addendum(act: pb.AddendumAct) -> _Violations:
    if not act.texts and not act.warnings:
        yield Violation("texts", "is missing: say what is to be added")


def _extension(act: pb.ExtensionAct) -> _Violations:
    if not act.HasField("expires_at") or datetime_from_timestamp(act.expires_at) is None:
        yield Violation("expires_at", "is missing or no valid time")
    if not act.HasField("retain_until") or calendar_day(act.retain_until) is None:
        yield Violation("retain_until", "is missing or no day of the calendar")
    yield from _reason(act.reason)


def _flag(act: pb.FlagAct) -> _Violations:
    if act.not_executable:
        yield from _reason(act.reason)


def _custody(act: pb.CustodyAct) -> _Violations:
    if act.in_custody and (not act.HasField("since") or datetime_from_timestamp(act.since) is None):
        yield Violation("since", "is missing or no valid time")


def _recall_answer(act: pb.RecallAnswerAct) -> _Violations:
    is_retained = act.outcome == pb.RECALL_OUTCOME_RETAINED
    is_passed_on = act.outcome == pb.RECALL_OUTCOME_PASSED_ON
    if not act.outcome:
        yield Violation("outcome", "is missing")
    if is_retained and not act.provision.strip():
        yield Violation("provision", "is missing: the law that demands to keep it")
    if is_retained and (
        not act.HasField("retained_until") or calendar_day(act.retained_until) is None
    ):
        yield Violation("retained_until", "is missing or no day of the calendar")
    if is_passed_on and not any(name.strip() for name in act.passed_on_to):
        yield Violation("passed_on_to", "is missing: whom it was passed on to")
    if len(act.passed_on_to) > MAX_NAMED:
        yield Violation("passed_on_to", f"names more than {MAX_NAMED}")


def _release_request(act: pb.ReleaseRequestAct) -> _Violations:
    if not act.onward_to and not act.judicial_use:
        yield Violation("onward_to", "is missing: say what it shall be released for")
    if len(act.onward_to) > MAX_NAMED:
        yield Violation("onward_to", f"names more than {MAX_NAMED}")
    for number, name in enumerate(act.onward_to[:MAX_NAMED]):
        if not is_agency_id(name) and not is_country_code(name):
            yield Violation(f"onward_to[{number}]", "is neither an agency nor a country")
    yield from _reason(act.reason)


def _release_decision(act: pb.ReleaseDecisionAct) -> _Violations:
    if not is_agency_id(act.requested_by):
        yield Violation("requested_by", "is not an agency id")
    if not is_uuid7(act.request_act_id):
        yield Violation("request_act_id", "is not a UUIDv7 in lower case")
    if act.HasField("valid_until") and datetime_from_timestamp(act.valid_until) is None:
        yield Violation("valid_until", "is no valid time")
    if not act.granted and not act.conditions:
        yield Violation("conditions", "is missing: say why it is refused")


def _reason(texts: Iterable[LocalizedText]) -> _Violations:
    if not any(text.text.strip() for text in texts):
        yield Violation("reason", "is missing")


_CHECKS: Mapping[ActKind.ValueType, Callable[..., _Violations]] = {
    acts.WITHDRAWAL: _withdrawal,
    acts.SUSPENSION: _suspension,
    acts.RESUMPTION: _suspension,
    acts.ADDENDUM: _addendum,
    acts.EXTENSION: _extension,
    acts.FLAG: _flag,
    acts.CUSTODY: _custody,
    acts.RECALL_ANSWER: _recall_answer,
    acts.RELEASE_REQUEST: _release_request,
    acts.RELEASE_DECISION: _release_decision,
}
