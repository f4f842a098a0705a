"""An agency at its desk before a hub in memory that takes its acts and tells it of others'."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from agency_client.agency import Agency
from agency_client.client import HubClient
from agency_client.inbox import Inbox, KeptWindow
from agency_client.profile import SIGNING_KEY, Profile
from agency_client.trust import Trust
from agency_client.watching import verify_each
from comity.acts import parse_act
from comity.errors import ComityError
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key, pem_from_private_key
from comity.times import timestamp_from
from comity.v1 import acts_pb2, events_pb2, notices_pb2
from tests.unit.small_ledger import DOMAIN, NOW, SmallHub, SmallLedger

FRANCE = generate_private_key(ED25519)
GERMANY = generate_private_key(ED25519)


class ClientDesk:
    """Germany's desk. `hear` puts events into its inbox as a watch would."""

    def __init__(self, folder: Path) -> None:
        self.ledger = SmallLedger()
        self.ledger.add_roster("FR-NCB", added=[FRANCE])
        self.ledger.add_roster("DE-BKA", added=[GERMANY])
        self.hub = SmallHub(self.ledger)
        self.refusal: ComityError | None = None
        self.now = NOW
        self.hub.answers["SubmitActs"] = self._take
        trust = Trust(
            DOMAIN,
            ledger_keys=[self.ledger.ledger_key],
            roster_leaves=[self.ledger.leaf(index) for index in self.ledger.roster],
            reader=AgencyId("DE-BKA"),
        )
        profile = Profile(folder, AgencyId("DE-BKA"), DOMAIN, "127.0.0.1:8443")
        key = profile.path(SIGNING_KEY)
        key.touch(0o600)
        key.write_bytes(pem_from_private_key(GERMANY))
        self.inbox = Inbox(folder / "inbox.sqlite")
        client = HubClient(self.hub, trust=trust)  # type: ignore[arg-type]
        self.agency = Agency(profile, self.inbox, client, clock=lambda: self.now)
        self.sent: list[acts_pb2.Envelope] = []

    def _take(self, request: acts_pb2.SubmitActsRequest) -> Any:
        if self.refusal is not None:
            return self.refusal
        [envelope] = request.acts
        self.sent.append(envelope)
        index = self.ledger.record("DE-BKA", envelope, kind=parse_act(envelope).kind)
        return acts_pb2.SubmitActsResponse(receipt=self.ledger.receipt(index))

    def publish(self, **what: Any) -> int:
        """A notice of France's that Germany has received; gives its entry."""
        until = timestamp_from(NOW + timedelta(days=365))
        terms: dict[str, Any] = {"notice_id": self.ledger.new_id(), "version": 1, "traffic": 1}
        terms |= {"expires_at": until} | what
        entry = self.ledger.publish("FR-NCB", FRANCE, notice=notices_pb2.Notice(**terms))
        self.hear(events_pb2.EVENT_KIND_PUBLISHED, entry)
        return entry

    def by_france(self, kind: events_pb2.EventKind.ValueType, **body: Any) -> int:
        """An act of France's that Germany hears of."""
        entry = self.ledger.act("FR-NCB", FRANCE, **body)
        self.hear(kind, entry)
        return entry

    def withdraw(self, version_entry: int) -> int:
        """France withdraws a notice, and Germany hears of it."""
        entry = self.ledger.withdraw("FR-NCB", FRANCE, version_entry=version_entry)
        self.hear(events_pb2.EVENT_KIND_WITHDRAWN, entry)
        return entry

    def hear(self, kind: events_pb2.EventKind.ValueType, entry: int) -> None:
        """An event in Germany's inbox."""
        trust = self.agency.trust
        proof = self.ledger.proof(known_size=trust.size)
        trust.advance(trust.open_note(self.ledger.note()), proof.consistency_path)
        verified, quarantined = verify_each([self.ledger.event(kind, entry)], trust)
        assert not quarantined, quarantined
        window = KeptWindow(verified, quarantined, self.ledger.size)
        self.inbox.commit_window("inbox", window, trust)

    def notice_id(self, version_entry: int) -> str:
        """The id of a notice by its version's entry."""
        return str(self.ledger.reference(version_entry)["notice_id"])
