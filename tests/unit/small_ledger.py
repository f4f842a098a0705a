"""An honest ledger in memory, and a hub over it that lies where it is told to.

`SmallLedger` writes entries and proves them as a hub does. `SmallHub` answers the client's calls
from one, in place of a channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

from comity.acts import ADDRESSING, VERSION, WITHDRAWAL, act_kind, sign_act
from comity.checkpoint import Checkpoint, LedgerKey, origin_line, sign_checkpoint
from comity.commitment import addressing_commitment, content_commitment
from comity.errors import ComityError, MalformedInput
from comity.identifiers import uuid7_from
from comity.keys import ED25519, PrivateKey, generate_private_key
from comity.merkle import (
    RightEdge,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    members_ranges,
    needed_subtrees,
    proof_hashes,
)
from comity.times import timestamp_from
from comity.v1 import acts_pb2, agencies_pb2, events_pb2, ledger_pb2, notices_pb2, roster_pb2

DOMAIN = "hub.example"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class SmallLedger:
    """Entries and their tree."""

    def __init__(self, *, epoch: int = 1, key: PrivateKey | None = None) -> None:
        self.epoch = epoch
        self.key = key or generate_private_key(ED25519)
        self.entries: list[bytes] = []
        self.roster: list[int] = []
        self.salts: dict[int, tuple[bytes, bytes]] = {}
        self.acts: dict[int, list[acts_pb2.Envelope]] = {}
        self._count = 0
        if epoch == 1:
            self.append(epoch=ledger_pb2.EpochEntry(epoch=1, origin=self.ledger_key.origin))

    @property
    def ledger_key(self) -> LedgerKey:
        return LedgerKey(origin_line(DOMAIN, self.epoch), self.key.public)

    @property
    def size(self) -> int:
        return len(self.entries)

    def append(self, **record: Any) -> int:
        moment = timestamp_from(NOW + timedelta(seconds=self.size))
        entry = ledger_pb2.LedgerEntry(format=1, recorded_at=moment, **record)
        self.entries.append(entry.SerializeToString(deterministic=True))
        return self.size - 1

    # --- membership ---------------------------------------------------------------------------

    def add_roster(
        self, agency: str, *, added: Sequence[PrivateKey] = (), ended: Sequence[PrivateKey] = ()
    ) -> int:
        roster = ledger_pb2.RosterEntry(
            agency=agencies_pb2.Agency(
                agency_id=agency, name=f"Sample {agency}", status=agencies_pb2.AGENCY_STATUS_ACTIVE
            ),
            keys_added=[_signing_key(key) for key in added],
            key_ids_ended=[key.public.key_id for key in ended],
        )
        if self.roster:
            roster.predecessor = self.roster[-1]
        self.roster.append(self.append(roster=roster))
        return self.roster[-1]

    # --- acts ---------------------------------------------------------------------------------

    def new_id(self) -> str:
        self._count += 1
        return uuid7_from(NOW, self._count.to_bytes(10, "big"))

    def header(self, agency: str, *, domain: str = DOMAIN) -> acts_pb2.ActHeader:
        return acts_pb2.ActHeader(
            hub_domain=domain,
            originator=agency,
            act_id=self.new_id(),
            issued_at=timestamp_from(NOW),
        )

    def version(
        self,
        agency: str,
        key: PrivateKey,
        *,
        notice: notices_pb2.Notice | None = None,
        domain: str = DOMAIN,
    ) -> acts_pb2.Envelope:
        shown = notice or notices_pb2.Notice(
            notice_id=self.new_id(), version=1, traffic=notices_pb2.TRAFFIC_LIVE
        )
        version = acts_pb2.VersionAct(notice=shown)
        return sign_act(
            acts_pb2.Act(header=self.header(agency, domain=domain), version=version), [key]
        )

    def publish(self, agency: str, key: PrivateKey, **how: Any) -> int:
        return self.record(agency, self.version(agency, key, **how), kind=VERSION)

    def withdraw(self, agency: str, key: PrivateKey, *, version_entry: int) -> int:
        published = acts_pb2.Act.FromString(self.acts[version_entry][0].payload)
        withdrawal = acts_pb2.WithdrawalAct(
            notice_id=published.version.notice.notice_id,
            version_digest=_digest(self.acts[version_entry][0]),
            reason=acts_pb2.WITHDRAWAL_REASON_PURPOSE_ACHIEVED,
        )
        act = acts_pb2.Act(header=self.header(agency), withdrawal=withdrawal)
        return self.record(agency, sign_act(act, [key]), kind=WITHDRAWAL)

    def address(self, agency: str, key: PrivateKey, *, version_entry: int) -> int:
        published = acts_pb2.Act.FromString(self.acts[version_entry][0].payload)
        addressing = acts_pb2.AddressingAct(
            notice_id=published.version.notice.notice_id,
            version_digest=_digest(self.acts[version_entry][0]),
            rule=acts_pb2.AddressingRule(all_members=True),
        )
        act = acts_pb2.Act(header=self.header(agency), addressing=addressing)
        return self.record(agency, sign_act(act, [key]), kind=ADDRESSING)

    def act(self, agency: str, key: PrivateKey, **body: Any) -> int:
        """An act of any kind that is neither version nor addressing, by its body."""
        act = acts_pb2.Act(header=self.header(agency), **body)
        return self.record(agency, sign_act(act, [key]), kind=act_kind(act))

    def reference(self, version_entry: int, *, by_addressee: bool = False) -> dict[str, Any]:
        """What the body of an act over a version says of it."""
        envelope = self.acts[version_entry][0]
        act = acts_pb2.Act.FromString(envelope.payload)
        named = {"notice_id": act.version.notice.notice_id, "version_digest": _digest(envelope)}
        return named | ({"notice_originator": act.header.originator} if by_addressee else {})

    def decide(
        self, change: ledger_pb2.NoticeChange.ValueType, version_entry: int, **how: Any
    ) -> int:
        """The hub's entry about a notice."""
        act = acts_pb2.Act.FromString(self.acts[version_entry][0].payload)
        entry: dict[str, Any] = {
            "change": change,
            "originator": act.header.originator,
            "notice_id": act.version.notice.notice_id,
            "acts_entry": version_entry,
            "roster_entry": self.roster[-1],
        }
        return self.append(notice=ledger_pb2.NoticeEntry(**(entry | how)))

    def record(
        self, agency: str, envelope: acts_pb2.Envelope, *, kind: ledger_pb2.ActKind.ValueType
    ) -> int:
        salt = hashlib.sha256(f"salt {self.size}".encode()).digest()
        judged_by = self.roster[-1] if self.roster else 0
        acts = ledger_pb2.ActsEntry(originator=agency, kind=kind, roster_entry=judged_by)
        if kind == ADDRESSING:
            acts.addressing_commitment = addressing_commitment(_digest(envelope), salt)
        else:
            acts.content_commitment = content_commitment(_digest(envelope), salt)
        index = self.append(acts=acts)
        self.salts[index] = (b"", salt) if kind == ADDRESSING else (salt, b"")
        self.acts[index] = [envelope]
        return index

    # --- what a hub shows ---------------------------------------------------------------------

    def leaf(self, index: int) -> ledger_pb2.LedgerLeaf:
        return ledger_pb2.LedgerLeaf(entry_index=index, entry=self.entries[index])

    def event(
        self, kind: events_pb2.EventKind.ValueType, index: int, *, act_entry: int | None = None
    ) -> events_pb2.Event:
        event = events_pb2.Event(kind=kind, leaf=self.leaf(index))
        place = index if act_entry is None else act_entry
        if place not in self.acts or kind == events_pb2.EVENT_KIND_SUBMITTED:
            return event
        event.act.envelope.CopyFrom(self.acts[place][0])
        event.act.content_salt = self.salts[place][0]
        if act_entry is not None:
            event.act.leaf.CopyFrom(self.leaf(act_entry))
        if kind == events_pb2.EVENT_KIND_RESUMED and index in self.acts:
            event.resumption.envelope.CopyFrom(self.acts[index][0])
            event.resumption.content_salt = self.salts[index][0]
        return event

    def note(self, size: int | None = None) -> bytes:
        count = self.size if size is None else size
        edge, _ = self._tree(count)
        return sign_checkpoint(Checkpoint(self.ledger_key.origin, count, edge.root()), self.key)

    def proof(
        self, indices: Sequence[int] = (), *, known_size: int = 0, size: int | None = None
    ) -> ledger_pb2.LedgerProof:
        count = self.size if size is None else size
        is_known = 0 < known_size < count
        members = members_ranges(sorted(set(indices)), count) if indices else []
        return ledger_pb2.LedgerProof(
            checkpoint=self.note(count),
            members_path=self._hashes(members, count),
            consistent_from=known_size if is_known else 0,
            consistency_path=self.consistency(known_size, count) if is_known else [],
        )

    def consistency(self, older: int, newer: int) -> list[bytes]:
        return self._hashes(consistency_ranges(older, newer), newer)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return self._hashes(inclusion_ranges(index, size), size)

    def receipt(self, index: int, *, size: int | None = None) -> ledger_pb2.Receipt:
        count = self.size if size is None else size
        return ledger_pb2.Receipt(
            entry_index=index,
            entry=self.entries[index],
            content_salt=self.salts[index][0],
            addressing_salt=self.salts[index][1],
            inclusion_path=self.inclusion(index, count),
            checkpoint=self.note(count),
        )

    def _hashes(self, ranges: Any, size: int) -> list[bytes]:
        _, nodes = self._tree(size)
        assert needed_subtrees(ranges) <= nodes.keys()
        return proof_hashes(ranges, nodes)

    def _tree(self, size: int) -> tuple[RightEdge, dict[tuple[int, int], bytes]]:
        edge = RightEdge()
        nodes = edge.append([leaf_hash(entry) for entry in self.entries[:size]])
        return edge, nodes


