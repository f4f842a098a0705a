"""Whether an act, or what a hub did about a notice, is what the ledger has of it. No I/O.

Rests on `Trust`: the entries have been proven to lie in the tree, the roster says whose keys were
valid where.
"""

from __future__ import annotations

from agency_client.trust import Trust, parse_entry
from comity.acts import ADDRESSING, ActKind, ParsedAct, parse_act, verify_act
from comity.commitment import verify_addressing_commitment, verify_content_commitment
from comity.errors import ProofInvalid
from comity.identifiers import is_uuid7
from comity.identity import AgencyId, is_agency_id
from comity.v1 import events_pb2, ledger_pb2


def verified_act(
    record: events_pb2.ActRecord, *kinds: ActKind.ValueType, trust: Trust
) -> ParsedAct:
    """The act that a record shows, verified to be of one of these kinds and recorded at its entry.

    Raises: ComityError.
    """
    parsed = parse_act(record.envelope)
    if parsed.kind not in kinds:
        raise ProofInvalid("The hub shows another kind of act than there can be.")
    verify_recorded(parsed, record, leaf=record.leaf, trust=trust)
    return parsed


def verify_recorded(
    parsed: ParsedAct,
    record: events_pb2.ActRecord,
    *,
    leaf: ledger_pb2.LedgerLeaf,
    trust: Trust,
) -> None:
    """Verifies that an entry records an act, and that its signer signed it.

    1. The entry is of the act's kind; an addressing may lie with its version.
    2. It commits to the act.
    3. The act is signed for this hub by a key that was its signer's at that entry, and the roster
       that says so is the one that the hub judged it by.

    Raises: ComityError.
    """
    entry = parse_entry(leaf.entry).acts
    if parsed.kind == ADDRESSING:
        verify_addressing_commitment(  # 2
            entry.addressing_commitment, payload_digest=parsed.digest, salt=record.addressing_salt
        )
    else:
        if entry.kind != parsed.kind:  # 1
            raise ProofInvalid("The entry records another kind of act.")
        verify_content_commitment(  # 2
            entry.content_commitment, payload_digest=parsed.digest, salt=record.content_salt
        )
    trust.require_roster_at(leaf.entry_index, entry.roster_entry)  # 3
    signer = AgencyId(entry.originator)
    keys = trust.signing_keys_at(signer, leaf.entry_index)
    verify_act(parsed, hub_domain=trust.hub_domain, originator=signer, keys=keys)


def require_act_entry(leaf: ledger_pb2.LedgerLeaf, kind: ActKind.ValueType) -> AgencyId:
    """The signer of the acts of a kind that an entry records.

    Raises: ProofInvalid where it records something else.
    """
    entry = parse_entry(leaf.entry)
    if not entry.HasField("acts") or entry.acts.kind != kind:
        raise ProofInvalid("The event lies at an entry of another kind than it says.")
    return AgencyId(entry.acts.originator)


def verified_decision(leaf: ledger_pb2.LedgerLeaf, trust: Trust) -> ledger_pb2.NoticeEntry:
    """What the hub did about a notice, by its own entry, judged by the roster that is known.

    Raises: ProofInvalid, LedgerForked.
    """
    entry = parse_entry(leaf.entry)
    if not entry.HasField("notice"):
        raise ProofInvalid("The hub shows another entry as what it did about a notice.")
    notice = entry.notice
    # What is shown as a command to type must be one, whatever the hub writes into its ledger.
    if not is_uuid7(notice.notice_id) or not is_agency_id(notice.originator):
        raise ProofInvalid("The hub's entry names a notice by what is no id.")
    if notice.acts_entry >= leaf.entry_index:
        raise ProofInvalid("The hub's entry is about acts that come after it.")
    trust.require_roster_at(leaf.entry_index, notice.roster_entry)
    return notice


def require_decision_of(notice: ledger_pb2.NoticeEntry, originator: str, notice_id: str) -> None:
    """Requires that what the hub did is about this notice. Raises: ProofInvalid."""
    if (notice.originator, notice.notice_id) != (originator, notice_id):
        raise ProofInvalid("The hub's entry is about another notice.")
