"""What protects victims, witnesses and minors, and who may lift it. Pure, as `judgement`."""

from __future__ import annotations

from comity.errors import NoticeInvalid, SupervisorRequired
from comity.protection import (
    is_widened,
    needs_supervisor,
    protected_persons,
    protection_violations,
)
from comity.v1 import events_pb2, ledger_pb2, notices_pb2
from comity.v1.acts_pb2 import AddressingRule
from comity.v1.officers_pb2 import ROLE_OFFICER, ROLE_SUPERVISOR, Role
from hub.services.ledger_state import Announcement, only
from hub.services.submissions import Submission


def require_protected(notice: notices_pb2.Notice, rule: AddressingRule) -> None:
    """Requires what protects victims, witnesses and minors, unless it is lifted."""
    violations = protection_violations(notice, rule)
    if violations:
        raise NoticeInvalid(violations=violations)


def require_widener(notice: notices_pb2.Notice, roles: frozenset[Role.ValueType]) -> None:
    """Requires whoever may lift that: a supervisor; any officer for a missing minor in danger."""
    if needs_supervisor(notice):
        wanted = frozenset({ROLE_SUPERVISOR})
    elif is_widened(notice) and protected_persons(notice):
        wanted = frozenset({ROLE_SUPERVISOR, ROLE_OFFICER})
    else:
        return
    if not roles & wanted:
        raise SupervisorRequired()


def told_to_supervisors(
    notice: notices_pb2.Notice, submission: Submission
) -> tuple[Announcement, ...]:
    """What an officer has lifted for a missing minor in danger its supervisors are told after."""
    if (
        not is_widened(notice)
        or not protected_persons(notice)
        or ROLE_SUPERVISOR in submission.roles
    ):
        return ()
    return (
        Announcement(
            ledger_pb2.NOTICE_CHANGE_PROTECTION_WIDENED,
            events_pb2.EVENT_KIND_PROTECTION_WIDENED,
            only(submission.originator),
            urgency=notices_pb2.URGENCY_IMMEDIATE,
        ),
    )
