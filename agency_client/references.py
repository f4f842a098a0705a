"""Which notice a command means: one that is held, by its id, and its originator where needed."""

from __future__ import annotations

from agency_client.act_signing import NoticeReference
from agency_client.agency import Agency
from agency_client.inbox import HeldNotice
from comity.acts import parse_act
from comity.errors import NotFound
from comity.v1.notices_pb2 import Notice


def find_received(agency: Agency, notice_id: str, originator: str | None) -> HeldNotice | None:
    """The received notice of an id.

    Raises: NotFound where several originators have used the id and none was named.
    """
    found = [
        one
        for one in agency.inbox.received.find_notices(notice_id)
        if originator in (None, one.originator) and one.originator != agency.profile.agency
    ]
    if len(found) > 1:
        names = ", ".join(sorted(one.originator for one in found))
        raise NotFound(f"Several agencies have a notice of this id: say --from, one of {names}.")
    return found[0] if found else None


async def find_reference(agency: Agency, notice_id: str, originator: str | None) -> NoticeReference:
    """Another agency's notice and its version in force, from the inbox or else from the hub.

    Raises: NotFound, which says how it would be found; HubUnavailable.
    """
    held = find_received(agency, notice_id, originator)
    if held is not None:
        version = parse_act(held.version)
        return NoticeReference(held.originator, notice_id, version.digest)
    if originator is None:
        raise NotFound("It is not held here: --from AGENCY names its originator.")
    record = await agency.client.get_notice(originator, notice_id)
    if not record.HasField("version"):
        raise NotFound("The hub shows no version of it: it is suspended, or has ended.")
    return NoticeReference(originator, notice_id, parse_act(record.version.envelope).digest)


def received_notice(held: HeldNotice) -> Notice:
    """What a received notice says."""
    notice: Notice = parse_act(held.version).act.version.notice
    return notice
