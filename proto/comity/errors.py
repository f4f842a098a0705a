"""Every error of Comity: one tree, one class per reason of the contract.

    ComityError
    ├── AccessRefused          who is calling, and what they may do
    │     CertificateRefused · TransportTooWeak · NotPermitted · AgencyNotActive ·
    │     LogInRequired · TokenRefused · LogInRefused · StepRequired · CodeRefused ·
    │     ScopeExceeded · SupervisorRequired · ReviewerBarred
    ├── InputRefused           what was sent
    │     MalformedInput · TooLarge · UnknownFields · SignatureInvalid · SigningKeyUnknown ·
    │     WrongHub · WrongOriginator · NoticeInvalid · AddressingInvalid · IssuedInFuture ·
    │     IssuedTooLongAgo · NoticeExpired · NotSent · ApplicationInvalid · ListInvalid ·
    │     PasswordRefused · RotationInvalid · AuthorityInvalid · CursorInvalid ·
    │     LegalMinimumMissing · PolicyInvalid
    ├── StateRefused           what is there already
    │     NotFound · IdReused · NotLatestVersion · NoticeWithdrawn · AddressingNarrowed ·
    │     Superseded · AgencyExists · LastAdministrator · OfficerExists ·
    │     ApprovedAlready · ConsentMissing · WrongStatus · AuthorityChanged ·
    │     NoticeNotInForce · ReleaseRequired · ReviewEnded · RecallAnswered
    ├── HubUnavailable         what the hub cannot do now
    │     QuotaExceeded · StoreUnavailable · MembershipUnconfirmed · ShuttingDown ·
    │     DeadlineExceeded · HubUnreachable · InternalError · LogInDelayed ·
    │     IdentityProviderAway
    └── VerificationFailed     what a reader refuses of a hub
          ProofInvalid · CheckpointInvalid · ReceiptInvalid · LedgerRolledBack · LedgerForked ·
          EpochChanged · HubNotVerified

Each class has one reason, the name of one gRPC code, and a message that is safe to show. Knows
nothing of gRPC: `statuses.py` carries errors over the wire.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from comity.v1 import errors_pb2 as pb


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing at fault: the field by its path, and what is wrong with it."""

    field: str
    description: str


