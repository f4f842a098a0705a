"""Which act or entry each kind of event of a notice shows, and whom it may tell. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from comity import acts
from comity.v1 import events_pb2 as pb
from comity.v1 import ledger_pb2

PUBLISHED = pb.EVENT_KIND_PUBLISHED
NEW_VERSION = pb.EVENT_KIND_NEW_VERSION
WITHDRAWN = pb.EVENT_KIND_WITHDRAWN
ADDRESSEE_ADDED = pb.EVENT_KIND_ADDRESSEE_ADDED
ROSTER_CHANGED = pb.EVENT_KIND_ROSTER_CHANGED
DIRECTORY_CHANGED = pb.EVENT_KIND_DIRECTORY_CHANGED
RESUMED = pb.EVENT_KIND_RESUMED

# Of these the act is shown. All others are told by an entry alone.
ACT_KINDS: Mapping[pb.EventKind.ValueType, acts.ActKind.ValueType] = {
    PUBLISHED: acts.VERSION,
    NEW_VERSION: acts.VERSION,
    ADDRESSEE_ADDED: acts.VERSION,
    WITHDRAWN: acts.WITHDRAWAL,
    pb.EVENT_KIND_SUSPENDED: acts.SUSPENSION,
    pb.EVENT_KIND_RESUMED: acts.VERSION,  # the one in force again: some have not seen it
    pb.EVENT_KIND_ADDENDUM: acts.ADDENDUM,
    pb.EVENT_KIND_EXTENDED: acts.EXTENSION,
    pb.EVENT_KIND_ACKNOWLEDGED: acts.ACKNOWLEDGEMENT,
    pb.EVENT_KIND_FLAGGED: acts.FLAG,
    pb.EVENT_KIND_CUSTODY: acts.CUSTODY,
    pb.EVENT_KIND_RECALL_ANSWERED: acts.RECALL_ANSWER,
    pb.EVENT_KIND_RELEASE_REQUESTED: acts.RELEASE_REQUEST,
    pb.EVENT_KIND_RELEASE_DECIDED: acts.RELEASE_DECISION,
}
# Of these the event lies at an act that is not shown, and shows the version in force.
PLACES: Mapping[pb.EventKind.ValueType, acts.ActKind.ValueType] = {
    ADDRESSEE_ADDED: acts.ADDRESSING,
    pb.EVENT_KIND_RESUMED: acts.RESUMPTION,
}
# By the hub's own entry.
CHANGES: Mapping[pb.EventKind.ValueType, ledger_pb2.NoticeChange.ValueType] = {
    pb.EVENT_KIND_PROCESSING: ledger_pb2.NOTICE_CHANGE_PROCESSING,
    pb.EVENT_KIND_RETURNED: ledger_pb2.NOTICE_CHANGE_RETURNED,
    pb.EVENT_KIND_REFUSED: ledger_pb2.NOTICE_CHANGE_REFUSED,
    pb.EVENT_KIND_UPHELD: ledger_pb2.NOTICE_CHANGE_UPHELD,
    pb.EVENT_KIND_CANCELLED: ledger_pb2.NOTICE_CHANGE_CANCELLED,
    pb.EVENT_KIND_EXPIRED: ledger_pb2.NOTICE_CHANGE_EXPIRED,
    pb.EVENT_KIND_EXPIRY_NEAR: ledger_pb2.NOTICE_CHANGE_EXPIRY_NEAR,
    pb.EVENT_KIND_ERASED: ledger_pb2.NOTICE_CHANGE_ERASED,
    pb.EVENT_KIND_CUSTODY_VOID: ledger_pb2.NOTICE_CHANGE_CUSTODY_VOID,
    pb.EVENT_KIND_PROTECTION_WIDENED: ledger_pb2.NOTICE_CHANGE_PROTECTION_WIDENED,
    pb.EVENT_KIND_RECALLED: ledger_pb2.NOTICE_CHANGE_RECALLED,
}
# By the entry of acts that the reader is not shown.
UNSHOWN_ACTS: Mapping[pb.EventKind.ValueType, acts.ActKind.ValueType] = {
    pb.EVENT_KIND_SUBMITTED: acts.VERSION,
}
# Nobody but the notice's originator is told of these.
FOR_THE_ORIGINATOR = frozenset(
    {
        pb.EVENT_KIND_RETURNED,
        pb.EVENT_KIND_REFUSED,
        pb.EVENT_KIND_UPHELD,
        pb.EVENT_KIND_ACKNOWLEDGED,
        pb.EVENT_KIND_FLAGGED,
        pb.EVENT_KIND_CUSTODY,
        pb.EVENT_KIND_RECALL_ANSWERED,
        pb.EVENT_KIND_RELEASE_REQUESTED,
        pb.EVENT_KIND_EXPIRY_NEAR,
        pb.EVENT_KIND_ERASED,
        pb.EVENT_KIND_PROTECTION_WIDENED,
    }
)
# After these nobody may act on the notice, and its copies are recalled.
ENDINGS: Mapping[pb.EventKind.ValueType, pb.RecallKind.ValueType] = {
    WITHDRAWN: pb.RECALL_KIND_WITHDRAWN,
    pb.EVENT_KIND_CANCELLED: pb.RECALL_KIND_CANCELLED,
    pb.EVENT_KIND_EXPIRED: pb.RECALL_KIND_EXPIRED,
}