class SmallHub:
    """Answers a client's calls from a ledger. Replace an answer in `answers` to lie."""

    kept_session = None  # nobody is logged in

    def __init__(self, ledger: SmallLedger) -> None:
        self.ledger = ledger
        self.pauses: list[float] = []
        self.streams: dict[str, Callable[[AsyncIterator[Any]], AsyncGenerator[Any, None]]] = {}
        self.answers: dict[str, Callable[[Any], Any]] = {
            "GetCheckpoint": lambda _: ledger_pb2.GetCheckpointResponse(
                checkpoint=self.ledger.note()
            ),
            "ProveConsistency": self._prove_consistency,
            "ListAgencyKeys": self._list_agency_keys,
            "ListEntries": self._list_entries,
            "ProveInclusion": self._prove_inclusion,
        }

    # --- in place of HubChannel -----------------------------------------------------------------

    async def call(self, method: Callable[[Any], Any], request: Any) -> Any:
        answer = self.answers[method(self)](request)
        if isinstance(answer, ComityError):
            raise answer
        return answer

    call_as_agency = call_once = call

    async def stream(
        self, method: Callable[[Any], Any], requests: AsyncIterator[Any]
    ) -> AsyncGenerator[Any, None]:
        async with aclosing(self.streams[method(self)](requests)) as answers:
            async for answer in answers:
                yield answer

    async def pause(self, delay: float, failure: ComityError | None = None) -> None:
        self.pauses.append(delay)

    async def close(self) -> None:
        return

    # --- in place of grpc.aio.Channel: a stub's methods are known by their names ------------------

    def unary_unary(self, path: str, **_: Any) -> str:
        return path.rpartition("/")[2]

    stream_stream = unary_unary

    # --- answers ----------------------------------------------------------------------------------

    def _prove_consistency(self, request: ledger_pb2.ProveConsistencyRequest) -> Any:
        if request.to_size > self.ledger.size:
            return MalformedInput()
        path = self.ledger.consistency(request.from_size, request.to_size)
        return ledger_pb2.ProveConsistencyResponse(to_size=request.to_size, consistency_path=path)

    def _prove_inclusion(self, request: ledger_pb2.ProveInclusionRequest) -> Any:
        path = self.ledger.inclusion(request.entry_index, request.ledger_size)
        return ledger_pb2.ProveInclusionResponse(
            ledger_size=request.ledger_size, inclusion_path=path
        )

    def _list_agency_keys(self, request: roster_pb2.ListAgencyKeysRequest) -> Any:
        indices = [index for index in self.ledger.roster if index >= request.first_index]
        return roster_pb2.ListAgencyKeysResponse(
            entries=[self.ledger.leaf(index) for index in indices],
            proof=self.ledger.proof(indices, known_size=request.known_size),
        )

    def _list_entries(self, request: ledger_pb2.ListEntriesRequest) -> Any:
        stop = min(request.first_index + request.limit, self.ledger.size)
        page = range(request.first_index, stop)
        return ledger_pb2.ListEntriesResponse(
            first_index=request.first_index,
            leaf_hashes=b"".join(leaf_hash(self.ledger.entries[i]) for i in page),
            entries=[self.ledger.leaf(i) for i in page],
        )


def _signing_key(key: PrivateKey) -> agencies_pb2.AgencyKey:
    return agencies_pb2.AgencyKey(
        key_id=key.public.key_id,
        purpose=agencies_pb2.KEY_PURPOSE_SIGNING,
        algorithm=key.public.algorithm,
        public_key=key.public.spki,
    )


def _digest(envelope: acts_pb2.Envelope) -> bytes:
    return hashlib.sha256(envelope.payload).digest()
