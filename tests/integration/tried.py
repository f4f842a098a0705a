"""What is tried on each RPC, besides naming a hidden notice in every field that can name one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from agency_client.agency import Agency
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2, reviews_pb2
from tests.integration.drafts import Acts, Draft
from tests.integration.hidden_notices import Hidden, signed
from tests.integration.hidden_story import Story

Requests = Iterator[list[bytes]]
_TEXT = [notices_pb2.LocalizedText(language="en", text="Curious.", original=True)]
_LIVE, _EXERCISE = notices_pb2.TRAFFIC_LIVE, notices_pb2.TRAFFIC_EXERCISE


def submissions(hidden: Hidden, agency: Agency) -> Iterator[tuple[str, Acts]]:
    """Every act that an agency can make about a notice of France's, by what it is."""
    for name, body in _bodies(hidden):
        yield name, [signed(agency, hidden, **{name.partition(" ")[0]: body})]
    draft = own_draft(agency)
    draft.notice.sources.add(
        originator="FR-NCB",
        notice_id=hidden.notice_id,
        version_digest=hidden.digest,
        release_act_id="" if hidden.was_read else hidden.act_id,
    )
    yield "version citing it", draft.acts()


def _bodies(hidden: Hidden) -> Iterator[tuple[str, Any]]:
    yield "acknowledgement", acts_pb2.AcknowledgementAct(remarks=_TEXT)
    yield "flag", acts_pb2.FlagAct(not_executable=True, reason=_TEXT)
    custody = acts_pb2.CustodyAct(in_custody=True, reference="curious")
    custody.since.GetCurrentTime()
    yield "custody", custody
    yield "custody ended", acts_pb2.CustodyAct()
    outcome = acts_pb2.RECALL_OUTCOME_DELETED
    entry = hidden.recall_entry
    yield "recall_answer", acts_pb2.RecallAnswerAct(recall_entry=entry, outcome=outcome)
    yield "release_request", acts_pb2.ReleaseRequestAct(onward_to=["BR-NCB"], reason=_TEXT)
    yield "suspension", acts_pb2.SuspensionAct(reason=_TEXT)
    yield "resumption", acts_pb2.ResumptionAct(reason=_TEXT)
    yield "addendum", acts_pb2.AddendumAct(texts=_TEXT)
    delisted = acts_pb2.WITHDRAWAL_REASON_DELISTED
    yield "withdrawal", acts_pb2.WithdrawalAct(reason=delisted)
    rule = acts_pb2.AddressingRule(agencies=["KE-NCB", "BR-NCB"])
    yield "addressing", acts_pb2.AddressingAct(rule=rule)
    decision = acts_pb2.ReleaseDecisionAct(
        requested_by="BR-NCB", request_act_id=hidden.act_id, granted=True
    )
    yield "release_decision", decision


def versions(hidden: Hidden, agency: Agency) -> Iterator[Acts]:
    """A notice of one's own that bears the id of a hidden one."""
    draft = own_draft(agency)
    draft.notice.notice_id = hidden.notice_id
    yield draft.acts()


def own_draft(agency: Agency) -> Draft:
    """A good submission of an agency's to France."""
    draft = Draft(agency.profile.load_signing_keys())
    draft.notice.kind = notices_pb2.NOTICE_KIND_BLUE
    draft.notice.requested_actions[0].code = notices_pb2.ACTION_CODE_LOCATE
    draft.header.originator = agency.profile.agency
    draft.rule = acts_pb2.AddressingRule(agencies=["FR-NCB"])
    return draft


def _submitted(story: Story, agency: Agency) -> Iterator[bytes]:
    for hidden in story.hidden.values():
        for _, acts in submissions(hidden, agency):
            yield acts_pb2.SubmitActsRequest(acts=acts).SerializeToString()


def _single(story: Story, agency: Agency) -> Requests:
    for request in _submitted(story, agency):
        yield [request]


