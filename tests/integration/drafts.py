"""A good submission as a client would make it, built by hand so that a test may spoil one thing."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.protobuf.json_format import Parse

from comity.acts import sign_act
from comity.identifiers import uuid7_from
from comity.keys import PrivateKey
from comity.times import timestamp_from
from comity.v1 import acts_pb2, notices_pb2
from deploy.stage import DOMAIN, EXAMPLES

Acts = list[acts_pb2.Envelope]


class Draft:
    """A good submission of France's to Brazil, of which a test spoils one thing."""

    def __init__(self, keys: list[PrivateKey]) -> None:
        self.keys = keys
        now = datetime.now(UTC)
        text = Path(EXAMPLES / "notice-red.json").read_text(encoding="utf-8")
        self.notice = Parse(text, notices_pb2.Notice())
        self.notice.notice_id = new_id()
        self.notice.version = 1
        self.notice.traffic = notices_pb2.TRAFFIC_LIVE
        self.notice.issued_at.CopyFrom(timestamp_from(now))
        self.notice.expires_at.CopyFrom(timestamp_from(now + timedelta(days=30)))
        year = now.year + 1
        retain = notices_pb2.CalendarDate(year=year, month=1, day=1)
        self.notice.handling.retain_until.CopyFrom(retain)
        self.header = acts_pb2.ActHeader(hub_domain=DOMAIN, originator="FR-NCB", act_id=new_id())
        self.header.issued_at.CopyFrom(self.notice.issued_at)
        self.rule = acts_pb2.AddressingRule(agencies=["BR-NCB"])
        self.digest = b""  # of the version that was signed last

    def version(self) -> acts_pb2.Envelope:
        """The signed version, issued when its notice says."""
        self.header.issued_at.CopyFrom(self.notice.issued_at)
        version = acts_pb2.VersionAct(notice=self.notice)
        envelope = self._signed(acts_pb2.Act(header=self.header, version=version))
        self.digest = hashlib.sha256(envelope.payload).digest()
        return envelope

    def acts(self) -> Acts:
        """The version and its addressing."""
        return [self.version(), self.addressing()]

    def next_version(self) -> acts_pb2.Envelope:
        """The version that follows the one that was signed last."""
        self.notice.version += 1
        self.notice.predecessor_digest = self.digest
        self.header.act_id = new_id()
        return self.version()

    def addressing(self) -> acts_pb2.Envelope:
        """The addressing by the rule, over the version that was signed last."""
        addressing = acts_pb2.AddressingAct(
            notice_id=self.notice.notice_id, version_digest=self.digest, rule=self.rule
        )
        return self._signed(acts_pb2.Act(header=self.other_header(), addressing=addressing))

    def withdrawal(
        self, reason: acts_pb2.WithdrawalReason.ValueType = acts_pb2.WITHDRAWAL_REASON_DELISTED
    ) -> acts_pb2.Envelope:
        """The withdrawal of the version that was signed last."""
        withdrawal = acts_pb2.WithdrawalAct(
            notice_id=self.notice.notice_id, version_digest=self.digest, reason=reason
        )
        return self._signed(acts_pb2.Act(header=self.other_header(), withdrawal=withdrawal))

    def other_header(self) -> acts_pb2.ActHeader:
        """The header of another act than the version's."""
        header = acts_pb2.ActHeader()
        header.CopyFrom(self.header)
        header.act_id = new_id()
        return header

    def _signed(self, act: acts_pb2.Act) -> acts_pb2.Envelope:
        return sign_act(act, self.keys)


def new_id() -> str:
    """A new UUIDv7."""
    return uuid7_from(datetime.now(UTC), secrets.token_bytes(10))
