"""Events of a notice in plain words, one line each. Lines of safe text; writes nothing."""

from __future__ import annotations

from agency_client.event_kinds import WITHDRAWN
from agency_client.events import VerifiedEvent
from agency_client.field_text import Safe, code_words
from agency_client.notice_text import headline
from agency_client.trust import parse_entry
from comity import acts
from comity.times import datetime_from_timestamp
from comity.v1 import events_pb2 as pb
from comity.v1.acts_pb2 import RecallOutcome
from comity.v1.ledger_pb2 import NoticeEntry, RefusalGround
from comity.v1.notices_pb2 import NoticeKind, WarningCode

NOBODY_MAY_ACT = "nobody may act on it any longer"
_WORDS = {
    WITHDRAWN: f"withdrawn: {NOBODY_MAY_ACT}",
    pb.EVENT_KIND_PROCESSING: "a request is being processed: not published yet",
    pb.EVENT_KIND_SUBMITTED: "a notice waits for reviewers (comity review list)",
    pb.EVENT_KIND_RETURNED: "returned as incomplete: 'comity notice show ID --hub' says what of it "
    "is missing; comity notice correct",
    pb.EVENT_KIND_UPHELD: "reviewers looked at it and found it right",
    pb.EVENT_KIND_EXPIRED: f"expired: {NOBODY_MAY_ACT}",
    pb.EVENT_KIND_RECALLED: "no longer addressed to you: its copies are recalled "
    "(comity recall status)",
    pb.EVENT_KIND_ERASED: "erased at the hub: content and salts are gone, the entry certifies it",
    pb.EVENT_KIND_CUSTODY_VOID: "URGENT: the notice on which you hold this person no longer stands",
    pb.EVENT_KIND_PROTECTION_WIDENED: "an officer lifted what protects a minor: look at it",
}


def event_line(event: VerifiedEvent, safe: Safe) -> str:
    """What an event of a notice tells, in words, after the notice's id and originator."""
    return f"{event.notice_id or '?':<36}  {event.originator}  {_told(event, safe)}"


def _told(event: VerifiedEvent, safe: Safe) -> str:
    if event.kind in _WORDS:
        return _WORDS[event.kind]
    if event.act is None:
        return _by_the_hub(event)
    body = event.act.body
    if event.act.kind == acts.VERSION:
        kind = code_words(pb.EventKind.DESCRIPTOR, event.kind)
        colour = code_words(NoticeKind.DESCRIPTOR, body.notice.kind).upper()
        changes = "; ".join(safe(text.text) for text in body.changes)
        corrected = f"  (corrected: {changes})" if changes else ""
        return f"{kind}: {colour}  {headline(body.notice, safe)}{corrected}"
    return _of_act(event, body, safe)


def _by_the_hub(event: VerifiedEvent) -> str:
    entry: NoticeEntry = parse_entry(event.message.leaf.entry).notice
    ground = code_words(RefusalGround.DESCRIPTOR, entry.ground) if entry.ground else "no ground"
    if event.kind == pb.EVENT_KIND_CANCELLED:
        return f"cancelled by the hub ({ground}): {NOBODY_MAY_ACT}"
    if event.kind == pb.EVENT_KIND_REFUSED:
        return f"refused by the reviewers ({ground})"
    expires_at = datetime_from_timestamp(entry.expires_at)
    until = f" on {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at is not None else ""
    return f"expires{until}: comity notice extend, or let it end"


def _of_act(event: VerifiedEvent, body: object, safe: Safe) -> str:
    assert event.act is not None
    words = _texts(body, safe)
    kind, signer = event.act.kind, event.act.originator
    if kind == acts.SUSPENSION:
        return f"suspended: nobody may act on it for now ({words})"
    if kind == acts.ADDENDUM:
        warnings = [code_words(WarningCode.DESCRIPTOR, w.code) for w in event.act.body.warnings]
        return f"addendum: {'; '.join([*warnings, *([words] if words else [])])}"
    if kind == acts.EXTENSION:
        until = datetime_from_timestamp(event.act.body.expires_at)
        return f"stands longer, until {until:%Y-%m-%d %H:%M} UTC ({words})"
    return f"{signer} {_of_addressee(event.act, words, safe)}"


def _of_addressee(act: acts.ParsedAct, words: str, safe: Safe) -> str:
    body = act.body
    beside = f": {words}" if words else ""
    if act.kind == acts.ACKNOWLEDGEMENT:
        return f"has read it, by an officer{beside}"
    if act.kind == acts.FLAG:
        return f"{'cannot execute it' if body.not_executable else 'can execute it again'}{beside}"
    if act.kind == acts.CUSTODY:
        reference = f", their number {safe(body.reference)}" if body.reference else ""
        since = datetime_from_timestamp(body.since)
        moment = f" since {since:%Y-%m-%d %H:%M} UTC" if since is not None else ""
        held = f"HOLDS SOMEBODY on it{moment}" if body.in_custody else "holds nobody on it"
        return f"{held}{reference}"
    if act.kind == acts.RECALL_ANSWER:
        outcome = code_words(RecallOutcome.DESCRIPTOR, body.outcome)
        said = [safe(body.provision), *map(safe, body.passed_on_to)]
        more = ", ".join(each for each in said if each)
        return f"answers the recall: {outcome}{f' ({more})' if more else ''}"
    if act.kind == acts.RELEASE_REQUEST:
        what = [*body.onward_to, *(["judicial use"] if body.judicial_use else [])]
        return f"asks for a release, for {', '.join(map(safe, what))}{beside} (comity release list)"
    verdict = "grants" if body.granted else "refuses"
    return f"{verdict} the release that was asked for{beside}"


def _texts(body: object, safe: Safe) -> str:
    """The words of an act, whatever it calls them."""
    for name in ("reason", "texts", "remarks", "conditions"):
        texts = getattr(body, name, None)
        if texts:
            return "; ".join(safe(text.text) for text in texts)
    return ""