class ComityError(Exception):
    """The root. Never raised itself."""

    reason: ClassVar[pb.Reason.ValueType] = pb.REASON_UNSPECIFIED
    code: ClassVar[str] = "INTERNAL"
    default_message: ClassVar[str] = "Something is wrong."

    def __init__(
        self,
        message: str | None = None,
        *,
        violations: Sequence[Violation] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.violations = tuple(violations)
        self.retry_after_seconds = retry_after_seconds
        self.is_from_hub = False  # `statuses.py` says so of what it decodes
        super().__init__(self.message)

    def __str__(self) -> str:
        faults = [f"{v.field}: {v.description}" for v in self.violations]
        return "; ".join([self.message, *faults])


class AccessRefused(ComityError):
    """The caller may not."""


class InputRefused(ComityError):
    """What was sent is wrong, whatever the state."""

    code = "INVALID_ARGUMENT"


class StateRefused(ComityError):
    """What was sent does not fit what is there."""

    code = "FAILED_PRECONDITION"


class HubUnavailable(ComityError):
    """The hub cannot answer now."""

    code = "UNAVAILABLE"


class VerificationFailed(ComityError):
    """What a hub says does not verify."""

    code = "DATA_LOSS"


class CertificateRefused(AccessRefused):
    reason = pb.REASON_CERTIFICATE_REFUSED
    code = "UNAUTHENTICATED"
    default_message = "The certificate is not one that this hub accepts."


class TransportTooWeak(AccessRefused):
    reason = pb.REASON_TRANSPORT_TOO_WEAK
    code = "UNAUTHENTICATED"
    default_message = "The channel has to be TLS 1.3 with X25519MLKEM768."


class NotPermitted(AccessRefused):
    reason = pb.REASON_NOT_PERMITTED
    code = "PERMISSION_DENIED"
    default_message = "The caller may not do this."


class AgencyNotActive(AccessRefused):
    reason = pb.REASON_AGENCY_NOT_ACTIVE
    code = "PERMISSION_DENIED"
    default_message = "The agency is not an active member of this hub."


class LogInRequired(AccessRefused):
    reason = pb.REASON_LOG_IN_REQUIRED
    code = "UNAUTHENTICATED"
    default_message = "An officer has to be logged in for this: comity login."


class TokenRefused(AccessRefused):
    reason = pb.REASON_TOKEN_REFUSED
    code = "UNAUTHENTICATED"
    default_message = "The officer's log-in is not valid here, or not any longer. Log in again."


class LogInRefused(AccessRefused):
    reason = pb.REASON_LOG_IN_REFUSED
    code = "UNAUTHENTICATED"
    default_message = "User name, password or second factor is wrong, or the account is locked."


class StepRequired(AccessRefused):
    reason = pb.REASON_STEP_REQUIRED
    code = "PERMISSION_DENIED"
    default_message = "Before anything else the password or the second factor has to be set."


class CodeRefused(AccessRefused):
    reason = pb.REASON_CODE_REFUSED
    code = "UNAUTHENTICATED"
    default_message = (
        "The code is not one that this agency can enrol with, or not any longer. Ask the hub's "
        "administrators for a new one."
    )


class SupervisorRequired(AccessRefused):
    reason = pb.REASON_SUPERVISOR_REQUIRED
    code = "PERMISSION_DENIED"
    default_message = (
        "What protects victims, witnesses and minors is lifted by a supervisor who is logged in. "
        "Log in as a supervisor and submit it again."
    )


class ReviewerBarred(AccessRefused):
    reason = pb.REASON_REVIEWER_BARRED
    code = "PERMISSION_DENIED"
    default_message = (
        "This notice is for other reviewers: nobody decides over one of their own country, of a "
        "subject of their own nationality, or twice."
    )


class ScopeExceeded(AccessRefused):
    reason = pb.REASON_SCOPE_EXCEEDED
    code = "PERMISSION_DENIED"
    default_message = "The agency's membership does not reach as far as this."


class MalformedInput(InputRefused):
    reason = pb.REASON_MALFORMED
    default_message = "The input is malformed."


class TooLarge(InputRefused):
    reason = pb.REASON_TOO_LARGE
    default_message = "The input is too large."


class UnknownFields(InputRefused):
    reason = pb.REASON_UNKNOWN_FIELDS
    default_message = "The signed content holds fields that this version does not know."


class SignatureInvalid(InputRefused):
    reason = pb.REASON_SIGNATURE_INVALID
    default_message = "A signature does not verify."


class SigningKeyUnknown(InputRefused):
    reason = pb.REASON_SIGNING_KEY_UNKNOWN
    default_message = "No signature is by a key that was the originator's then."


class WrongHub(InputRefused):
    reason = pb.REASON_WRONG_HUB
    default_message = "The act was signed for another hub."


class WrongOriginator(InputRefused):
    reason = pb.REASON_WRONG_ORIGINATOR
    default_message = "The act names another originator."


class NoticeInvalid(InputRefused):
    reason = pb.REASON_NOTICE_INVALID
    default_message = "The notice is not well-formed."


class AddressingInvalid(InputRefused):
    reason = pb.REASON_ADDRESSING_INVALID
    default_message = "The addressing is not valid."


class IssuedInFuture(InputRefused):
    reason = pb.REASON_ISSUED_IN_FUTURE
    default_message = "The time of issue is more than 10 minutes ahead of the hub's clock."


class IssuedTooLongAgo(InputRefused):
    reason = pb.REASON_ISSUED_TOO_LONG_AGO
    default_message = "The time of issue is more than 30 days ago."


class NoticeExpired(InputRefused):
    reason = pb.REASON_NOTICE_EXPIRED
    default_message = "The notice has expired."


class NotSent(InputRefused):
    reason = pb.REASON_NOT_SENT
    default_message = "What was confirmed was not sent."


class ApplicationInvalid(InputRefused):
    reason = pb.REASON_APPLICATION_INVALID
    default_message = "The application does not verify."


class ListInvalid(InputRefused):
    reason = pb.REASON_LIST_INVALID
    default_message = "The list cannot be read."


class PasswordRefused(InputRefused):
    reason = pb.REASON_PASSWORD_REFUSED
    default_message = "The new password is too easy to guess."


class RotationInvalid(InputRefused):
    reason = pb.REASON_ROTATION_INVALID
    default_message = "The change of keys is not valid."


class AuthorityInvalid(InputRefused):
    reason = pb.REASON_AUTHORITY_INVALID
    default_message = "The entry of the authority is not well-formed."


class CursorInvalid(InputRefused):
    reason = pb.REASON_CURSOR_INVALID
    default_message = "The cursor is not one of this query's. Ask again from the beginning."


class LegalMinimumMissing(InputRefused):
    reason = pb.REASON_LEGAL_MINIMUM_MISSING
    default_message = "The notice lacks what the law demands of it."


class PolicyInvalid(InputRefused):
    reason = pb.REASON_POLICY_INVALID
    default_message = "The policy is not well-formed."


class NotFound(StateRefused):
    reason = pb.REASON_NOT_FOUND
    code = "NOT_FOUND"
    default_message = "There is no such thing, or it is not yours to see."


class IdReused(StateRefused):
    reason = pb.REASON_ID_REUSED
    code = "ALREADY_EXISTS"
    default_message = "The id was used before, with other content."


class NotLatestVersion(StateRefused):
    reason = pb.REASON_NOT_LATEST_VERSION
    default_message = "The act does not follow the notice's latest version."


class NoticeWithdrawn(StateRefused):
    reason = pb.REASON_NOTICE_WITHDRAWN
    default_message = "The notice was withdrawn."


class AddressingNarrowed(StateRefused):
    reason = pb.REASON_ADDRESSING_NARROWED
    default_message = "A later addressing may only widen; to take a notice back, withdraw it."


class Superseded(StateRefused):
    reason = pb.REASON_SUPERSEDED
    code = "ABORTED"
    default_message = "The watch was opened again elsewhere."


class AgencyExists(StateRefused):
    reason = pb.REASON_AGENCY_EXISTS
    code = "ALREADY_EXISTS"
    default_message = "The agency is in the roster already."


class LastAdministrator(StateRefused):
    reason = pb.REASON_LAST_ADMINISTRATOR
    default_message = "Too few administrators would be left; add another one first."


class OfficerExists(StateRefused):
    reason = pb.REASON_OFFICER_EXISTS
    code = "ALREADY_EXISTS"
    default_message = "The agency has an officer of this user name already."


class ApprovedAlready(StateRefused):
    reason = pb.REASON_APPROVED_ALREADY
    default_message = "You have approved this already; another administrator has to."


class ConsentMissing(StateRefused):
    reason = pb.REASON_CONSENT_MISSING
    default_message = "The approvals are there; the country's lead agency has still to consent."


class WrongStatus(StateRefused):
    reason = pb.REASON_WRONG_STATUS
    default_message = "The agency's status does not allow this change."


class AuthorityChanged(StateRefused):
    reason = pb.REASON_AUTHORITY_CHANGED
    code = "ABORTED"
    default_message = "The entry was changed meanwhile; look at what is there now, and change that."


class NoticeNotInForce(StateRefused):
    reason = pb.REASON_NOTICE_NOT_IN_FORCE
    default_message = "The notice does not stand where this can be done to it."


class ReleaseRequired(StateRefused):
    reason = pb.REASON_RELEASE_REQUIRED
    default_message = (
        "The originator of a notice that this one draws on has not released it for that; it can "
        "be asked to."
    )


class ReviewEnded(StateRefused):
    reason = pb.REASON_REVIEW_ENDED
    code = "ABORTED"
    default_message = "The review has ended meanwhile."


class RecallAnswered(StateRefused):
    reason = pb.REASON_RECALL_ANSWERED
    code = "ALREADY_EXISTS"
    default_message = "The recall was answered already, and otherwise."


class QuotaExceeded(HubUnavailable):
    reason = pb.REASON_QUOTA_EXCEEDED
    code = "RESOURCE_EXHAUSTED"
    default_message = "The agency's quota is used up."


class StoreUnavailable(HubUnavailable):
    reason = pb.REASON_STORE_UNAVAILABLE
    default_message = "The hub's database does not take this now. Nothing acknowledged is lost."


class MembershipUnconfirmed(HubUnavailable):
    reason = pb.REASON_MEMBERSHIP_UNCONFIRMED
    default_message = "The hub cannot confirm its membership at the moment."


class ShuttingDown(HubUnavailable):
    reason = pb.REASON_SHUTTING_DOWN
    default_message = "The hub is shutting down."


class DeadlineExceeded(HubUnavailable):
    reason = pb.REASON_DEADLINE_EXCEEDED
    code = "DEADLINE_EXCEEDED"
    default_message = "The call took too long."


class HubUnreachable(HubUnavailable):
    reason = pb.REASON_HUB_UNREACHABLE
    default_message = "The hub cannot be reached."


class InternalError(HubUnavailable):
    reason = pb.REASON_INTERNAL
    code = "INTERNAL"
    default_message = "The hub failed."


class LogInDelayed(HubUnavailable):
    reason = pb.REASON_LOG_IN_DELAYED
    code = "RESOURCE_EXHAUSTED"
    default_message = "Too many log-ins have failed; try again a little later."


class IdentityProviderAway(HubUnavailable):
    reason = pb.REASON_IDENTITY_PROVIDER_AWAY
    default_message = "Where officers log in cannot be reached now. Try again."


class ProofInvalid(VerificationFailed):
    reason = pb.REASON_PROOF_INVALID
    default_message = "A proof of the ledger does not verify."


class CheckpointInvalid(VerificationFailed):
    reason = pb.REASON_CHECKPOINT_INVALID
    default_message = "A checkpoint does not verify."


class ReceiptInvalid(VerificationFailed):
    reason = pb.REASON_RECEIPT_INVALID
    default_message = "The receipt does not verify."


class LedgerRolledBack(VerificationFailed):
    reason = pb.REASON_LEDGER_ROLLED_BACK
    default_message = "The hub shows an older ledger than it has shown before."


class LedgerForked(VerificationFailed):
    reason = pb.REASON_LEDGER_FORKED
    default_message = "The hub shows another history than it has shown before."


class EpochChanged(VerificationFailed):
    reason = pb.REASON_EPOCH_CHANGED
    default_message = "The hub's ledger goes on under a new origin."


class HubNotVerified(VerificationFailed):
    reason = pb.REASON_HUB_NOT_VERIFIED
    default_message = "What answers is not the hub that is meant."


def _leaves(root: type[ComityError]) -> list[type[ComityError]]:
    children = root.__subclasses__()
    return [leaf for child in children for leaf in _leaves(child)] if children else [root]


_CLASSES: Mapping[int, type[ComityError]] = {leaf.reason: leaf for leaf in _leaves(ComityError)}


def error_class_for(reason: int) -> type[ComityError]:
    """The class of a reason; InternalError for one that this version does not know."""
    return _CLASSES.get(reason, InternalError)
