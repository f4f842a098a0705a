"""What an officer asks the hub's directory of authorities, and how entries are kept true.

Every look-up is on record at the hub with the officer and the purpose. Changes are asked for once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from agency_client.channel import HubChannel
from comity.authorities import authority_digest
from comity.errors import InternalError
from comity.v1.authorities_pb2 import AuthorityRecord, AuthorityVersion, FieldDifference
from comity.v1.directory_pb2 import (
    ApproveChangeRequest,
    AuthorityReport,
    ChangeProposal,
    CloseReportRequest,
    CompareVersionsRequest,
    ConfirmAuthorityRequest,
    ConfirmAuthorityResponse,
    ExportAuthoritiesRequest,
    FindAuthoritiesRequest,
    FindAuthoritiesResponse,
    GetAuthorityRequest,
    ImportAuthoritiesRequest,
    ImportAuthoritiesResponse,
    ImportHead,
    ListAuthorityVersionsRequest,
    ListProposalsRequest,
    ListReportsRequest,
    ProposeChangeRequest,
    ProposeChangeResponse,
    RefuseChangeRequest,
    ReportAuthorityRequest,
    Resolution,
    ResolveAuthorityRequest,
)
from comity.v1.directory_pb2_grpc import DirectoryServiceStub

PART_BYTES = 262_144  # far below what a message may be
_NO_ANSWER = "The hub has ended its answer before it began."


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of entries as the hub made it; `warnings` say what it lacks."""

    content: bytes
    media_type: str
    count: int
    warnings: Sequence[str]