def _bulk(story: Story, agency: Agency) -> Requests:
    request = acts_pb2.SubmitBulkRequest()
    for number, item in enumerate(_submitted(story, agency)):
        request.submissions.add(number=number, request=item)
    yield [request.SerializeToString()]


def _get_notice(story: Story, agency: Agency) -> Requests:
    for hidden in story.hidden.values():
        for originator in ("BR-NCB", "KE-NCB", "ZZ-HUB"):
            yield _one(events_pb2.GetNoticeRequest, originator=originator, hidden=hidden)


def _one(made: Callable[..., Any], *, hidden: Hidden, **fields: Any) -> list[bytes]:
    return [made(notice_id=hidden.notice_id, **fields).SerializeToString()]


def _list_notices(story: Story, agency: Agency) -> Requests:
    filters: list[dict[str, Any]] = [
        {},
        {"kinds": [notices_pb2.NOTICE_KIND_RED]},
        {"kinds": [notices_pb2.NOTICE_KIND_BLUE]},
        {"originators": ["FR-NCB"]},
        {"originator_countries": ["FR"]},
        {"minimum_urgency": notices_pb2.URGENCY_URGENT},
    ]
    firsts = [0, *(hidden.entry for hidden in story.hidden.values())]
    for traffic in (_LIVE, _EXERCISE):
        for filled in filters:
            for holder in ("", "BR-NCB", "KE-NCB", "FR-NCB"):
                yield _listed(traffic, filter=events_pb2.NoticeFilter(**filled), held_by=holder)
        for first in firsts:
            yield _listed(traffic, first_index=first, limit=1)


def _listed(traffic: notices_pb2.Traffic.ValueType, **fields: Any) -> list[bytes]:
    return [events_pb2.ListNoticesRequest(traffic=traffic, **fields).SerializeToString()]


def _list_notice_acts(story: Story, agency: Agency) -> Requests:
    for hidden in story.hidden.values():
        for first in (0, hidden.entry, hidden.recall_entry):
            request = events_pb2.ListNoticeActsRequest
            yield _one(request, hidden=hidden, originator="FR-NCB", first_index=first)


def _list_recalls(story: Story, agency: Agency) -> Requests:
    for owed in (False, True):
        for is_open in (False, True):
            request = events_pb2.ListRecallsRequest(owed=owed, open=is_open)
            yield [request.SerializeToString()]
            for hidden in story.hidden.values():
                request.notice_id, request.originator = hidden.notice_id, "FR-NCB"
                yield [request.SerializeToString()]


def _list_entries(story: Story, agency: Agency) -> Requests:
    yield [ledger_pb2.ListEntriesRequest().SerializeToString()]
    for hidden in story.hidden.values():
        request = ledger_pb2.ListEntriesRequest(first_index=hidden.entry, limit=1)
        yield [request.SerializeToString()]


def _prove_consistency(story: Story, agency: Agency) -> Requests:
    for hidden in story.hidden.values():
        request = ledger_pb2.ProveConsistencyRequest(from_size=hidden.entry)
        yield [request.SerializeToString()]


def _list_reviews(story: Story, agency: Agency) -> Requests:
    for with_decided in (False, True):
        request = reviews_pb2.ListReviewsRequest(with_decided=with_decided)
        yield [request.SerializeToString()]


def _statistics(story: Story, agency: Agency) -> Requests:
    yield [reviews_pb2.GetReviewStatisticsRequest().SerializeToString()]


def _watch(story: Story, agency: Agency) -> Requests:
    """The test opens the watches themselves: what they bring has to be confirmed."""
    return iter(())


