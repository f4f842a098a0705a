"""Signing: from a draft of a notice to the signed acts that belong together. No I/O.

Whatever is signed here has the form that the hub demands, and a notice its legal minimum:
everything at fault is said before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from agency_client.act_signing import NoticeActSigner, Texts
from agency_client.addressing import rule_with_copy
from agency_client.profile import Profile
from agency_client.retention import last_day_kept
from comity.acts import ParsedAct
from comity.errors import LegalMinimumMissing
from comity.identity import AgencyId
from comity.keys import PrivateKey
from comity.minimum.policy import Policy, builtin_policy
from comity.notices import verify_notice
from comity.receipt import digest_of
from comity.times import datetime_from_timestamp, timestamp_from
from comity.v1.acts_pb2 import (
    Act,
    AddressingAct,
    AddressingRule,
    Envelope,
    SubmitActsRequest,
    VersionAct,
)
from comity.v1.notices_pb2 import Notice

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


class ActSigner(NoticeActSigner):
    """Builds and signs an agency's acts."""

    def __init__(
        self,
        profile: Profile,
        *,
        keys: Sequence[PrivateKey],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        copied_to: AgencyId | None = None,
        officer: str = "",
        policy: Policy | None = None,
    ) -> None:
        super().__init__(profile, keys=keys, clock=clock, new_id=new_id, officer=officer)
        self._policy = policy or builtin_policy()
        self._copied_to = copied_to  # the lead agency that whatever is addressed goes to as well

    def completed(self, draft: Notice) -> Notice:
        """The first version of a notice, with what its draft leaves out: id, number, times."""
        return complete_draft(draft, now=self._clock(), new_id=self._new_id)

    def first_version(
        self, notice: Notice, rule: AddressingRule, *, announces_processing: bool = False
    ) -> SubmitActsRequest:
        """The first version of a complete notice with its addressing.

        `announces_processing`: while it is reviewed, addressees see that there is a request.

        Raises: NoticeInvalid or LegalMinimumMissing with everything at fault; TooLarge;
        AddressingInvalid where the rule excludes the lead agency, which has to have a copy.
        """
        version = self._signed_version(notice, announces_processing=announces_processing)
        addressing = self._signed_addressing(notice.notice_id, digest_of(version.payload), rule)
        return SubmitActsRequest(acts=[version, addressing])

    def next_version(
        self,
        draft: Notice,
        latest: ParsedAct,
        *,
        changes: Texts = (),
        announces_processing: bool = False,
    ) -> SubmitActsRequest:
        """The version that follows the latest one, from a draft of its content; `changes` says what
        is corrected, and why.

        Raises: NoticeInvalid or LegalMinimumMissing with everything at fault; TooLarge.
        """
        notice = Notice()
        notice.CopyFrom(draft)
        notice.notice_id = latest.notice_id
        notice.version = latest.act.version.notice.version + 1
        notice.predecessor_digest = latest.digest
        _set_times(notice, self._clock())
        return self.later_version(
            notice, changes=changes, announces_processing=announces_processing
        )

    def later_version(
        self, notice: Notice, *, changes: Texts = (), announces_processing: bool = False
    ) -> SubmitActsRequest:
        """A later version of a notice that is complete already.

        Raises: NoticeInvalid, LegalMinimumMissing, TooLarge.
        """
        version = self._signed_version(
            notice, changes=changes, announces_processing=announces_processing
        )
        return SubmitActsRequest(acts=[version])

    def wider_addressing(
        self, notice_id: str, latest_digest: bytes, rule: AddressingRule
    ) -> SubmitActsRequest:
        """A wider addressing of a notice.

        Raises: AddressingInvalid as `first_version`.
        """
        return SubmitActsRequest(acts=[self._signed_addressing(notice_id, latest_digest, rule)])

    def narrower_addressing(
        self, notice_id: str, latest_digest: bytes, rule: AddressingRule
    ) -> SubmitActsRequest:
        """An addressing that leaves out some who were addressed: their copies are recalled.

        Raises: AddressingInvalid as `first_version`.
        """
        addressing = self._signed_addressing(notice_id, latest_digest, rule, narrows=True)
        return SubmitActsRequest(acts=[addressing])

    def _signed_version(
        self, notice: Notice, *, changes: Texts = (), announces_processing: bool = False
    ) -> Envelope:
        verify_notice(notice)
        self._require_minimum(notice)
        header = self._header()
        header.issued_at.CopyFrom(notice.issued_at)
        version = VersionAct(
            notice=notice, changes=changes, announces_processing=announces_processing
        )
        return self._signed(Act(header=header, version=version))

    def _require_minimum(self, notice: Notice) -> None:
        """Raises: LegalMinimumMissing."""
        try:
            self._policy.require_minimum(notice)
        except LegalMinimumMissing as error:
            raise LegalMinimumMissing(
                f"Nothing was sent. {error.message}", violations=error.violations
            ) from None

    def _signed_addressing(
        self, notice_id: str, version_digest: bytes, rule: AddressingRule, *, narrows: bool = False
    ) -> Envelope:
        addressing = AddressingAct(
            notice_id=notice_id,
            version_digest=version_digest,
            rule=rule_with_copy(rule, self._copied_to),
            narrows=narrows,
        )
        return self._signed(Act(header=self._header(), addressing=addressing))
