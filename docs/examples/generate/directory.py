"""The part of the story in which officers keep the directory and look authorities up.

Brazil enters two authorities, one officer proposing and another approving; the hub proposes what
Kenya notified. An officer of France's finds them, resolves a case, reports what is wrong, asks
whether somebody is there, and exports a file; Brazil imports one. One authority is confirmed, the
other one is not. Everything is invented.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.protobuf.json_format import Parse
from google.protobuf.message import Message

from agency_client.directory import DirectoryClient
from comity.authorities import authority_digest
from comity.times import timestamp_from
from comity.v1 import authorities_pb2, ledger_pb2
from comity.v1 import directory_pb2 as pb
from comity.v1.directory_pb2_grpc import DirectoryServiceStub
from comity.v1.notices_pb2 import CalendarDate
from comity.v1.officers_pb2 import ROLE_AUDITOR, ROLE_HUB_ADMINISTRATOR, ROLE_OFFICER, Role
from directory.files.csv_rows import write_csv
from docs.examples.generate.recording import Recording, RecordingChannel
from docs.examples.generate.seeded import StoryClock
from hub.services.calls import Officer

ENTRY = Path(__file__).parents[1] / "authority.json"
REASON = "Invented. The office has moved."
BY_DAY = datetime(2026, 11, 10, 13, tzinfo=UTC)  # ten in the morning at São Paulo
BY_NIGHT = datetime(2026, 11, 11, 2, tzinfo=UTC)
A_FORTNIGHT_LATER = datetime(2026, 11, 25, 13, tzinfo=UTC)


class Directory:
    """Who keeps and who asks."""

    def __init__(
        self,
        clock: StoryClock,
        new_id: Callable[[], str],
        *,
        recording: Recording,
        brazil: RecordingChannel,
        france: RecordingChannel,
        hub: RecordingChannel,
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._recording = recording
        self._brazil = brazil
        self._france = france
        self._hub = hub

    async def play(self) -> None:
        """Everything that can be asked of the directory, once."""
        self._until(BY_DAY)
        try:
            first, second = await self._enter()
            await self._keep(first, second)
            await self._look_up(first)
            await self._test_contacts(first)
            await self._deal_with_reports(first)
            await self._export(first)
            await self._import(first, second)
            await self._confirm_late()
        finally:
            self._brazil.officer = self._france.officer = None

    async def _enter(self) -> tuple[authorities_pb2.Authority, authorities_pb2.Authority]:
        first, second = self._entry(), self._entry()
        second.names[1].text = "Second Sample Authority"
        second.competences[0].instruments[0].instrument = "UNCAC"
        second.competences[0].instruments[0].articles[:] = ["44"]
        del second.competences[0].instruments[1]
        third = self._entry()
        for authority in (first, second, third):
            await self._propose(authority)
        listing = pb.ListProposalsRequest(limit=1)
        listed = await self._ask(self._brazil, "second", "ListProposals", listing)
        listing.after_proposal_id = listed.proposals[0].proposal_id
        following = await self._ask(self._brazil, "second", "ListProposals", listing)
        for proposal in (listed.proposals[0], following.proposals[0]):
            await self._approve(proposal)
        await self._enter_notified()
        return first, second

    async def _enter_notified(self) -> None:
        kenyan = self._entry()
        kenyan.country = "KE"
        keeper = authorities_pb2.Keeper(
            kind=authorities_pb2.KEEPER_KIND_HUB,
            agency_id="ZZ-HUB",
            note_verbale="Specimen 12/2026",
            notified_on=CalendarDate(year=2026, month=10, day=30),
        )
        request = pb.ProposeChangeRequest(authority=kenyan, reason=REASON, keeper=keeper)
        await self._ask(self._hub, "first", "ProposeChange", request, ROLE_HUB_ADMINISTRATOR)

    async def _keep(
        self, first: authorities_pb2.Authority, second: authorities_pb2.Authority
    ) -> None:
        """A change by a second officer is refused, one of the telephone takes effect at once."""
        renamed = authorities_pb2.Authority()
        renamed.CopyFrom(second)
        renamed.abbreviations[0] = "ACE2"
        proposed = await self._propose(renamed, base=1)
        refusal = pb.RefuseChangeRequest(
            proposal_id=proposed.proposal.proposal_id, reason="Invented. It has no such name."
        )
        await self._ask(self._brazil, "second", "RefuseChange", refusal)
        moved = authorities_pb2.Authority()
        moved.CopyFrom(first)
        moved.contacts[0].value = "+442079460009"
        call = authorities_pb2.CallBack(
            number=first.contacts[0].value,
            called_at=timestamp_from(self._clock()),
            spoken_to="Ada Specimen",
        )
        own = authorities_pb2.Keeper(kind=authorities_pb2.KEEPER_KIND_OWN_AGENCY)
        await self._propose(moved, base=1, call_back=call, keeper=own)
        confirming = pb.ConfirmAuthorityRequest(authority_id=first.authority_id, version=2)
        await self._ask(self._brazil, "second", "ConfirmAuthority", confirming)

    async def _look_up(self, first: authorities_pb2.Authority) -> None:
        case = ledger_pb2.LOOK_UP_PURPOSE_CASE
        query = pb.AuthorityFilter(
            countries=["BR"],
            competences=[authorities_pb2.COMPETENCE_EXTRADITION],
            languages=["pt", "en"],
            channels=[authorities_pb2.CHANNEL_DIRECT],
            freshness=[
                authorities_pb2.FRESHNESS_FRESH,
                authorities_pb2.FRESHNESS_UNVERIFIED,
            ],
            reachable_now=True,
            text="autoridade central",
        )
        finding = pb.FindAuthoritiesRequest(purpose=case, filter=query, limit=1, language="fr")
        page = await self._ask(self._france, "first", "FindAuthorities", finding)
        finding.cursor = page.next_cursor
        await self._ask(self._france, "first", "FindAuthorities", finding)
        query.instrument, query.article = "UNTOC", "16"
        finding = pb.FindAuthoritiesRequest(purpose=case, filter=query)
        await self._ask(self._france, "first", "FindAuthorities", finding)
        identity = first.authority_id
        await self._ask(
            self._france,
            "first",
            "GetAuthority",
            pb.GetAuthorityRequest(
                purpose=case,
                authority_id=identity,
                version=1,
                with_proof=True,
                known_size=1,
                language="fr",
                time_zone="Europe/Paris",
            ),
        )
        listing = pb.ListAuthorityVersionsRequest(
            purpose=case, authority_id=identity, before_version=3, limit=1
        )
        await self._ask(self._france, "first", "ListAuthorityVersions", listing)
        comparing = pb.CompareVersionsRequest(
            purpose=case, authority_id=identity, from_version=1, to_version=2
        )
        await self._ask(self._france, "first", "CompareVersions", comparing)
        self._until(BY_NIGHT)
        await self._resolve()

    async def _resolve(self) -> None:
        urgent = pb.ResolveAuthorityRequest(
            purpose=ledger_pb2.LOOK_UP_PURPOSE_URGENT_CASE,
            country="BR",
            competence=authorities_pb2.COMPETENCE_EXTRADITION,
            instrument="UNTOC",
            article="16",
            region="BR-SP",
            urgent=True,
            languages=["fr"],
            language="fr",
            time_zone="Europe/Paris",
        )
        await self._ask(self._france, "first", "ResolveAuthority", urgent)
        every = pb.ResolveAuthorityRequest(
            country="BR", competence=authorities_pb2.COMPETENCE_EXTRADITION, languages=["fr"]
        )
        await self._ask(self._france, "first", "ResolveAuthority", every)

    async def _deal_with_reports(self, first: authorities_pb2.Authority) -> None:
        identity = first.authority_id
        for field in ("contacts[0].value", "postal_address"):
            report = pb.ReportAuthorityRequest(
                authority_id=identity, version=2, field=field, text="Invented. It is another."
            )
            await self._ask(self._france, "first", "ReportAuthority", report)
        audit = pb.GetAuthorityRequest(
            purpose=ledger_pb2.LOOK_UP_PURPOSE_AUDIT, authority_id=identity
        )
        self._until(BY_DAY.replace(day=11))
        await self._ask(self._france, "auditor", "GetAuthority", audit, ROLE_AUDITOR)
        listing = pb.ListReportsRequest(limit=1)
        listed = await self._ask(self._brazil, "first", "ListReports", listing)
        listing.after_report_id = listed.reports[0].report_id
        await self._ask(self._brazil, "first", "ListReports", listing)
        closing = pb.CloseReportRequest(
            report_id=listed.reports[0].report_id, outcome="Invented. The number is right."
        )
        await self._ask(self._brazil, "first", "CloseReport", closing)

    async def _test_contacts(self, first: authorities_pb2.Authority) -> None:
        """Asked through the hub, and by telephone."""
        identity, number = first.authority_id, "+442079460009"
        asking = pb.TestContactRequest(authority_id=identity, contact=number)
        asked = await self._ask(self._france, "first", "TestContact", asking)
        answer = pb.AnswerContactTestRequest(test_id=asked.test.test_id)
        await self._ask(self._brazil, "first", "AnswerContactTest", answer)
        self._clock.advance(seconds=60)  # Tests are listed in the order of their times.
        call = pb.RecordContactCallRequest(
            authority_id=identity,
            number=number,
            called_at=timestamp_from(self._clock()),
            reached=True,
            spoken_to="Ada Specimen",
            note="Invented. English is spoken.",
        )
        noted = await self._ask(self._france, "first", "RecordContactCall", call)
        for before in ("", noted.test.test_id):
            listing = pb.ListContactTestsRequest(before_test_id=before, limit=1)
            await self._ask(self._brazil, "first", "ListContactTests", listing)

    async def _confirm_late(self) -> None:
        """What nobody has verified is escalated."""
        assert self._recording.remind is not None
        await self._recording.remind()
        self._until(A_FORTNIGHT_LATER)
        await self._recording.remind()
        listing = pb.ListDueAuthoritiesRequest(limit=1)
        page = await self._ask(self._brazil, "first", "ListDueAuthorities", listing)
        listing.after_authority_id = page.next_after_authority_id
        await self._ask(self._brazil, "first", "ListDueAuthorities", listing)

    async def _export(self, first: authorities_pb2.Authority) -> None:
        """An auditor's has no persons in it, and says so."""
        self._france.officer = _officer("auditor", ROLE_AUDITOR)
        request = pb.ExportAuthoritiesRequest(
            purpose=ledger_pb2.LOOK_UP_PURPOSE_AUDIT,
            case_reference="Specimen 7/2026",
            filter=pb.AuthorityFilter(countries=[first.country], text=first.names[0].text),
            format=pb.FILE_FORMAT_VCARD,
            language="fr",
        )
        await _client(self._france).export(request)

    async def _import(
        self, first: authorities_pb2.Authority, second: authorities_pb2.Authority
    ) -> None:
        """A table with an entry as it is, a new one, one changed, and one at fault."""
        as_it_is = await self._ask(
            self._brazil,
            "first",
            "GetAuthority",
            pb.GetAuthorityRequest(authority_id=first.authority_id),
        )
        changed, new, faulty = second, self._entry(), self._entry()
        changed.abbreviations[0] = "ACE3"
        original = next(name for name in new.names if name.original)
        original.text = f"{original.text} 2"  # no two new entries of a country are called the same
        faulty.contacts[0].value = "+4412"
        records = [as_it_is.record]
        for authority, version in ((new, 0), (changed, 1), (faulty, 0)):
            records.append(authorities_pb2.AuthorityRecord(authority=authority, version=version))
        own = authorities_pb2.Keeper(kind=authorities_pb2.KEEPER_KIND_OWN_AGENCY)
        head = pb.ImportHead(
            format=pb.FILE_FORMAT_CSV, dry_run=True, partial=True, reason=REASON, keeper=own
        )
        table = _with_semicolons(write_csv(records, "Invented."))
        await _client(self._brazil).import_(head, table)
        head.dry_run = False
        imported = await _client(self._brazil).import_(head, table)
        listing = pb.ListProposalsRequest(
            import_id=imported.import_id, after_proposal_id=imported.proposal_ids[0], limit=1
        )
        await self._ask(self._brazil, "second", "ListProposals", listing)

    async def _propose(
        self, authority: authorities_pb2.Authority, *, base: int = 0, **given: Any
    ) -> Any:
        self._clock.advance(seconds=60)  # Proposals are listed in the order of their times.
        request = pb.ProposeChangeRequest(
            authority=authority, base_version=base, reason=REASON, **given
        )
        return await self._ask(self._brazil, "first", "ProposeChange", request)

    async def _approve(self, proposal: pb.ChangeProposal) -> None:
        request = pb.ApproveChangeRequest(
            proposal_id=proposal.proposal_id,
            authority_digest=authority_digest(proposal.authority).hex(),
        )
        await self._ask(self._brazil, "second", "ApproveChange", request)

    def _entry(self) -> authorities_pb2.Authority:
        self._clock.advance(seconds=1)
        authority = Parse(ENTRY.read_text(encoding="utf-8"), authorities_pb2.Authority())
        authority.authority_id = self._new_id()
        return authority

    def _until(self, moment: datetime) -> None:
        self._clock.advance(seconds=(moment - self._clock()).total_seconds())

    @staticmethod
    async def _ask(
        channel: RecordingChannel,
        who: str,
        name: str,
        request: Message,
        role: Role.ValueType = ROLE_OFFICER,
    ) -> Any:
        channel.officer = _officer(who, role)
        return await channel.call_once(lambda c: getattr(DirectoryServiceStub(c), name), request)


def _officer(who: str, role: Role.ValueType) -> Officer:
    return Officer(f"EXAMPLE {who}", frozenset({role}), "EXAMPLE session")


def _with_semicolons(table: bytes) -> bytes:
    """As a spreadsheet writes it where a comma stands in numbers."""
    written = io.StringIO(newline="")
    read = csv.reader(io.StringIO(table.decode("utf-8-sig"), newline=""))
    csv.writer(written, delimiter=";").writerows(read)
    return written.getvalue().encode()


def _client(channel: RecordingChannel) -> DirectoryClient:
    """For files, of which nothing is proven."""

    async def accept_proof(proof: object, leaves: object) -> None:
        raise AssertionError

    return DirectoryClient(channel, accept_proof=accept_proof, known_size=lambda: 0)
