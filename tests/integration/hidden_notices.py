"""Notices of France's that Kenya may not have, or no longer, and everything that gives them away.

Each says a word of its own wherever a notice, an act or a reviewer can say something; the word, the
ids, digests, salts and ledger entries are what nobody else may ever be sent.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from agency_client.agency import Agency
from comity.acts import sign_act
from comity.v1 import acts_pb2, events_pb2, ledger_pb2, notices_pb2
from deploy.stage import DOMAIN
from tests.integration.drafts import Acts, Draft, new_id

WORD = "Quorvex"
_SAYS = frozenset({"text", "full", "value", "purpose", "legal_basis", "case_reference"})


@dataclass(slots=True)
class Hidden:
    """A notice that somebody may not have, and what gives it away, each by its own name.

    `was_read`: it was addressed to the curious once, who knows that it exists.
    """

    name: str
    notice_id: str
    digest: bytes
    was_read: bool = False
    entry: int = 0
    recall_entry: int = 1
    review_id: str = field(default_factory=new_id)
    act_id: str = field(default_factory=new_id)
    secrets: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def nowhere(cls, like: Hidden) -> Hidden:
        """Ids of the same form, of which there is nothing."""
        return cls("nowhere", new_id(), secrets.token_bytes(32), entry=like.entry)

    @property
    def word(self) -> str:
        return WORD + self.name

    def texts(self) -> list[notices_pb2.LocalizedText]:
        """What is said in an act about it."""
        return [notices_pb2.LocalizedText(language="en", text=f"Said {self.word}.", original=True)]

    def keep(self, what: str, acts: Acts, receipt: ledger_pb2.Receipt) -> None:
        """Keeps what gives acts away that were committed."""
        self.secrets[f"entry of {what}"] = receipt.entry
        for number, envelope in enumerate(acts):
            act = acts_pb2.Act.FromString(envelope.payload)
            digest = hashlib.sha256(envelope.payload).digest()
            self.secrets[f"act id {number} of {what}"] = act.header.act_id.encode()
            self.secrets[f"digest {number} of {what}"] = digest
            self.secrets[f"digest {number} of {what} in hex"] = digest.hex().encode()
        salts = {"content": receipt.content_salt, "addressing": receipt.addressing_salt}
        self.secrets |= {f"{name} salt of {what}": salt for name, salt in salts.items() if salt}

    def given_away(self) -> Mapping[str, bytes]:
        """What may not be sent. Who has read a notice may know that it was, and how it ended."""
        known = {"entry of version"}
        if self.name == "Suspended":  # it had the addendum; and the suspension says which version
            known |= {"entry of addendum", "digest 0 of version", "digest 0 of version in hex"}
        if not self.was_read:
            return {"id": self.notice_id.encode(), **self.secrets}
        return {what: secret for what, secret in self.secrets.items() if what not in known}


class Origin:
    """France at work, and Brazil which answers."""

    def __init__(self, france: Agency, brazil: Agency) -> None:
        self.france = france
        self.brazil = brazil
        self._drafts: dict[str, Draft] = {}

    async def publish(
        self,
        name: str,
        rule: acts_pb2.AddressingRule,
        *,
        was_read: bool = False,
        red: bool = False,
        traffic: notices_pb2.Traffic.ValueType = notices_pb2.TRAFFIC_LIVE,
    ) -> Hidden:
        """A notice that says its word everywhere."""
        draft = Draft(self.france.profile.load_signing_keys())
        if not red:
            draft.notice.kind = notices_pb2.NOTICE_KIND_BLUE
            draft.notice.requested_actions[0].code = notices_pb2.ACTION_CODE_LOCATE
        hidden = Hidden(name, draft.notice.notice_id, b"", was_read=was_read)
        _say(draft.notice, hidden.word)
        draft.notice.traffic = traffic
        self._drafts[hidden.notice_id] = draft
        draft.rule = rule
        acts = draft.acts()
        hidden.digest, hidden.act_id = draft.digest, draft.header.act_id
        receipt = (await self.france.client.submit_acts(acts)).receipt
        hidden.entry = receipt.entry_index
        hidden.keep("version", acts, receipt)
        return hidden

    async def correct(self, hidden: Hidden) -> None:
        """A further version."""
        draft = self._drafts[hidden.notice_id]
        draft.notice.issued_at.GetCurrentTime()
        version = draft.next_version()
        receipt = (await self.france.client.submit_acts([version])).receipt
        hidden.digest = draft.digest
        hidden.keep("next version", [version], receipt)

    async def act(self, hidden: Hidden, *, of: Agency | None = None, **body: Any) -> str:
        """An act about a notice, of France's unless told otherwise; gives its id."""
        [(kind, message)] = body.items()
        agency = of or self.france
        envelope = signed(agency, hidden, **{kind: message})
        receipt = (await agency.client.submit_acts([envelope])).receipt
        hidden.keep(kind, [envelope], receipt)
        if kind == "withdrawal":
            hidden.recall_entry = receipt.entry_index
        return acts_pb2.Act.FromString(envelope.payload).header.act_id

    async def answer(self, hidden: Hidden) -> str:
        """Everything that Brazil says about a notice; gives the id of its request for release."""
        texts = hidden.texts()
        bodies: list[dict[str, Any]] = [
            {"acknowledgement": acts_pb2.AcknowledgementAct(remarks=texts)},
            {"flag": acts_pb2.FlagAct(not_executable=True, reason=texts)},
            {"custody": acts_pb2.CustodyAct(in_custody=True, reference=hidden.word)},
            {"release_request": acts_pb2.ReleaseRequestAct(onward_to=["KE-NCB"], reason=texts)},
        ]
        bodies[2]["custody"].since.GetCurrentTime()
        for body in bodies:
            request_id = await self.act(hidden, of=self.brazil, **body)
        return request_id


def signed(agency: Agency, hidden: Hidden, **body: Any) -> acts_pb2.Envelope:
    """An act of an agency about a notice of France's, signed by the agency."""
    [message] = body.values()
    message.notice_id = hidden.notice_id
    for name, value in {"version_digest": hidden.digest, "notice_originator": "FR-NCB"}.items():
        if name in message.DESCRIPTOR.fields_by_name:
            setattr(message, name, value)
    header = acts_pb2.ActHeader(
        hub_domain=DOMAIN, originator=agency.profile.agency, act_id=new_id(), officer="somebody"
    )
    header.issued_at.GetCurrentTime()
    keys = agency.profile.load_signing_keys()
    return sign_act(acts_pb2.Act(header=header, **body), keys)


def findings(hidden: Hidden) -> events_pb2.ReviewFindings:
    """A refusal that says the word of its notice."""
    return events_pb2.ReviewFindings(
        outcome=events_pb2.REVIEW_OUTCOME_REFUSE,
        ground=ledger_pb2.REFUSAL_GROUND_NOT_IN_CONFORMITY,
        comment=f"Said {hidden.word}.",
    )


def _say(message: Message, word: str) -> None:
    """Adds a word to every text of a notice."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for each in value if descriptor.is_repeated else [value]:
                _say(each, word)
        elif descriptor.name in _SAYS:
            setattr(message, descriptor.name, f"{value} {word}")


def every(hidden: Mapping[str, Hidden]) -> Iterator[tuple[str, bytes]]:
    """Everything that gives some notices away, by what it is."""
    for one in hidden.values():
        for what, secret in one.given_away().items():
            yield f"{what} of {one.name}", secret
