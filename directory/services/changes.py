"""Changing entries: proposed by one officer of the keeper, approved or refused by another.

The commit halves decide under the lock on the ledger's head. Nobody approves what is their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from comity.authorities import authority_digest
from comity.errors import (
    ApprovedAlready,
    AuthorityChanged,
    ComityError,
    MalformedInput,
    NotFound,
    Violation,
)
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.identity import AgencyId
from comity.times import datetime_from_microseconds, microseconds_from, timestamp_from
from comity.v1 import authorities_pb2
from comity.v1 import directory_pb2 as pb
from directory.differences import differences
from directory.entry import verify_authority
from directory.services.call_backs import require_call_back
from directory.services.calls import (
    Caller,
    Commit,
    RosterWithin,
    Transaction,
    decide_each,
    officer_of,
)
from directory.services.keepers import Keepers, require_keeper
from directory.services.limits import Limits
from directory.services.look_ups import version_message
from directory.services.reasons import require_text
from directory.services.versions import enter_version
from directory.store.authorities import (
    StoredAuthority,
    StoredVersion,
    find_authority,
    require_newest,
)
from directory.store.proposals import (
    StoredProposal,
    add_proposal,
    get_proposal,
    settle_proposal,
)


@dataclass(frozen=True, slots=True)
class _Proposal:
    """Somebody's change, checked as far as it can be outside a transaction."""

    request: pb.ProposeChangeRequest
    agency: AgencyId
    officer_id: str
    proposal_id: str


@dataclass(frozen=True, slots=True)
class _Decision:
    """What an officer says to a proposal; `digest` is of what was looked at, None to refuse it."""

    proposal_id: str
    agency: AgencyId
    officer_id: str
    digest: str | None
    reason: str = ""


