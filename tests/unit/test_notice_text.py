"""What reaches a terminal: in the right order, whole, and unable to do anything to it."""

from __future__ import annotations

import io
import json
import unicodedata
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from agency_client.cli.output import safe, say, write, write_json
from agency_client.notice_text import (
    DISCLAIMER,
    headline,
    notice_lines,
    state_words,
    withdrawal_line,
)
from comity.v1 import acts_pb2, events_pb2, notices_pb2

NOW = datetime(2026, 11, 25, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def load(name: str) -> notices_pb2.Notice:
    return ParseDict(
        json.loads((EXAMPLES / f"notice-{name}.json").read_text()), notices_pb2.Notice()
    )


def lines_of(notice: notices_pb2.Notice, state: str = "in force") -> list[str]:
    return list(
        notice_lines(
            notice,
            originator="FR-NCB",
            state=state,
            is_suspended=False,
            has_unknown_fields=False,
            safe=safe,
        )
    )


def test_what_is_asked_and_what_not_to_do_come_first() -> None:
    lines = lines_of(load("red"))

    assert lines[:3] == [
        "Locate and arrest; Inform the originator: Ana Sample EXAMPLE (1985-03, BR)",
        "! Do not alert the subject",
        "! Confirm the identity first",
    ]
    assert lines[-1] == DISCLAIMER


@pytest.mark.parametrize("state", ["withdrawn", "expired"])
def test_a_notice_that_has_ended_says_so_before_anything_else(state: str) -> None:
    assert lines_of(load("red"), state)[0].startswith(state.upper())


def test_an_exercise_says_so_before_what_is_asked() -> None:
    notice = load("red")
    notice.traffic = notices_pb2.TRAFFIC_EXERCISE

    assert lines_of(notice)[0].startswith("EXERCISE")


@pytest.mark.parametrize("name", ["red", "yellow", "object", "purple"])
def test_every_text_of_a_notice_is_shown(name: str) -> None:
    text = "\n".join(lines_of(load(name)))

    for value in _texts(json.loads((EXAMPLES / f"notice-{name}.json").read_text())):
        assert safe(value) in text


def _texts(value: object) -> list[str]:
    """Every text of a document, codes left out."""
    if isinstance(value, dict):
        return [text for child in value.values() for text in _texts(child)]
    if isinstance(value, list):
        return [text for child in value for text in _texts(child)]
    is_text = isinstance(value, str) and not value.isupper() and len(value) > 2
    return [str(value)] if is_text and "_" not in str(value) else []


HOSTILE = "\x1b[2J\u202e\x9b"


def _spoil(message: Message) -> None:
    """Makes every text of a message hostile, and adds what it lacks."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None:
            value = getattr(message, field.name)
            _spoil(value.add() if field.is_repeated else value)
        elif field.type == field.TYPE_STRING:
            if field.is_repeated:
                getattr(message, field.name).append(HOSTILE)
            else:
                setattr(message, field.name, HOSTILE)


@pytest.mark.parametrize("which", ["person", "organisation", "object", "asset"])
def test_no_field_of_a_notice_can_do_anything_to_a_terminal(which: str) -> None:
    notice = notices_pb2.Notice()
    _spoil(notice)
    del notice.subjects[:]
    _spoil(getattr(notice.subjects.add(), which))

    text = "\n".join([*lines_of(notice), headline(notice, safe)])

    assert "‹U+202E›" in text
    assert not set(HOSTILE) - set("[2J") & set(text)


def test_a_notice_of_an_object_is_headed_by_its_marks() -> None:
    assert headline(load("object"), safe).endswith("vehicle EX-000-MP 1M8GDM9AXKP042788")


def test_a_withdrawal_says_why() -> None:
    withdrawal = acts_pb2.WithdrawalAct(reason=acts_pb2.WITHDRAWAL_REASON_ISSUED_IN_ERROR)
    withdrawal.details.add(language="en", text="Wrong person", original=True)

    assert withdrawal_line(withdrawal, safe) == "Withdrawn: issued in error (Wrong person)."


@given(st.text())
def test_no_text_can_do_anything_to_a_terminal(text: str) -> None:
    shown = safe(text)

    inside = shown.removeprefix("\u2068").removesuffix("\u2069")
    forbidden = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
    assert not {unicodedata.category(c) for c in inside} & forbidden
    assert inside.isascii() or shown != inside


def test_escapes_overrides_and_markup_come_out_as_text() -> None:
    assert safe("\x1b[31mred\x07\r\nnext") == ("\u2068‹U+001B›[31mred‹U+0007›‹U+000D› next\u2069")
    assert safe("a\u202eb") == "\u2068a‹U+202E›b\u2069"
    assert safe("[bold]x[/bold]") == "[bold]x[/bold]"
    assert safe("样本") == "\u2068样本\u2069"
    assert safe("JANE   SAMPLE\n EXAMPLE") == "JANE SAMPLE EXAMPLE"


UNSEEN = (
    "\u200b\u200c\u200d\u200e\u200f\u061c\u2060\u00ad\ufeff\u034f\u115f\u3164\u2800\ufe0f\U000e0041"
)


@pytest.mark.parametrize("character", UNSEEN)
def test_a_character_that_is_not_seen_is_shown_by_its_number(character: str) -> None:
    assert safe(f"a{character}b") == f"\u2068a‹U+{ord(character):04X}›b\u2069"


def test_a_combining_mark_stays_with_its_letter_and_a_wide_space_is_a_space() -> None:
    assert safe("e\u0301") == "\u2068e\u0301\u2069"
    assert safe("A\u00a0B\u3000C") == "A B C"


@pytest.mark.parametrize(("is_terminal", "written"), [(True, safe("样本")), (False, "样本")])
def test_marks_of_direction_are_for_terminals_alone(is_terminal: bool, written: str) -> None:
    class Output(io.StringIO):
        def isatty(self) -> bool:
            return is_terminal

    output = Output()
    with redirect_stdout(output):
        write(safe("样本"))

    assert f"{written}\n" == output.getvalue()


@given(st.text())
def test_json_can_do_nothing_to_a_terminal_and_says_the_same(text: str) -> None:
    with redirect_stdout(io.StringIO()) as out:
        write_json({text: [text]})

    line = out.getvalue()
    assert json.loads(line) == {text: [text]}
    assert line.removesuffix("\n").isprintable()


def test_json_is_one_line_whatever_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"text": "a\nb\x1b"})
    say("beside")
    captured = capsys.readouterr()

    assert json.loads(captured.out) == {"text": "a\nb\x1b"}
    assert captured.out.count("\n") == 1
    assert "\x1b" not in captured.out
    assert captured.err == "beside\n"
    assert io.StringIO(captured.out).readline().endswith("\n")


@pytest.mark.parametrize(
    ("state", "beginning"),
    [
        ("in review", "IN REVIEW: it is not published"),
        ("returned", "RETURNED: the hub's reviewers ask for more"),
        ("refused", "REFUSED: the hub's reviewers did not publish it"),
        ("suspended", "SUSPENDED: nobody may act on this notice until"),
        ("cancelled", "CANCELLED: nobody may act on this notice any longer"),
    ],
)
def test_a_state_says_what_it_means_before_anything_else(state: str, beginning: str) -> None:
    assert lines_of(load("red"), state)[0].startswith(beginning)


def test_every_state_of_the_contract_has_words() -> None:
    for number in events_pb2.NoticeState.values():
        words = state_words(load("red"), is_withdrawn=False, now=NOW, state=number)
        assert not words.startswith("state ")


def test_an_extension_lets_a_notice_stand_longer() -> None:
    notice = load("red")
    notice.expires_at.FromDatetime(NOW - timedelta(days=1))

    assert state_words(notice, is_withdrawn=False, now=NOW) == "expired"
    later = NOW + timedelta(days=1)
    assert state_words(notice, is_withdrawn=False, now=NOW, expires_at=later) == "in force"
    assert state_words(notice, is_withdrawn=True, now=NOW, expires_at=later) == "withdrawn"


def test_the_original_comes_first_and_the_duty_line_too() -> None:
    notice = load("red")
    del notice.narratives[:]
    notice.narratives.add(language="en", text="Second", original=False)
    notice.narratives.add(language="fr", text="Premier", original=True)
    del notice.contacts[:]
    notice.contacts.add(use=notices_pb2.NOTICE_CONTACT_USE_OFFICE, name="Desk")
    notice.contacts.add(use=notices_pb2.NOTICE_CONTACT_USE_DUTY, telephone="+12025550100")
    lines = lines_of(notice)

    at = lines.index("NARRATIVE")
    assert lines[at + 1 : at + 3] == [
        "  text: [fr, original] Premier",
        "  text: [en, translation] Second",
    ]
    at = lines.index("WHOM TO CALL")
    assert lines[at + 1] == "  DUTY LINE, day and night: +12025550100"


def test_the_holder_of_a_misused_identity_is_not_shown_without_consent() -> None:
    notice = load("red")
    identity = notice.misused_identities.add()
    identity.names.add(type=notices_pb2.NAME_TYPE_PRIMARY, full="Paul HOLDER")

    assert "HOLDER" not in "\n".join(lines_of(notice))
    identity.holder_consents = True
    assert "  name: Paul HOLDER" in "\n".join(lines_of(notice))
