"""What others did about notices: acknowledgements, flags, custody, releases; recalls and answers.

An originator sees all that concerns its notices, an addressee what is its own, and the hub's
administrators who has not answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from comity.errors import MalformedInput, NotFound, Violation
from comity.identifiers import is_uuid7
from comity.identity import AgencyId, is_agency_id
from comity.merkle import MAX_SIZE
from comity.times import datetime_from_microseconds, timestamp_from
from comity.v1 import events_pb2, ledger_pb2
from comity.v1.officers_pb2 import ROLE_HUB_ADMINISTRATOR, ROLE_OVERSIGHT
from hub.services.calls import Caller
from hub.services.ledger_state import only
from hub.services.records import content_act, content_record, leaf_message
from hub.services.showing import Showing
from hub.store.acts import StoredAct, find_acts_at
from hub.store.audiences import Audience, find_audiences
from hub.store.database import Connection, Database
from hub.store.events import list_answering_entries
from hub.store.ledger import StoredEntry, find_entries
from hub.store.notices import NoticeStanding, find_notices, find_visible_notice
from hub.store.recalls import StoredRecall, list_recalls

MAX_PAGE_ACTS = 64
MAX_PAGE_RECALLS = 32  # with an answer of every member each: some thousand entries
_SEES_ALL = frozenset({ROLE_HUB_ADMINISTRATOR, ROLE_OVERSIGHT})


class NoticeActsService:
    """ListNoticeActs and ListRecalls."""

    def __init__(
        self,
        database: Database,
        *,
        showing: Showing,
        hub_agency: AgencyId,
    ) -> None:
        self._database = database
        self._showing = showing
        self._hub_agency = hub_agency

    async def list_acts(
        self, caller: Caller, request: events_pb2.ListNoticeActsRequest
    ) -> events_pb2.ListNoticeActsResponse:
        """A page of what was done about a notice, in the order of the ledger.

        Raises: NotFound, also where it is not the caller's to see; StoreUnavailable.
        """
        if not is_uuid7(request.notice_id) or not is_agency_id(request.originator):
            raise NotFound()
        async with self._database.read() as connection:
            standing = await find_visible_notice(
                connection,
                caller.agency,
                originator=request.originator,
                notice_id=request.notice_id,
            )
            if standing is None:
                raise NotFound()
            is_own = standing.originator == caller.agency
            listed = await list_answering_entries(
                connection,
                standing.originator,
                standing.notice_id,
                of=None if is_own else caller.agency,
                audience=only(caller.agency).key,
                first_index=min(request.first_index, MAX_SIZE),
                limit=MAX_PAGE_ACTS + 1,
            )
            page = listed[:MAX_PAGE_ACTS]
            stored = await find_acts_at(connection, page)
            entries = await find_entries(connection, page)
        records = [content_record(stored[i][0], entries[i]) for i in page]
        proof = await self._showing.prove(
            caller,
            page,
            action=ledger_pb2.ACCESS_ACTION_LIST_NOTICE_ACTS,
            known_size=request.known_size,
        )
        next_index = listed[MAX_PAGE_ACTS] if len(listed) > MAX_PAGE_ACTS else 0
        return events_pb2.ListNoticeActsResponse(acts=records, proof=proof, next_index=next_index)

    async def list_recalls(
        self, caller: Caller, request: events_pb2.ListRecallsRequest
    ) -> events_pb2.ListRecallsResponse:
        """A page of recalls, in the order of the ledger.

        Raises: MalformedInput, StoreUnavailable.
        """
        _require_form(request)
        sees_all = self._sees_all(caller)
        async with self._database.read() as connection:
            found = await list_recalls(
                connection,
                agency=None if sees_all and not request.owed else caller.agency,
                originator=request.originator,
                notice_id=request.notice_id,
                owed=request.owed,
                is_open=request.open,
                first_index=min(request.first_index, MAX_SIZE),
                limit=MAX_PAGE_RECALLS + 1,
            )
            page = found[:MAX_PAGE_RECALLS]
            view = _RecallView(caller.agency, sees_all=sees_all)
            await view.load(connection, page)
        proof = await self._showing.prove(
            caller,
            view.shown_entries(),
            action=ledger_pb2.ACCESS_ACTION_LIST_NOTICE_ACTS,
            known_size=request.known_size,
        )
        return events_pb2.ListRecallsResponse(
            recalls=[view.message(recall) for recall in page],
            proof=proof,
            next_index=found[MAX_PAGE_RECALLS].recall_entry if len(found) > len(page) else 0,
        )

    def _sees_all(self, caller: Caller) -> bool:
        """Whether the hub's administrators ask: they see whose copies are not accounted for."""
        return (
            caller.agency == self._hub_agency
            and caller.officer is not None
            and bool(caller.officer.roles & _SEES_ALL)
        )


