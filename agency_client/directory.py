"""What an officer asks the hub's directory of authorities, and how entries are kept true.

Every look-up is on record at the hub with the officer and the purpose. Changes are asked for once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from agency_client.authority_proof import VouchedFor, vouched_for
from agency_client.channel import HubChannel
from comity.authorities import authority_digest
from comity.errors import InternalError, MalformedInput
from comity.v1.authorities_pb2 import (
    AuthorityRecord,
    AuthorityVersion,
    ContactTest,
    FieldDifference,
)
from comity.v1.directory_pb2 import (
    AnswerContactTestRequest,
    ApproveChangeRequest,
    AuthorityReport,
    ChangeProposal,
    CloseReportRequest,
    CompareVersionsRequest,
    ConfirmAuthorityRequest,
    ConfirmAuthorityResponse,
    DueAuthority,
    ExportAuthoritiesRequest,
    FindAuthoritiesRequest,
    FindAuthoritiesResponse,
    GetAuthorityRequest,
    ImportAuthoritiesRequest,
    ImportAuthoritiesResponse,
    ImportHead,
    ListAuthorityVersionsRequest,
    ListContactTestsRequest,
    ListDueAuthoritiesRequest,
    ListProposalsRequest,
    ListReportsRequest,
    ProposeChangeRequest,
    ProposeChangeResponse,
    RecordContactCallRequest,
    RefuseChangeRequest,
    RenderedField,
    ReportAuthorityRequest,
    Resolution,
    ResolveAuthorityRequest,
    TestContactRequest,
)
from comity.v1.directory_pb2_grpc import DirectoryServiceStub
from comity.v1.ledger_pb2 import (
    LOOK_UP_PURPOSE_UNSPECIFIED,
    LedgerLeaf,
    LedgerProof,
    LookUpPurpose,
)

AcceptProof = Callable[[LedgerProof, Sequence[LedgerLeaf]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class VerifiedRecord:
    """A record, and how far the ledger vouches for it."""

    record: AuthorityRecord
    vouched_for: VouchedFor
    card: Sequence[RenderedField]  # the hub's words, which nothing vouches for


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

    def __init__(
        self, channel: HubChannel, *, accept_proof: AcceptProof, known_size: Callable[[], int]
    ) -> None:
        self._channel = channel
        self._accept_proof = accept_proof
        self._known_size = known_size

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

    async def get_verified(self, request: GetAuthorityRequest) -> VerifiedRecord:
        """One entry, and how far the ledger vouches for what is shown of it.

        Raises: NotFound, QuotaExceeded; ProofInvalid where the ledger has something else;
        LedgerForked and the like.
        """
        asked = GetAuthorityRequest()
        asked.CopyFrom(request)
        asked.with_proof, asked.known_size = True, self._known_size()
        response = await self._channel.call(lambda c: DirectoryServiceStub(c).GetAuthority, asked)
        if response.HasField("proof"):
            await self._accept_proof(response.proof.proof, [response.proof.leaf])
        return VerifiedRecord(response.record, vouched_for(response, asked), response.card)

    async def list_versions(
        self,
        authority_id: str,
        *,
        purpose: LookUpPurpose.ValueType = LOOK_UP_PURPOSE_UNSPECIFIED,
    ) -> list[AuthorityVersion]:
        """Every version of an entry, the newest first. Without a purpose it is the role's.

        Raises: NotFound, QuotaExceeded.
        """
        found: list[AuthorityVersion] = []
        more = True
        while more:
            before = found[-1].version if found else 0
            response = await self._channel.call(
                lambda c: DirectoryServiceStub(c).ListAuthorityVersions,
                ListAuthorityVersionsRequest(
                    purpose=purpose, authority_id=authority_id, before_version=before
                ),
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

        Raises: AuthorityInvalid, MalformedInput, TooLarge, NotPermitted, AuthorityChanged,
        QuotaExceeded.
        """
        return await self._channel.call_once(
            lambda c: DirectoryServiceStub(c).ProposeChange, request
        )

    async def list_proposals(self, import_id: str = "") -> list[ChangeProposal]:
        """What waits for the own agency, the oldest first; of one import where it is named.

        Raises: QuotaExceeded.
        """
        found: list[ChangeProposal] = []
        after, more = "", True
        while more:
            response = await self._channel.call(
                lambda c: DirectoryServiceStub(c).ListProposals,
                ListProposalsRequest(after_proposal_id=after, import_id=import_id),
            )
            found += response.proposals
            more = response.next_after_proposal_id > after
            after = response.next_after_proposal_id
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

        Raises: NotFound, NotPermitted, AuthorityChanged, QuotaExceeded.
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
        """The open reports on the own agency's entries, the oldest first.

        Raises: QuotaExceeded.
        """
        found: list[AuthorityReport] = []
        after, more = "", True
        while more:
            response = await self._channel.call(
                lambda c: DirectoryServiceStub(c).ListReports,
                ListReportsRequest(after_report_id=after),
            )
            found += response.reports
            more = response.next_after_report_id > after
            after = response.next_after_report_id
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

    async def list_due(self) -> list[DueAuthority]:
        """Entries that the own agency has to confirm, or that were escalated to it; those that are
        past the longest first.

        Raises: QuotaExceeded.
        """
        found: list[DueAuthority] = []
        after, more = "", True
        while more:
            response = await self._channel.call(
                lambda c: DirectoryServiceStub(c).ListDueAuthorities,
                ListDueAuthoritiesRequest(after_authority_id=after),
            )
            found += response.authorities
            more = response.next_after_authority_id > after
            after = response.next_after_authority_id
        return sorted(found, key=lambda each: each.due_at.ToNanoseconds())

    async def test_contact(self, authority_id: str, contact: str = "") -> ContactTest:
        """Asks the keeper of an entry to answer.

        Raises: NotFound, MalformedInput, NotPermitted, QuotaExceeded.
        """
        response = await self._channel.call_once(
            lambda c: DirectoryServiceStub(c).TestContact,
            TestContactRequest(authority_id=authority_id, contact=contact),
        )
        return response.test

    async def answer_test(self, test_id: str) -> ContactTest:
        """Answers another agency that somebody is there.

        Raises: NotFound, QuotaExceeded.
        """
        response = await self._channel.call(
            lambda c: DirectoryServiceStub(c).AnswerContactTest,
            AnswerContactTestRequest(test_id=test_id),
        )
        return response.test

    async def record_call(self, request: RecordContactCallRequest) -> ContactTest:
        """Notes a call to a number of an entry.

        Raises: NotFound, MalformedInput, QuotaExceeded.
        """
        response = await self._channel.call_once(
            lambda c: DirectoryServiceStub(c).RecordContactCall, request
        )
        return response.test

    async def list_tests(self) -> list[ContactTest]:
        """What the own agency may answer, or has asked for; the newest first.

        Raises: QuotaExceeded.
        """
        found: list[ContactTest] = []
        before, more = "", True
        while more:
            response = await self._channel.call(
                lambda c: DirectoryServiceStub(c).ListContactTests,
                ListContactTestsRequest(before_test_id=before),
            )
            found += response.tests
            following = response.next_before_test_id
            more = bool(following) and (not before or following < before)
            before = following
        return found

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
        try:
            return await self._imported(head, content)
        except InternalError:
            # Where the hub refuses while parts are being sent, gRPC reports the sending and drops
            # the refusal: asked once more, with nothing to send, it says why.
            trial = ImportHead()
            trial.CopyFrom(head)
            trial.dry_run = True
            with suppress(MalformedInput):
                await self._imported(trial, b"")
            raise

    async def _imported(self, head: ImportHead, content: bytes) -> ImportAuthoritiesResponse:
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
