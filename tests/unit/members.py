"""An agency that has joined a small hub, which renews its certificate and changes its keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from agency_client.agency import Agency
from agency_client.alerts import MemberAlert
from agency_client.application import NewKeys, join_hub
from agency_client.authority_alerts import AuthorityAlert
from agency_client.client import HubClient
from agency_client.custody import CustodyAlert
from agency_client.failures import InboxFailed
from agency_client.inbox import Inbox, KeptWindow
from agency_client.own_keys import OwnKeys
from agency_client.profile import INBOX, Profile
from agency_client.recalls import RecallAnswer
from agency_client.submission import Outcome
from agency_client.trust import Trust
from comity.acts import envelope_from_message
from comity.errors import ComityError
from comity.identity import AgencyId
from comity.renewal import verify_renewal
from comity.roster import Roster
from comity.rotation import verify_rotation
from comity.v1 import agencies_pb2, ledger_pb2
from comity.v1 import membership_pb2 as pb
from tests.unit.small_ledger import DOMAIN, NOW, SmallHub, SmallLedger
from tests.unit.test_application import AUTHORITY, _pem, apply, make_admission, make_profile

FRANCE = AgencyId("FR-NCB")


class Interrupted(Exception):
    """What a power cut does at some step."""


class Member:
    """The agency's folder, and the hub that it is a member of. `opened` opens it anew."""

    def __init__(self, folder: Path, *, new: NewKeys | None = None) -> None:
        self.new = new or NewKeys()
        folder.mkdir(exist_ok=True)
        self.profile: Profile = make_profile(folder)
        verified = apply(self.profile, self.new)
        join_hub(self.profile, make_admission(verified), self.new.passphrase)
        self.ledger = SmallLedger()
        self.enter(verified.application.keys, [])
        self.hub = SmallHub(self.ledger)
        self.hub.answers["RenewCertificate"] = self.renew
        self.hub.answers["RotateKeys"] = self.rotate
        self.renewals = 0
        self.now: datetime = NOW

    def opened(self) -> Agency:
        """What a new process has."""
        own = OwnKeys(self.profile, passphrase=lambda: self.new.passphrase)
        trust = Trust(DOMAIN, ledger_keys=[self.ledger.ledger_key])
        client = HubClient(self.hub, trust=trust, require_roster=own.require_roster)  # type: ignore[arg-type]
        inbox = Inbox(self.profile.path(INBOX))
        return Agency(
            self.profile, inbox, client, lambda: self.new.passphrase, clock=lambda: self.now
        )

    def roster(self) -> Roster:
        """The roster as the hub's ledger has it."""
        roster = Roster()
        for index in self.ledger.roster:
            entry = ledger_pb2.LedgerEntry.FromString(self.ledger.entries[index])
            roster.add_entry(index, entry.roster)
        return roster

    def enter(self, added: Any, ended: Any, *, agency: agencies_pb2.Agency | None = None) -> int:
        """Writes a roster entry."""
        active = agencies_pb2.AGENCY_STATUS_ACTIVE
        described = agency or agencies_pb2.Agency(agency_id=FRANCE, name="Sample", status=active)
        entry = ledger_pb2.RosterEntry(agency=described, keys_added=added, key_ids_ended=ended)
        if self.ledger.roster:
            entry.predecessor = self.ledger.roster[-1]
        self.ledger.roster.append(self.ledger.append(roster=entry))
        return self.ledger.roster[-1]

    def renew(self, request: pb.RenewCertificateRequest) -> pb.RenewCertificateResponse:
        """Signs as the hub does."""
        self.renewals += 1
        verified = verify_renewal(
            envelope_from_message(request.renewal),
            hub_domain=DOMAIN,
            agency=FRANCE,
            signing_keys=self.roster().signing_keys(FRANCE),
            now=self.now,
        )
        return pb.RenewCertificateResponse(
            certificate=_pem(AUTHORITY.issue(verified.certificate_key))
        )

    def rotate(self, request: pb.RotateKeysRequest) -> pb.RotateKeysResponse | ComityError:
        """Enters as the hub does: the same again has the same entry."""
        roster = self.roster()
        verified = verify_rotation(
            envelope_from_message(request.rotation),
            hub_domain=DOMAIN,
            agency=FRANCE,
            signing_keys=roster.every_signing_key(FRANCE),
        )
        known = roster.keys.get((FRANCE, verified.keys_added[0].key_id))
        if known is not None:
            return pb.RotateKeysResponse(entry_index=known.first_entry)
        index = self.enter(verified.keys_added, verified.key_ids_ended)
        return pb.RotateKeysResponse(entry_index=index)


class Cut:
    """Ends a run before or after its n-th step; a step is a call of what is wrapped here."""

    def __init__(self, step: int, *, after: bool) -> None:
        self.left = step
        self.after = after
        self.happened = False

    def _is_now(self) -> bool:
        self.left -= 1
        self.happened = self.happened or self.left == 0
        return self.left == 0

    def wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that may be cut off."""

        def step(*args: Any, **kwargs: Any) -> Any:
            is_now = self._is_now()
            if is_now and not self.after:
                raise Interrupted
            result = function(*args, **kwargs)
            if is_now:
                raise Interrupted
            return result

        return step

    def wrapped_call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same for what is awaited."""

        async def step(*args: Any, **kwargs: Any) -> Any:
            is_now = self._is_now()
            if is_now and not self.after:
                raise Interrupted
            result = await function(*args, **kwargs)
            if is_now:
                raise Interrupted
            return result

        return step


class Heard:
    """What the runner says, in order."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def window(self, watch: str, window: KeptWindow, new: int) -> None:
        self.said += [f"{watch}: {new} new"] if new else []

    def trouble(self, watch: str, error: ComityError | InboxFailed) -> None:
        self.said.append(f"{watch}: {error}")

    def recalled(self, answer: RecallAnswer) -> None:
        raise AssertionError(answer)

    def custody(self, alert: CustodyAlert) -> None:
        raise AssertionError(alert)

    def told(self, alert: AuthorityAlert) -> None:
        self.said.append(f"{alert.authority_id} {alert.what}")

    def alert(self, alert: MemberAlert) -> None:
        self.said.append(f"{alert.agency} {alert.change_words}")

    def renewed(self, until: datetime) -> None:
        self.said.append("renewed")

    def rotated(self, rotation: pb.KeyRotation) -> None:
        self.said.append("rotated")

    def sent(self, outcome: Outcome) -> None:
        self.said.append("sent")
