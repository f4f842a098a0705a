"""What is due, in words: since when, whom to call, what to type."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agency_client.authority_alerts import AuthorityAlert
from agency_client.cli.output import safe
from agency_client.cli.running import Log
from agency_client.due_text import due_lines
from comity.times import timestamp_from
from comity.v1 import authorities_pb2
from comity.v1 import directory_pb2 as pb
from tests.unit.authorities import AUTHORITY_ID, sample_authority
from tests.unit.hub_parts import Clock

DUE = datetime(2026, 9, 1, tzinfo=UTC)


def due(days_left: int, *, escalated: bool = False) -> pb.DueAuthority:
    authority = sample_authority()
    record = authorities_pb2.AuthorityRecord(
        authority=authority,
        version=3,
        keeper=authorities_pb2.Keeper(agency_id="GB-SCA"),
        open_reports=2,
        oldest_report_at=timestamp_from(datetime(2026, 8, 1, tzinfo=UTC)),
    )
    return pb.DueAuthority(
        record=record, due_at=timestamp_from(DUE), days_left=days_left, escalated=escalated
    )


def text(message: pb.DueAuthority) -> str:
    return "\n".join(due_lines(message, safe))


def test_what_is_due_says_when_and_what_to_type() -> None:
    assert "due          2026-09-01, in 7 days" in text(due(7))
    assert f"comity directory confirm {AUTHORITY_ID} --version 3" in text(due(7))
    assert "2026-09-01, STALE: 0 days past" in text(due(0))
    assert "wrong 2 times, not dealt with yet, the first on 2026-08-01" in text(due(0))
    assert "verified     never" in text(due(0))


def test_what_is_escalated_names_whom_to_call() -> None:
    message = due(-20, escalated=True)
    without = text(message)
    person = message.alternates.add(name="Ada Specimen")
    person.contacts.add(means=authorities_pb2.CONTACT_MEANS_TELEPHONE, value="+442079460007")
    person.contacts.add(means=authorities_pb2.CONTACT_MEANS_EMAIL, value="ada@sca.example")

    assert "ESCALATED: 20 days past" in without
    assert "call         telephone +442079460000" in without
    assert "call instead Ada Specimen: telephone +442079460007" in text(message)
    assert "ada@sca.example" not in text(message)
    assert f"comity directory test-contact {AUTHORITY_ID}" in text(message)


@pytest.mark.parametrize(
    ("method", "given", "said"),
    [
        ("EXCHANGE", {}, "FR-NCB asked about +442079460000 on 2026-09-01 00:00 UTC: not answered"),
        ("EXCHANGE", {"answered_at": timestamp_from(DUE)}, "answered on 2026-09-01 00:00 UTC"),
        ("CALL", {"note": "Engaged."}, "FR-NCB called +442079460000 on 2026-09-01 00:00 UTC: nobo"),
        (
            "CALL",
            {"answered_at": timestamp_from(DUE), "spoken_to": "Ada Specimen", "note": "Works."},
            "UTC: answered, Ada Specimen (Works.)",
        ),
    ],
)
def test_a_contact_test_is_said_in_one_line(method: str, given: object, said: str) -> None:
    message = due(0)
    assert isinstance(given, dict)
    test = authorities_pb2.ContactTest(
        method=authorities_pb2.ContactTestMethod.Value(f"CONTACT_TEST_METHOD_{method}"),
        agency_id="FR-NCB",
        asked_at=timestamp_from(DUE),
        contact="+442079460000",
        **given,
    )
    message.record.last_contact_test.CopyFrom(test)

    assert said in text(message)


def test_the_log_has_a_line_for_what_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Opened:
        clock = Clock()

    command = f"comity directory confirm {AUTHORITY_ID} --version 3"
    alert = AuthorityAlert(AUTHORITY_ID, 3, "due", command, 7, due_at=DUE, days_left=-1)

    Log(Opened()).told(alert)  # type: ignore[arg-type]

    line = capsys.readouterr().err
    assert f"alert authority={AUTHORITY_ID} what=due days_left=-1 due=2026-09-01" in line
    assert f'next="{command}"' in line