def _require_form(request: events_pb2.ListRecallsRequest) -> None:
    violations = []
    if request.notice_id and not is_uuid7(request.notice_id):
        violations.append(Violation("notice_id", "is not a UUIDv7 in lower case"))
    if request.originator and not is_agency_id(request.originator):
        violations.append(Violation("originator", "is not an agency id such as FR-NCB"))
    if bool(request.notice_id) != bool(request.originator):
        violations.append(Violation("notice_id", "goes with an originator"))
    if violations:
        raise MalformedInput(violations=violations)


class _RecallView:
    """What one reader sees of recalls."""

    def __init__(self, agency: AgencyId, *, sees_all: bool) -> None:
        self._agency = agency
        self._sees_all = sees_all
        self._audiences: dict[bytes, Audience] = {}
        self._standings: dict[tuple[AgencyId, str], NoticeStanding] = {}
        self._acts: dict[int, list[StoredAct]] = {}
        self._entries: dict[int, StoredEntry] = {}
        self._shown: list[int] = []

    async def load(self, connection: Connection, recalls: Sequence[StoredRecall]) -> None:
        """Reads everything that is shown."""
        self._audiences = await find_audiences(connection, {r.audience for r in recalls})
        self._standings = await find_notices(connection, {r.notice_id for r in recalls})
        answers = {entry for r in recalls for entry in self._answer_entries(r).values()}
        erasures = {e for r in recalls if (e := self._erasure_entry(r)) is not None}
        self._shown = sorted(answers | erasures)
        self._acts = await find_acts_at(connection, answers)
        self._entries = await find_entries(connection, self._shown)

    def shown_entries(self) -> list[int]:
        """Every entry that is shown, in order."""
        return self._shown

    def message(self, recall: StoredRecall) -> events_pb2.Recall:
        """A recall as the reader sees it."""
        message = events_pb2.Recall(
            kind=cast("events_pb2.RecallKind.ValueType", recall.kind),
            originator=recall.originator,
            notice_id=recall.notice_id,
            recall_entry=recall.recall_entry,
            begun_at=timestamp_from(datetime_from_microseconds(recall.begun_at)),
        )
        answers = self._answer_entries(recall)
        for agency in sorted(self._addressees(recall)):
            addressee = message.addressees.add(agency_id=agency)
            entry = answers.get(agency)
            act = None if entry is None else content_act(self._acts[entry])
            if entry is not None and act is not None:
                addressee.answer.CopyFrom(content_record(act, self._entries[entry]))
        erasure = self._erasure_entry(recall)
        if erasure is not None:
            message.erasure.CopyFrom(leaf_message(self._entries[erasure]))
        return message

    def _sees(self, recall: StoredRecall) -> bool:
        return self._sees_all or recall.originator == self._agency

    def _addressees(self, recall: StoredRecall) -> set[AgencyId]:
        members = set(self._audiences[recall.audience].members)
        return members if self._sees(recall) else members & {self._agency}

    def _answer_entries(self, recall: StoredRecall) -> dict[AgencyId, int]:
        if self._sees(recall):
            return recall.answer_entries
        return {a: e for a, e in recall.answer_entries.items() if a == self._agency}

    def _erasure_entry(self, recall: StoredRecall) -> int | None:
        if not self._sees(recall):
            return None
        return self._standings[recall.notice_key].erasure_entry
