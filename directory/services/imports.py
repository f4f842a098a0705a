"""Importing a file of entries: each new or changed one becomes a proposal, all in one transaction.

Nothing is written where a row is at fault, unless the right ones alone are asked for. The commit
half judges anew under the lock on the ledger's head.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from comity.errors import ComityError, QuotaExceeded
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.identity import AgencyId
from comity.times import microseconds_from
from comity.v1 import directory_pb2 as pb
from directory.files.csv_rows import parse_csv
from directory.files.json_entries import parse_json
from directory.files.rows import ParsedFile
from directory.services.calls import (
    Caller,
    Commit,
    Database,
    RosterWithin,
    Transaction,
    decide_each,
    officer_of,
)
from directory.services.incoming_files import received_file
from directory.services.keepers import Keepers
from directory.services.limits import Limits
from directory.services.namesakes import load_namesakes
from directory.services.row_judgement import Judgement, RowJudge, add_form_faults, add_ids
from directory.store.authorities import find_authorities
from directory.store.connection import Connection
from directory.store.proposals import StoredProposal, add_proposals

RECEIVE_SECONDS = 60.0  # 16 MiB on a slow line
MAX_FAULTS = 500  # that a person still reads; the answer stays far below gRPC's 4 MiB
_READ_AT_ONCE = 2  # each takes a processor for some seconds, and some 100 MB
_PARSERS = {pb.FILE_FORMAT_CSV: parse_csv, pb.FILE_FORMAT_JSON: parse_json}


@dataclass(frozen=True, slots=True)
class _Import:
    """Rows that somebody wants proposed, checked as far as it can be outside a transaction."""

    head: pb.ImportHead
    file: ParsedFile
    agency: AgencyId
    officer_id: str
    import_id: str
    proposal_ids: Sequence[str]

    def response(self, judged: Judgement) -> pb.ImportAuthoritiesResponse:
        """What is answered where nothing is written."""
        faults = [
            pb.RowFault(row=1, field=f.field, wrong=f.wrong, right=f.right)
            for f in self.file.faults
        ]
        faults += [
            pb.RowFault(row=row, field=fault.field, wrong=fault.wrong, right=fault.right)
            for row, fault in judged.faults
        ]
        return pb.ImportAuthoritiesResponse(
            faults=faults[:MAX_FAULTS],
            faults_left_out=max(0, len(faults) - MAX_FAULTS),
            new_rows=judged.new,
            changed_rows=judged.changed,
            unchanged_rows=judged.unchanged,
            faulty_rows=len({row for row, _ in judged.faults}),
            warnings=self.file.warnings,
        )

    def may_write(self, judged: Judgement) -> bool:
        """Whether there is something to write, and the faults of others do not stand against it."""
        has_faults = bool(judged.faults or self.file.faults)
        return bool(judged.changes) and (self.head.partial or not has_faults)


class ImportService:
    """ImportAuthorities."""

    def __init__(
        self,
        *,
        database: Database,
        commit: Commit,
        keepers: Callable[[], Keepers],
        roster_within: RosterWithin,
        limits: Limits,
        clock: Callable[[], datetime],
        token_bytes: Callable[[int], bytes],
    ) -> None:
        self._database = database
        self._commit = commit
        self._keepers = keepers
        self._roster_within = roster_within
        self._limits = limits
        self._clock = clock
        self._token_bytes = token_bytes
        self._importing: set[AgencyId] = set()
        self._places = asyncio.Semaphore(_READ_AT_ONCE)

    async def take(
        self, caller: Caller, requests: AsyncIterator[pb.ImportAuthoritiesRequest]
    ) -> pb.ImportAuthoritiesResponse:
        """1. The file comes whole. 2. It is read beside the event loop. 3. It is tried. 4. Where it
        is right, or the right rows alone are asked for, it is written.

        Raises: MalformedInput, TooLarge, QuotaExceeded, DeadlineExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        self._limits.count_file(caller)
        with self._one_at_once(caller.agency):
            async with asyncio.timeout(RECEIVE_SECONDS):
                head, content = await received_file(requests)  # 1
            async with self._places:
                file = await asyncio.to_thread(self._read, head, content)  # 2
            return await self._propose(caller, head, file)

    async def _propose(
        self, caller: Caller, head: pb.ImportHead, file: ParsedFile
    ) -> pb.ImportAuthoritiesResponse:
        new_id = self._ids(len(file.rows) + 1)
        item = _Import(
            head, file, caller.agency, officer_of(caller).officer_id, next(new_id), [*new_id]
        )
        async with self._database.read() as connection:
            judged = await _judged(connection, item, self._keepers())  # 3
        if head.dry_run or not item.may_write(judged):
            return item.response(judged)
        self._limits.count_imported(caller, len(judged.changes))
        answer: pb.ImportAuthoritiesResponse = await self._commit(self.import_many, item)  # 4
        return answer

    @contextmanager
    def _one_at_once(self, agency: AgencyId) -> Iterator[None]:
        """Raises: QuotaExceeded while another import of the agency goes on."""
        if agency in self._importing:
            raise QuotaExceeded(
                "Another import of your agency goes on.", retry_after_seconds=RECEIVE_SECONDS
            )
        self._importing.add(agency)
        try:
            yield
        finally:
            self._importing.discard(agency)

    def _read(self, head: pb.ImportHead, content: bytes) -> ParsedFile:
        """The rows of a file, each with what is wrong with its form."""
        file = _PARSERS[head.format](content)
        add_ids(file.rows, partial(next, self._ids(len(file.rows))))
        add_form_faults(file.rows, is_table=head.format == pb.FILE_FORMAT_CSV)
        return file

    def _ids(self, number: int) -> Iterator[str]:
        """Fresh ids in the order in which they are listed."""
        now = self._clock()
        drawn = (self._token_bytes(UUID7_RANDOM_BYTES) for _ in range(number))
        return iter(sorted(uuid7_from(now, each) for each in drawn))

    # --- the commit half -------------------------------------------------------------------------

    async def import_many(
        self, transaction: Transaction, items: Sequence[_Import]
    ) -> list[pb.ImportAuthoritiesResponse | ComityError]:
        """Enters the proposals of imports, of each all or none."""
        return await decide_each(partial(self._import, transaction), items)

    async def _import(
        self, transaction: Transaction, item: _Import
    ) -> pb.ImportAuthoritiesResponse:
        keepers = replace(self._keepers(), roster=await self._roster_within(transaction))
        judged = await _judged(transaction.connection, item, keepers)
        response = item.response(judged)
        if not item.may_write(judged):
            return response
        now = microseconds_from(transaction.now)
        proposals = _proposals(item, judged, now=now)
        await add_proposals(transaction.connection, proposals)
        response.import_id = item.import_id
        response.proposal_ids.extend(each.proposal_id for each in proposals)
        return response


async def _judged(connection: Connection, item: _Import, keepers: Keepers) -> Judgement:
    """What becomes of the rows. What others propose at the same time is seen where the connection
    holds the lock on the ledger's head."""
    entries = [row.authority for row in item.file.rows if not row.faults]
    existing = await find_authorities(connection, [each.authority_id for each in entries])
    new_in = {each.country for each in entries if each.authority_id not in existing}
    namesakes = await load_namesakes(connection, new_in)
    judge = RowJudge(keepers, existing, namesakes, item.agency, item.head.keeper)
    return judge.judge(item.file.rows)


def _proposals(item: _Import, judged: Judgement, *, now: int) -> list[StoredProposal]:
    return [
        StoredProposal(
            proposal_id=proposal_id,
            authority=change.authority,
            base_version=change.base_version,
            keeper=change.keeper,
            agency_id=item.agency,
            officer_id=item.officer_id,
            proposed_at=now,
            status=pb.PROPOSAL_STATUS_WAITING,
            reason=item.head.reason,
            import_id=item.import_id,
        )
        for proposal_id, change in zip(item.proposal_ids, judged.changes, strict=False)
    ]
