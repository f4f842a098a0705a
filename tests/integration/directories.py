"""The directory over the wire: entries as tests propose them, and calls as officers make them."""

from __future__ import annotations

import secrets
from typing import Any

from agency_client.agency import Agency
from comity.authorities import authority_digest
from comity.identifiers import UUID7_RANDOM_BYTES, uuid7_from
from comity.times import utc_now
from comity.v1 import authorities_pb2
from comity.v1 import directory_pb2 as pb
from comity.v1.directory_pb2_grpc import DirectoryServiceStub
from tests.unit.authorities import sample_authority

REASON = "Sample reason"


def new_authority(country: str, name: str = "") -> authorities_pb2.Authority:
    """A well-formed entry of a country, with an id of its own."""
    authority = sample_authority()
    authority.authority_id = uuid7_from(utc_now(), secrets.token_bytes(UUID7_RANDOM_BYTES))
    authority.country = country
    for basis in authority.competences[0].instruments:
        if basis.partner_country == country:
            basis.partner_country = "GB"
    if name:
        authority.names[0].text = name
    return authority


async def ask(opened: Agency, name: str, request: Any) -> Any:
    """One call as whoever is logged in."""
    return await opened.client.channel.call_once(
        lambda c: getattr(DirectoryServiceStub(c), name), request
    )


async def propose(
    opened: Agency, authority: authorities_pb2.Authority, *, base: int = 0, **given: Any
) -> pb.ProposeChangeResponse:
    """Proposes an entry as it shall be."""
    request = pb.ProposeChangeRequest(
        authority=authority, base_version=base, reason=REASON, **given
    )
    answer: pb.ProposeChangeResponse = await ask(opened, "ProposeChange", request)
    return answer


async def approve(opened: Agency, proposal: pb.ChangeProposal) -> authorities_pb2.AuthorityVersion:
    """Approves what was proposed."""
    request = pb.ApproveChangeRequest(
        proposal_id=proposal.proposal_id,
        authority_digest=authority_digest(proposal.authority).hex(),
    )
    answer: pb.ApproveChangeResponse = await ask(opened, "ApproveChange", request)
    return answer.version


async def enter(
    first: Agency, second: Agency, authority: authorities_pb2.Authority
) -> authorities_pb2.AuthorityVersion:
    """A new entry, by two officers of its keeper."""
    return await approve(second, (await propose(first, authority)).proposal)


async def get(opened: Agency, authority_id: str) -> authorities_pb2.AuthorityRecord:
    """An entry as it is now."""
    request = pb.GetAuthorityRequest(authority_id=authority_id)
    record: authorities_pb2.AuthorityRecord = (await ask(opened, "GetAuthority", request)).record
    return record


def text_of(authority: authorities_pb2.Authority) -> str:
    """What a card calls an entry: its name in English, else the original."""
    english = [name.text for name in authority.names if name.language == "en"]
    return (english or [name.text for name in authority.names if name.original])[0]