class ChangesService:
    """ProposeChange, ApproveChange, RefuseChange."""

    def __init__(
        self,
        *,
        commit: Commit,
        roster_within: RosterWithin,
        hub_agency: AgencyId,
        limits: Limits,
        clock: Callable[[], datetime],
        token_bytes: Callable[[int], bytes],
    ) -> None:
        self._commit = commit
        self._roster_within = roster_within
        self._hub_agency = hub_agency
        self._limits = limits
        self._clock = clock
        self._token_bytes = token_bytes

    async def propose(
        self, caller: Caller, request: pb.ProposeChangeRequest
    ) -> pb.ProposeChangeResponse:
        """Proposes an entry as it shall be. With a call-back noted, telephone and hours take effect
        at once; everything else waits for a second officer.

        Raises: AuthorityInvalid, TooLarge, MalformedInput, NotPermitted, AuthorityChanged,
        QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_change(caller)
        verify_authority(request.authority)
        require_text(request.reason, "reason")
        proposal_id = uuid7_from(self._clock(), self._token_bytes(UUID7_RANDOM_BYTES))
        proposal = _Proposal(request, caller.agency, officer_of(caller).officer_id, proposal_id)
        answer: pb.ProposeChangeResponse = await self._commit(self.propose_many, proposal)
        return answer

    async def approve(
        self, caller: Caller, request: pb.ApproveChangeRequest
    ) -> pb.ApproveChangeResponse:
        """Puts a proposal in effect.

        Raises: NotFound, ApprovedAlready, MalformedInput, AuthorityChanged, StoreUnavailable.
        """
        decision = _decision(caller, request.proposal_id, request.authority_digest)
        version: authorities_pb2.AuthorityVersion = await self._commit(self.approve_many, decision)
        return pb.ApproveChangeResponse(version=version)

    async def refuse(
        self, caller: Caller, request: pb.RefuseChangeRequest
    ) -> pb.RefuseChangeResponse:
        """Refuses a proposal, or takes the own one back; it is kept with the reason.

        Raises: NotFound, MalformedInput, StoreUnavailable.
        """
        require_text(request.reason, "reason")
        decision = replace(_decision(caller, request.proposal_id, None), reason=request.reason)
        await self._commit(self.refuse_many, decision)
        return pb.RefuseChangeResponse()

    # --- the commit halves -----------------------------------------------------------------------

    async def propose_many(
        self, transaction: Transaction, items: Sequence[_Proposal]
    ) -> list[pb.ProposeChangeResponse | ComityError]:
        """Enters proposals, or what takes effect at once."""
        return await decide_each(partial(self._propose, transaction), items)

    async def approve_many(
        self, transaction: Transaction, items: Sequence[_Decision]
    ) -> list[authorities_pb2.AuthorityVersion | ComityError]:
        """Puts proposals in effect."""
        return await decide_each(partial(self._approve, transaction), items)

    async def refuse_many(
        self, transaction: Transaction, items: Sequence[_Decision]
    ) -> list[ComityError | None]:
        """Refuses proposals."""
        return await decide_each(partial(self._refuse, transaction), items)

    async def _propose(self, transaction: Transaction, item: _Proposal) -> pb.ProposeChangeResponse:
        """1. The caller keeps the entry. 2. It was made from the newest version. 3. It changes
        something, and not whose entry it is. 4. With a call-back noted it takes effect now."""
        request, authority = item.request, item.request.authority
        connection = transaction.connection
        existing = await find_authority(connection, authority.authority_id)
        keepers = Keepers(await self._roster_within(transaction), self._hub_agency)
        keeper = keeper_for(
            keepers,
            existing,
            asked=request.keeper,
            country=authority.country,
            agency=item.agency,
        )  # 1
        current = await require_newest(
            connection, authority.authority_id, request.base_version
        )  # 2
        before = None if current is None else current.authority
        require_change(before, authority)  # 3
        proposal = _stored_proposal(item, keeper, now=microseconds_from(transaction.now))
        if not request.HasField("call_back"):
            await add_proposal(connection, proposal)
            return pb.ProposeChangeResponse(proposal=proposal_message(proposal, before))
        require_call_back(request.call_back, before, authority, now=transaction.now)  # 4
        proposal = replace(proposal, status=pb.PROPOSAL_STATUS_APPROVED)
        version = _version_from(proposal, transaction)
        await enter_version(
            transaction, replace(version, call_back=request.call_back), roster=keepers.roster
        )
        await add_proposal(connection, proposal)
        return pb.ProposeChangeResponse(
            proposal=proposal_message(proposal, before), version=version.version
        )

    async def _approve(
        self, transaction: Transaction, item: _Decision
    ) -> authorities_pb2.AuthorityVersion:
        """1. It is the caller's agency's to decide, and waits. 2. Somebody else proposed it. 3. It
        is what the approver looked at. 4. Nothing was changed since."""
        roster = await self._roster_within(transaction)
        proposal = await self._proposal_for(transaction, item, Keepers(roster, self._hub_agency))
        if proposal.officer_id == item.officer_id:  # 2
            raise ApprovedAlready("You have proposed this change; another officer approves it.")
        if authority_digest(proposal.authority).hex() != item.digest:  # 3
            said = "is not that of the proposed entry: look at it again"
            raise MalformedInput(violations=[Violation("authority_digest", said)])
        await require_newest(
            transaction.connection, proposal.authority.authority_id, proposal.base_version
        )  # 4
        version = replace(
            _version_from(proposal, transaction),
            approver_agency_id=item.agency,
            approver_officer_id=item.officer_id,
        )
        await settle_proposal(
            transaction.connection,
            proposal.proposal_id,
            pb.PROPOSAL_STATUS_APPROVED,
            reason=proposal.reason,
        )
        return version_message(await enter_version(transaction, version, roster=roster))

    async def _refuse(self, transaction: Transaction, item: _Decision) -> None:
        roster = await self._roster_within(transaction)
        proposal = await self._proposal_for(transaction, item, Keepers(roster, self._hub_agency))
        await settle_proposal(
            transaction.connection,
            proposal.proposal_id,
            pb.PROPOSAL_STATUS_REFUSED,
            reason=item.reason,
        )

    async def _proposal_for(
        self, transaction: Transaction, item: _Decision, keepers: Keepers
    ) -> StoredProposal:
        """A proposal that waits for the caller's agency. Another's is as if there were none.

        Raises: NotFound; AuthorityChanged where another change came first.
        """
        proposal = await get_proposal(transaction.connection, item.proposal_id)
        keeper = keepers.keeper_now(proposal.keeper, proposal.authority.country)
        if keeper.agency_id != item.agency:
            raise NotFound
        if proposal.status == pb.PROPOSAL_STATUS_OVERTAKEN:
            await require_newest(
                transaction.connection, proposal.authority.authority_id, proposal.base_version
            )
            raise AuthorityChanged
        if proposal.status != pb.PROPOSAL_STATUS_WAITING:
            raise NotFound("The change was decided on already.")
        entered = keepers.keeper_to_enter(proposal.keeper, proposal.authority.country)
        return replace(proposal, keeper=entered)


def keeper_for(
    keepers: Keepers,
    existing: StoredAuthority | None,
    *,
    asked: authorities_pb2.Keeper,
    country: str,
    agency: AgencyId,
) -> authorities_pb2.Keeper:
    """Whom the version that an agency proposes names as keeper; it has to keep the entry now.

    Raises: NotPermitted, MalformedInput.
    """
    if existing is None:
        return keepers.keeper_of_new(asked, country, agency=agency)
    keeper = keepers.keeper_now(existing.keeper, existing.authority.country)
    require_keeper(keeper, agency)
    is_notified = keeper.kind == authorities_pb2.KEEPER_KIND_HUB and asked.note_verbale
    return (
        keepers.notified(asked)
        if is_notified
        else keepers.keeper_to_enter(existing.keeper, existing.authority.country)
    )


def require_change(
    before: authorities_pb2.Authority | None, after: authorities_pb2.Authority
) -> None:
    """Requires a change to change something, and not whose entry it is.

    Raises: MalformedInput.
    """
    if before is None:
        return
    if before == after:
        raise MalformedInput(violations=[Violation("authority", "is as it was: nothing changes")])
    if before.country != after.country:
        said = f"is {before.country} and stays so: an entry belongs to one country"
        raise MalformedInput(violations=[Violation("authority.country", said)])


def _stored_proposal(
    item: _Proposal, keeper: authorities_pb2.Keeper, *, now: int
) -> StoredProposal:
    return StoredProposal(
        proposal_id=item.proposal_id,
        authority=item.request.authority,
        base_version=item.request.base_version,
        keeper=keeper,
        agency_id=item.agency,
        officer_id=item.officer_id,
        proposed_at=now,
        status=pb.PROPOSAL_STATUS_WAITING,
        reason=item.request.reason,
    )


def _version_from(proposal: StoredProposal, transaction: Transaction) -> StoredVersion:
    """The version that a proposal becomes; the ledger's index comes when it is entered."""
    return StoredVersion(
        authority=proposal.authority,
        version=proposal.base_version + 1,
        keeper=proposal.keeper,
        agency_id=proposal.agency_id,
        officer_id=proposal.officer_id,
        changed_at=microseconds_from(transaction.now),
        entry_index=0,
        salt=transaction.new_salt(),
    )


def _decision(caller: Caller, proposal_id: str, digest: str | None) -> _Decision:
    return _Decision(proposal_id, caller.agency, officer_of(caller).officer_id, digest)


def proposal_message(
    proposal: StoredProposal, before: authorities_pb2.Authority | None
) -> pb.ChangeProposal:
    """A proposal as it is shown, with what it changes of an entry."""
    return pb.ChangeProposal(
        proposal_id=proposal.proposal_id,
        authority=proposal.authority,
        base_version=proposal.base_version,
        agency_id=proposal.agency_id,
        officer_id=proposal.officer_id,
        proposed_at=timestamp_from(datetime_from_microseconds(proposal.proposed_at)),
        status=proposal.status,
        reason=proposal.reason,
        keeper=proposal.keeper,
        import_id=proposal.import_id,
        differences=differences(before or authorities_pb2.Authority(), proposal.authority),
    )
