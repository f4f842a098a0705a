"""What each RPC is, and who may call it. An RPC that is not here is refused.

The guard asks this table which kinds of thing a caller may do; each service judges which notice,
agency or officer it may do them to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from comity.v1.officers_pb2 import (
    ROLE_AGENCY_ADMINISTRATOR,
    ROLE_HUB_ADMINISTRATOR,
    ROLE_HUB_REVIEWER,
    Role,
)
from directory.services.keepers import KEEPING_ROLES
from directory.services.withholding import CASE_ROLES
from hub.services.calls import Step


class Admission(Enum):
    """Who may call."""

    # By its certificate alone, or with an officer of any role.
    ACTIVE_AGENCY = "active agency"
    # An officer who is logged in, with one of the rule's roles.
    OFFICER = "officer"


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one RPC. `timeout_seconds` bounds calls; streams have none.

    `roles` says which officers; None is every role, and only rules for officers have any.
    """

    action: str
    admission: Admission
    timeout_seconds: float | None
    roles: frozenset[Role.ValueType] | None = None
    # What an officer may do who has this step before it; everything else waits for the step.
    during: frozenset[Step] = frozenset()


UNARY_SECONDS = 30.0  # a commit takes milliseconds; this is for a database that is locked or away

# Each of its own agency's officers; the service sees to that.
MANAGERS = frozenset({ROLE_AGENCY_ADMINISTRATOR, ROLE_HUB_ADMINISTRATOR})
_HUB_ADMINISTRATORS = frozenset({ROLE_HUB_ADMINISTRATOR})
_REVIEWERS = frozenset({ROLE_HUB_REVIEWER})
_AGENCY_ADMINISTRATORS = frozenset({ROLE_AGENCY_ADMINISTRATOR})

