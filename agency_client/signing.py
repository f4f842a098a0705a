"""Signing: from a draft of a notice to the signed acts that belong together. No I/O.

Whatever is signed here has the form that the hub demands, and a notice its legal minimum:
everything at fault is said before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from agency_client.addressing import rule_with_copy
from agency_client.profile import Profile
from agency_client.retention import last_day_kept
from comity.acts import ParsedAct, sign_act
from comity.errors import LegalMinimumMissing, MalformedInput, Violation
from comity.identity import AgencyId
from comity.keys import PrivateKey
from comity.minimum.policy import builtin_policy
from comity.notices import verify_notice
from comity.receipt import digest_of
from comity.times import datetime_from_timestamp, timestamp_from
from comity.v1.acts_pb2 import (
    WITHDRAWAL_REASON_OTHER,
    Act,
    ActHeader,
    AddressingAct,
    AddressingRule,
    Envelope,
    SubmitActsRequest,
    VersionAct,
    WithdrawalAct,
    WithdrawalReason,
)
from comity.v1.notices_pb2 import LocalizedText, Notice

DEFAULT_LIFE = timedelta(days=365)  # of a draft without a time of expiry; it may name another


def complete_draft(draft: Notice, *, now: datetime, new_id: Callable[[], str]) -> Notice:
    """The first version of a notice, with what its draft leaves out: id, number, times."""
    notice = Notice()
    notice.CopyFrom(draft)
    notice.notice_id = draft.notice_id or new_id()
    notice.version = 1
    notice.ClearField("predecessor_digest")
    _set_times(notice, now)
    return notice


def _set_times(notice: Notice, now: datetime) -> None:
    notice.issued_at.CopyFrom(timestamp_from(now))
    if not notice.HasField("expires_at"):
        notice.expires_at.CopyFrom(timestamp_from(now + DEFAULT_LIFE))
    expires_at = datetime_from_timestamp(notice.expires_at)
    if expires_at is not None and not notice.handling.HasField("retain_until"):
        notice.handling.retain_until.CopyFrom(last_day_kept(expires_at))


class ActSigner:
    """Builds and signs an agency's acts."""

    def __init__(
        self,
        profile: Profile,
        *,
        keys: Sequence[PrivateKey],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        copied_to: AgencyId | None = None,
    ) -> None:
        self._copied_to = copied_to  # the lead agency that whatever is addressed goes to as well
        self._profile = profile
        self._keys = keys
        self._clock = clock
        self._new_id = new_id

    def completed(self, draft: Notice) -> Notice:
        """The first version of a notice, with what its draft leaves out: id, number, times."""
        return complete_draft(draft, now=self._clock(), new_id=self._new_id)

    def first_version(self, notice: Notice, rule: AddressingRule) -> SubmitActsRequest:
        """The first version of a complete notice with its addressing.

        Raises: NoticeInvalid or LegalMinimumMissing with everything at fault; TooLarge;
        AddressingInvalid where the rule excludes the lead agency, which has to have a copy.
        """
        version = self._signed_version(notice)
        addressing = self._signed_addressing(notice.notice_id, digest_of(version.payload), rule)
        return SubmitActsRequest(acts=[version, addressing])

    def next_version(self, draft: Notice, latest: ParsedAct) -> SubmitActsRequest:
        """The version that follows the latest one, from a draft of its content.

        Raises: NoticeInvalid or LegalMinimumMissing with everything at fault; TooLarge.
        """
        notice = Notice()
        notice.CopyFrom(draft)
        notice.notice_id = latest.notice_id
        notice.version = latest.act.version.notice.version + 1
        notice.predecessor_digest = latest.digest
        _set_times(notice, self._clock())
        return self.later_version(notice)

    def later_version(self, notice: Notice) -> SubmitActsRequest:
        """A later version of a notice that is complete already.

        Raises: NoticeInvalid, LegalMinimumMissing, TooLarge.
        """
        return SubmitActsRequest(acts=[self._signed_version(notice)])

    def withdrawal(
        self,
        notice_id: str,
        latest_digest: bytes,
        *,
        reason: WithdrawalReason.ValueType,
        details: Sequence[LocalizedText] = (),
    ) -> SubmitActsRequest:
        """The withdrawal of a notice.

        Raises: MalformedInput where the reason is OTHER and nothing says which.
        """
        if reason == WITHDRAWAL_REASON_OTHER and not details:
            raise MalformedInput(
                violations=[Violation("details", "is missing: say what the other reason is")]
            )
        withdrawal = WithdrawalAct(
            notice_id=notice_id, version_digest=latest_digest, reason=reason, details=details
        )
        return SubmitActsRequest(
            acts=[self._signed(Act(header=self._header(), withdrawal=withdrawal))]
        )

    def wider_addressing(
        self, notice_id: str, latest_digest: bytes, rule: AddressingRule
    ) -> SubmitActsRequest:
        """A wider addressing of a notice.

        Raises: AddressingInvalid as `first_version`.
        """
        return SubmitActsRequest(acts=[self._signed_addressing(notice_id, latest_digest, rule)])

    def _header(self) -> ActHeader:
        return ActHeader(
            hub_domain=self._profile.hub_domain,
            originator=self._profile.agency,
            act_id=self._new_id(),
            issued_at=timestamp_from(self._clock()),
        )

    def _signed_version(self, notice: Notice) -> Envelope:
        verify_notice(notice)
        self._require_minimum(notice)
        header = self._header()
        header.issued_at.CopyFrom(notice.issued_at)
        return self._signed(Act(header=header, version=VersionAct(notice=notice)))

    def _require_minimum(self, notice: Notice) -> None:
        """Raises: LegalMinimumMissing."""
        try:
            builtin_policy().require_minimum(notice)
        except LegalMinimumMissing as error:
            raise LegalMinimumMissing(
                f"Nothing was sent. {error.message}", violations=error.violations
            ) from None

    def _signed_addressing(
        self, notice_id: str, version_digest: bytes, rule: AddressingRule
    ) -> Envelope:
        addressing = AddressingAct(
            notice_id=notice_id,
            version_digest=version_digest,
            rule=rule_with_copy(rule, self._copied_to),
        )
        return self._signed(Act(header=self._header(), addressing=addressing))

    def _signed(self, act: Act) -> Envelope:
        return sign_act(act, self._keys)