class DirectoryClient:
    """The directory, on the agency's channel; an officer has to be logged in."""

    def __init__(self, channel: HubChannel) -> None:
        self._channel = channel

    async def find(self, request: FindAuthoritiesRequest) -> FindAuthoritiesResponse:
        """A page of what matches, the best first.

        Raises: MalformedInput, CursorInvalid, QuotaExceeded.
        """
        return await self._channel.call(lambda c: DirectoryServiceStub(c).FindAuthorities, request)

    async def resolve(self, request: ResolveAuthorityRequest) -> list[Resolution]:
        """Who handles it, under each instrument that both countries share; the first is the answer.

        Raises: MalformedInput, QuotaExceeded.
        """
        response = await self._channel.call(
            lambda c: DirectoryServiceStub(c).ResolveAuthority, request
        )
        return list(response.resolutions)

    async def get(self, request: GetAuthorityRequest) -> AuthorityRecord:
        """One entry, as it is now or as it was.

        Raises: NotFound, QuotaExceeded.
        """
        response = await self._channel.call(lambda c: DirectoryServiceStub(c).GetAuthority, request)
        return response.record

    async def list_versions(self, authority_id: str) -> list[AuthorityVersion]:
        """Every version of an entry, the newest first.

        Raises: NotFound, QuotaExceeded.
        """
        found: list[AuthorityVersion] = []
        more = True
        while more:
            before = found[-1].version if found else 0
            response = await self._channel.call(
                lambda c: DirectoryServiceStub(c).ListAuthorityVersions,
                ListAuthorityVersionsRequest(authority_id=authority_id, before_version=before),
            )
            found += response.versions
            more = response.more and bool(response.versions)
        return found

    async def compare(self, request: CompareVersionsRequest) -> list[FieldDifference]:
        """What two versions of an entry do not share.

        Raises: NotFound, QuotaExceeded.
        """
        response = await self._channel.call(
            lambda c: DirectoryServiceStub(c).CompareVersions, request
        )
        return list(response.differences)

    async def propose(self, request: ProposeChangeRequest) -> ProposeChangeResponse:
        """Proposes an entry as it shall be.

        Raises: AuthorityInvalid, MalformedInput, NotPermitted, AuthorityChanged.
        """
        return await self._channel.call_once(
            lambda c: DirectoryServiceStub(c).ProposeChange, request
        )

    async def list_proposals(self, import_id: str = "") -> list[ChangeProposal]:
        """What waits for the own agency, the oldest first; of one import where it is named."""
        found: list[ChangeProposal] = []
        more = True
        while more:
            after = found[-1].proposal_id if found else ""
            response = await self._channel.call(
                lambda c: DirectoryServiceStub(c).ListProposals,
                ListProposalsRequest(after_proposal_id=after, import_id=import_id),
            )
            found += response.proposals
            more = response.more and bool(response.proposals)
        return found

    async def approve(self, proposal: ChangeProposal) -> AuthorityVersion:
        """Puts a proposal in effect, exactly as it was shown.

        Raises: NotFound, ApprovedAlready, AuthorityChanged.
        """
        request = ApproveChangeRequest(
            proposal_id=proposal.proposal_id,
            authority_digest=authority_digest(proposal.authority).hex(),
        )
        response = await self._channel.call_once(
            lambda c: DirectoryServiceStub(c).ApproveChange, request
        )
        return response.version

    async def refuse(self, proposal_id: str, reason: str) -> None:
        """Refuses a proposal, or takes the own one back.

        Raises: NotFound, MalformedInput.
        """
        request = RefuseChangeRequest(proposal_id=proposal_id, reason=reason)
        await self._channel.call_once(lambda c: DirectoryServiceStub(c).RefuseChange, request)

    async def confirm(self, authority_id: str, version: int) -> ConfirmAuthorityResponse:
        """Says that an entry is right as it is.

        Raises: NotFound, NotPermitted, AuthorityChanged.
        """
        request = ConfirmAuthorityRequest(authority_id=authority_id, version=version)
        return await self._channel.call_once(
            lambda c: DirectoryServiceStub(c).ConfirmAuthority, request
        )

    async def report(self, request: ReportAuthorityRequest) -> AuthorityReport:
        """Reports that an entry is wrong.

        Raises: NotFound, MalformedInput, QuotaExceeded.
        """
        response = await self._channel.call_once(
            lambda c: DirectoryServiceStub(c).ReportAuthority, request
        )
        return response.report

    async def list_reports(self) -> list[AuthorityReport]:
        """The open reports on the own agency's entries, the oldest first."""
        found: list[AuthorityReport] = []
        more = True
        while more:
            after = found[-1].report_id if found else ""
            response = await self._channel.call(
                lambda c: DirectoryServiceStub(c).ListReports,
                ListReportsRequest(after_report_id=after),
            )
            found += response.reports
            more = response.more and bool(response.reports)
        return found

    async def close_report(self, report_id: str, outcome: str) -> AuthorityReport:
        """Says what was done about a report.

        Raises: NotFound, MalformedInput.
        """
        request = CloseReportRequest(report_id=report_id, outcome=outcome)
        response = await self._channel.call_once(
            lambda c: DirectoryServiceStub(c).CloseReport, request
        )
        return response.report

    async def export(self, request: ExportAuthoritiesRequest) -> ExportedFile:
        """A file of what the officer may see, whole.

        Raises: MalformedInput, NotFound, QuotaExceeded, TooLarge.
        """
        parts = self._channel.receive(lambda c: DirectoryServiceStub(c).ExportAuthorities, request)
        async with aclosing(parts):
            responses = [each async for each in parts]
        if not responses:
            raise InternalError(_NO_ANSWER)
        first = responses[0]
        content = b"".join(each.part for each in responses)
        return ExportedFile(content, first.media_type, first.count, tuple(first.warnings))

    async def import_(self, head: ImportHead, content: bytes) -> ImportAuthoritiesResponse:
        """Proposes the entries of a file, or says what is wrong in it.

        Raises: MalformedInput, TooLarge, NotPermitted, QuotaExceeded.
        """
        answers = self._channel.stream(
            lambda c: DirectoryServiceStub(c).ImportAuthorities, _import_messages(head, content)
        )
        async with aclosing(answers):
            async for answer in answers:
                return answer
        raise InternalError(_NO_ANSWER)


async def _import_messages(
    head: ImportHead, content: bytes
) -> AsyncIterator[ImportAuthoritiesRequest]:
    yield ImportAuthoritiesRequest(head=head)
    for start in range(0, len(content), PART_BYTES):
        yield ImportAuthoritiesRequest(part=content[start : start + PART_BYTES])
