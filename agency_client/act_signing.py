"""Signing what is done to a notice that exists, by its originator or by an addressee. No I/O.

Whatever is signed here has the form that the hub demands: everything at fault is said before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agency_client.profile import Profile
from agency_client.retention import last_day_kept
from comity.act_forms import verify_act_form
from comity.acts import parse_act, sign_act
from comity.errors import LogInRequired
from comity.keys import PrivateKey
from comity.times import timestamp_from
from comity.v1 import acts_pb2 as pb
from comity.v1.notices_pb2 import CalendarDate, LocalizedText, Warning

Texts = Sequence[LocalizedText]


@dataclass(frozen=True, slots=True)
class NoticeReference:
    """A version of a notice that an act is about; the digest is SHA-256 of its payload."""

    originator: str
    notice_id: str
    version_digest: bytes


class NoticeActSigner:
    """Builds and signs the acts on a notice that exists; `officer` is who hands them over."""

    def __init__(
        self,
        profile: Profile,
        *,
        keys: Sequence[PrivateKey],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        officer: str = "",
    ) -> None:
        self._profile = profile
        self._keys = keys
        self._clock = clock
        self._new_id = new_id
        self._officer = officer

    # --- of the originator ------------------------------------------------------------------------

    def withdrawal(
        self,
        notice_id: str,
        latest_digest: bytes,
        *,
        reason: pb.WithdrawalReason.ValueType,
        details: Texts = (),
    ) -> pb.SubmitActsRequest:
        """The end of a notice. Raises: MalformedInput where OTHER goes without details."""
        return self._one(
            withdrawal=pb.WithdrawalAct(
                notice_id=notice_id, version_digest=latest_digest, reason=reason, details=details
            )
        )

    def suspension(self, notice: NoticeReference, *, reason: Texts) -> pb.SubmitActsRequest:
        """Nobody may act on it until it is resumed. Raises: MalformedInput."""
        return self._one(suspension=pb.SuspensionAct(**_own(notice), reason=reason))

    def resumption(self, notice: NoticeReference, *, reason: Texts) -> pb.SubmitActsRequest:
        """It stands again. Raises: MalformedInput."""
        return self._one(resumption=pb.ResumptionAct(**_own(notice), reason=reason))

    def addendum(
        self, notice: NoticeReference, *, texts: Texts, warnings: Sequence[Warning] = ()
    ) -> pb.SubmitActsRequest:
        """Something more to the version in force. Raises: MalformedInput."""
        return self._one(addendum=pb.AddendumAct(**_own(notice), texts=texts, warnings=warnings))

    def extension(
        self, notice: NoticeReference, *, expires_at: datetime, reason: Texts
    ) -> pb.SubmitActsRequest:
        """A later time of expiry; copies may be kept as long as with a new notice until then.

        Raises: MalformedInput.
        """
        return self._one(
            extension=pb.ExtensionAct(
                **_own(notice),
                expires_at=timestamp_from(expires_at),
                retain_until=last_day_kept(expires_at),
                reason=reason,
            )
        )

    def release_decision(
        self,
        notice: NoticeReference,
        *,
        requested_by: str,
        request_act_id: str,
        granted: bool,
        conditions: Texts = (),
        valid_until: datetime | None = None,
    ) -> pb.SubmitActsRequest:
        """Grants or refuses what an addressee has asked for. Raises: MalformedInput."""
        return self._one(
            release_decision=pb.ReleaseDecisionAct(
                **_own(notice),
                requested_by=requested_by,
                request_act_id=request_act_id,
                granted=granted,
                conditions=conditions,
                valid_until=None if valid_until is None else timestamp_from(valid_until),
            )
        )

    # --- of an addressee --------------------------------------------------------------------------

    def acknowledgement(
        self, notice: NoticeReference, *, remarks: Texts = ()
    ) -> pb.SubmitActsRequest:
        """An officer has read it.

        Raises: LogInRequired where no officer hands it over; MalformedInput.
        """
        if not self._officer:
            raise LogInRequired("Only an officer acknowledges a notice: 'comity login' first.")
        return self._one(acknowledgement=pb.AcknowledgementAct(**_other(notice), remarks=remarks))

    def flag(
        self, notice: NoticeReference, *, not_executable: bool, reason: Texts = ()
    ) -> pb.SubmitActsRequest:
        """Not executable at the agency's own posts, or again. Raises: MalformedInput."""
        return self._one(
            flag=pb.FlagAct(**_other(notice), not_executable=not_executable, reason=reason)
        )

    def custody(
        self, notice: NoticeReference, *, since: datetime | None, reference: str = ""
    ) -> pb.SubmitActsRequest:
        """Somebody is held on it since then; None where nobody is any longer.

        Raises: MalformedInput.
        """
        return self._one(
            custody=pb.CustodyAct(
                **_other(notice),
                in_custody=since is not None,
                since=None if since is None else timestamp_from(since),
                reference=reference,
            )
        )

    def recall_answer(
        self,
        originator: str,
        notice_id: str,
        *,
        recall_entry: int,
        outcome: pb.RecallOutcome.ValueType,
        provision: str = "",
        retained_until: CalendarDate | None = None,
        passed_on_to: Sequence[str] = (),
    ) -> pb.SubmitActsRequest:
        """What has become of the agency's copies. Raises: MalformedInput."""
        return self._one(
            recall_answer=pb.RecallAnswerAct(
                notice_originator=originator,
                notice_id=notice_id,
                recall_entry=recall_entry,
                outcome=outcome,
                provision=provision,
                retained_until=retained_until,
                passed_on_to=passed_on_to,
            )
        )

    def release_request(
        self,
        notice: NoticeReference,
        *,
        onward_to: Sequence[str] = (),
        judicial_use: bool = False,
        reason: Texts,
    ) -> pb.SubmitActsRequest:
        """Asks the originator to lift a restriction. Raises: MalformedInput."""
        return self._one(
            release_request=pb.ReleaseRequestAct(
                **_other(notice), onward_to=onward_to, judicial_use=judicial_use, reason=reason
            )
        )

    # --- signing ----------------------------------------------------------------------------------

    def _one(self, **body: Any) -> pb.SubmitActsRequest:
        return pb.SubmitActsRequest(acts=[self._signed(pb.Act(header=self._header(), **body))])

    def _header(self) -> pb.ActHeader:
        return pb.ActHeader(
            hub_domain=self._profile.hub_domain,
            originator=self._profile.agency,
            act_id=self._new_id(),
            issued_at=timestamp_from(self._clock()),
            officer=self._officer,
        )

    def _signed(self, act: pb.Act) -> pb.Envelope:
        envelope = sign_act(act, self._keys)
        if not act.HasField("version"):
            verify_act_form(parse_act(envelope))
        return envelope


def _own(notice: NoticeReference) -> dict[str, Any]:
    return {"notice_id": notice.notice_id, "version_digest": notice.version_digest}


def _other(notice: NoticeReference) -> dict[str, Any]:
    return {"notice_originator": notice.originator, **_own(notice)}