RULES: Mapping[str, Rule] = {
    "/comity.v1.ActService/SubmitActs": Rule("submit acts", Admission.ACTIVE_AGENCY, UNARY_SECONDS),
    "/comity.v1.ActService/SubmitBulk": Rule("submit acts", Admission.ACTIVE_AGENCY, None),
    "/comity.v1.NoticeService/GetNotice": Rule(
        "read notices", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.NoticeService/ListNotices": Rule(
        "read notices", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.NoticeService/ListNoticeActs": Rule(
        "read notices", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.NoticeService/ListRecalls": Rule(
        "read notices", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.NoticeService/GetNoticePolicy": Rule(
        "read the policy", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.ReviewService/ListReviews": Rule(
        "review notices", Admission.OFFICER, UNARY_SECONDS, _REVIEWERS
    ),
    "/comity.v1.ReviewService/GetReview": Rule(
        "review notices", Admission.OFFICER, UNARY_SECONDS, _REVIEWERS
    ),
    "/comity.v1.ReviewService/TakeReview": Rule(
        "review notices", Admission.OFFICER, UNARY_SECONDS, _REVIEWERS
    ),
    "/comity.v1.ReviewService/DecideReview": Rule(
        "review notices", Admission.OFFICER, UNARY_SECONDS, _REVIEWERS
    ),
    "/comity.v1.ReviewService/GetReviewStatistics": Rule(
        "read the figures of reviews", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.WatchService/WatchEvents": Rule("watch events", Admission.ACTIVE_AGENCY, None),
    "/comity.v1.AgencyService/ListAgencyKeys": Rule(
        "read the roster", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.LedgerService/GetCheckpoint": Rule(
        "verify the ledger", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.LedgerService/ProveInclusion": Rule(
        "verify the ledger", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.LedgerService/ProveConsistency": Rule(
        "verify the ledger", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.LedgerService/ListEntries": Rule(
        "verify the ledger", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.SessionService/DescribeLogIn": Rule(
        "log in", Admission.ACTIVE_AGENCY, UNARY_SECONDS, during=frozenset(Step)
    ),
    "/comity.v1.SessionService/LogIn": Rule(
        "log in", Admission.ACTIVE_AGENCY, UNARY_SECONDS, during=frozenset(Step)
    ),
    "/comity.v1.SessionService/RefreshSession": Rule(
        "log in", Admission.ACTIVE_AGENCY, UNARY_SECONDS, during=frozenset(Step)
    ),
    "/comity.v1.SessionService/WhoAmI": Rule(
        "see who one is", Admission.ACTIVE_AGENCY, UNARY_SECONDS, during=frozenset(Step)
    ),
    "/comity.v1.SessionService/LogOut": Rule(
        "log out", Admission.OFFICER, UNARY_SECONDS, during=frozenset(Step)
    ),
    "/comity.v1.SessionService/ChangePassword": Rule(
        "change how one logs in", Admission.OFFICER, UNARY_SECONDS, during=frozenset(Step)
    ),
    "/comity.v1.SessionService/BeginSecondFactor": Rule(
        "change how one logs in",
        Admission.OFFICER,
        UNARY_SECONDS,
        during=frozenset({Step.SECOND_FACTOR}),
    ),
    "/comity.v1.SessionService/ConfirmSecondFactor": Rule(
        "change how one logs in",
        Admission.OFFICER,
        UNARY_SECONDS,
        during=frozenset({Step.SECOND_FACTOR}),
    ),
    "/comity.v1.OfficerService/AddOfficer": Rule(
        "manage officers", Admission.OFFICER, UNARY_SECONDS, MANAGERS
    ),
    "/comity.v1.OfficerService/ListOfficers": Rule(
        "manage officers", Admission.OFFICER, UNARY_SECONDS, MANAGERS
    ),
    "/comity.v1.OfficerService/ChangeOfficer": Rule(
        "manage officers", Admission.OFFICER, UNARY_SECONDS, MANAGERS
    ),
    "/comity.v1.OfficerService/ResetOfficer": Rule(
        "manage officers", Admission.OFFICER, UNARY_SECONDS, MANAGERS
    ),
    "/comity.v1.MembershipService/InviteAgency": Rule(
        "admit agencies", Admission.OFFICER, UNARY_SECONDS, _HUB_ADMINISTRATORS
    ),
    "/comity.v1.MembershipService/ListApplications": Rule(
        "admit agencies", Admission.OFFICER, UNARY_SECONDS, _HUB_ADMINISTRATORS
    ),
    "/comity.v1.MembershipService/ApproveApplication": Rule(
        "admit agencies", Admission.OFFICER, UNARY_SECONDS, _HUB_ADMINISTRATORS
    ),
    "/comity.v1.MembershipService/RefuseApplication": Rule(
        "admit agencies", Admission.OFFICER, UNARY_SECONDS, _HUB_ADMINISTRATORS
    ),
    "/comity.v1.MembershipService/ConsentToAgency": Rule(
        "speak for a country", Admission.OFFICER, UNARY_SECONDS, _AGENCY_ADMINISTRATORS
    ),
    "/comity.v1.MembershipService/ChangeAgencyStatus": Rule(
        "watch over agencies", Admission.OFFICER, UNARY_SECONDS, _HUB_ADMINISTRATORS
    ),
    "/comity.v1.MembershipService/DescribeAgency": Rule(
        "describe agencies", Admission.OFFICER, UNARY_SECONDS, MANAGERS
    ),
    "/comity.v1.MembershipService/EndKeys": Rule(
        "end keys", Admission.OFFICER, UNARY_SECONDS, MANAGERS
    ),
    "/comity.v1.MembershipService/LeaveHub": Rule(
        "leave the hub", Admission.OFFICER, UNARY_SECONDS, _AGENCY_ADMINISTRATORS
    ),
    "/comity.v1.MembershipService/RenewCertificate": Rule(
        "renew own keys", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.MembershipService/RotateKeys": Rule(
        "renew own keys", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.MembershipService/GetRevocationList": Rule(
        "read the roster", Admission.ACTIVE_AGENCY, UNARY_SECONDS
    ),
    "/comity.v1.DirectoryService/FindAuthorities": Rule(
        "look authorities up", Admission.OFFICER, UNARY_SECONDS
    ),
    "/comity.v1.DirectoryService/ResolveAuthority": Rule(
        "look authorities up", Admission.OFFICER, UNARY_SECONDS
    ),
    "/comity.v1.DirectoryService/GetAuthority": Rule(
        "look authorities up", Admission.OFFICER, UNARY_SECONDS
    ),
    "/comity.v1.DirectoryService/ListAuthorityVersions": Rule(
        "look authorities up", Admission.OFFICER, UNARY_SECONDS
    ),
    "/comity.v1.DirectoryService/CompareVersions": Rule(
        "look authorities up", Admission.OFFICER, UNARY_SECONDS
    ),
    "/comity.v1.DirectoryService/ReportAuthority": Rule(
        "report entries of authorities", Admission.OFFICER, UNARY_SECONDS
    ),
    "/comity.v1.DirectoryService/ProposeChange": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/ListProposals": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/ApproveChange": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/RefuseChange": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/ConfirmAuthority": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/ListReports": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/CloseReport": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/ListDueAuthorities": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/TestContact": Rule(
        "test contacts of authorities", Admission.OFFICER, UNARY_SECONDS, CASE_ROLES
    ),
    "/comity.v1.DirectoryService/AnswerContactTest": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    # Who works on cases is shown persons' numbers, and the hub's administrators are of entries that
    # are escalated to them; nobody else shall find one out by guessing.
    "/comity.v1.DirectoryService/RecordContactCall": Rule(
        "note calls to authorities",
        Admission.OFFICER,
        UNARY_SECONDS,
        CASE_ROLES | _HUB_ADMINISTRATORS,
    ),
    "/comity.v1.DirectoryService/ListContactTests": Rule(
        "keep entries of authorities", Admission.OFFICER, UNARY_SECONDS, KEEPING_ROLES
    ),
    "/comity.v1.DirectoryService/ExportAuthorities": Rule(
        "export entries of authorities", Admission.OFFICER, None
    ),
    "/comity.v1.DirectoryService/ImportAuthorities": Rule(
        "keep entries of authorities", Admission.OFFICER, None, KEEPING_ROLES
    ),
    "/grpc.health.v1.Health/Check": Rule("ask for health", Admission.ACTIVE_AGENCY, UNARY_SECONDS),
}

# Served only where the configuration says so; it describes the contract and holds no data.
REFLECTION_RULES: Mapping[str, Rule] = {
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Rule(
        "describe the contract", Admission.ACTIVE_AGENCY, None
    ),
}