# What has more to try than a request that names a hidden notice.
TRIED: Mapping[str, Callable[[Story, Agency], Iterable[list[bytes]]]] = {
    "/comity.v1.ActService/SubmitActs": _single,
    "/comity.v1.ActService/SubmitBulk": _bulk,
    "/comity.v1.NoticeService/GetNotice": _get_notice,
    "/comity.v1.NoticeService/ListNotices": _list_notices,
    "/comity.v1.NoticeService/ListNoticeActs": _list_notice_acts,
    "/comity.v1.NoticeService/ListRecalls": _list_recalls,
    "/comity.v1.LedgerService/ListEntries": _list_entries,
    "/comity.v1.LedgerService/ProveConsistency": _prove_consistency,
    "/comity.v1.ReviewService/ListReviews": _list_reviews,
    "/comity.v1.ReviewService/GetReviewStatistics": _statistics,
    "/comity.v1.WatchService/WatchEvents": _watch,
}
# A new RPC goes here, where such a request is all that can be tried, or above.
BY_NAME = frozenset(
    {
        "/comity.v1.DirectoryService/FindAuthorities",
        "/comity.v1.DirectoryService/ResolveAuthority",
        "/comity.v1.DirectoryService/GetAuthority",
        "/comity.v1.DirectoryService/ListAuthorityVersions",
        "/comity.v1.DirectoryService/CompareVersions",
        "/comity.v1.DirectoryService/ProposeChange",
        "/comity.v1.DirectoryService/ListProposals",
        "/comity.v1.DirectoryService/ApproveChange",
        "/comity.v1.DirectoryService/RefuseChange",
        "/comity.v1.DirectoryService/ConfirmAuthority",
        "/comity.v1.DirectoryService/ReportAuthority",
        "/comity.v1.DirectoryService/ListReports",
        "/comity.v1.DirectoryService/CloseReport",
        "/comity.v1.DirectoryService/ListDueAuthorities",
        "/comity.v1.DirectoryService/TestContact",
        "/comity.v1.DirectoryService/AnswerContactTest",
        "/comity.v1.DirectoryService/RecordContactCall",
        "/comity.v1.DirectoryService/ListContactTests",
        "/comity.v1.DirectoryService/ExportAuthorities",
        "/comity.v1.DirectoryService/ImportAuthorities",
        "/comity.v1.EnrolmentService/DescribeHub",
        "/comity.v1.EnrolmentService/Apply",
        "/comity.v1.EnrolmentService/FetchAdmission",
        "/comity.v1.NoticeService/GetNoticePolicy",
        "/comity.v1.LedgerService/GetCheckpoint",
        "/comity.v1.LedgerService/ProveInclusion",
        "/comity.v1.MembershipService/InviteAgency",
        "/comity.v1.MembershipService/ListApplications",
        "/comity.v1.MembershipService/ApproveApplication",
        "/comity.v1.MembershipService/RefuseApplication",
        "/comity.v1.MembershipService/ConsentToAgency",
        "/comity.v1.MembershipService/ChangeAgencyStatus",
        "/comity.v1.MembershipService/DescribeAgency",
        "/comity.v1.MembershipService/EndKeys",
        "/comity.v1.MembershipService/LeaveHub",
        "/comity.v1.MembershipService/RenewCertificate",
        "/comity.v1.MembershipService/RotateKeys",
        "/comity.v1.MembershipService/GetRevocationList",
        "/comity.v1.OfficerService/AddOfficer",
        "/comity.v1.OfficerService/ListOfficers",
        "/comity.v1.OfficerService/ChangeOfficer",
        "/comity.v1.OfficerService/ResetOfficer",
        "/comity.v1.ReviewService/GetReview",
        "/comity.v1.ReviewService/TakeReview",
        "/comity.v1.ReviewService/DecideReview",
        "/comity.v1.AgencyService/ListAgencyKeys",
        "/comity.v1.SessionService/DescribeLogIn",
        "/comity.v1.SessionService/LogIn",
        "/comity.v1.SessionService/RefreshSession",
        "/comity.v1.SessionService/LogOut",
        "/comity.v1.SessionService/WhoAmI",
        "/comity.v1.SessionService/ChangePassword",
        "/comity.v1.SessionService/BeginSecondFactor",
        "/comity.v1.SessionService/ConfirmSecondFactor",
    }
)
