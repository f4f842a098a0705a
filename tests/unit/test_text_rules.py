"""Which characters a text may hold: what scripts need stays, what deceives is named and refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.texts import code_and_text_violations
from comity.v1 import notices_pb2 as pb


def faults(value: str) -> list[str]:
    name = pb.Name(type=pb.NAME_TYPE_PRIMARY, full=value)
    return [fault.description for fault in code_and_text_violations(name)]


@pytest.mark.parametrize(
    "value",
    [
        "\u0645\u06cc\u200c\u062e\u0648",  # U+200C divides letters that Persian does not join
        "ශ්\u200dරී",  # U+200D joins them in Sinhala
        "\u200f\u05d3\u05d5\u05d3 (David)\u200e",
        "\u061cعمر 12",
        "e\u0301mile",  # a combining mark instead of one letter
        "Nguyễn Thị Ánh",
        "นิพนธ์",
        "Анна Müller 李",  # three scripts
        "葛\U000e0100城",  # a variant that a name insists on
    ],
)
def test_what_a_script_needs_is_right(value: str) -> None:
    assert faults(value) == []


@pytest.mark.parametrize(
    ("character", "code_point"),
    [
        *((chr(code), f"U+{code:04X}") for code in (0x200B, 0x2060, 0xFEFF, 0x00AD, 0x180E)),
        ("\U000e0041", "U+E0041"),
        ("\u3164", "U+3164"),
        *((chr(code), f"U+{code:04X}") for code in range(0x202A, 0x202F)),
        *((chr(code), f"U+{code:04X}") for code in range(0x2066, 0x206A)),
        ("\x00", "U+0000"),
        ("\x1b", "U+001B"),
        ("\x85", "U+0085"),
        ("\u2028", "U+2028"),
    ],
    ids=ascii,
)
def test_what_deceives_is_refused_by_its_code_point(character: str, code_point: str) -> None:
    assert [said.rpartition(": ")[2] for said in faults(f"An{character}na")] == [code_point]


@pytest.mark.parametrize("character", ["\u200c", "\u200d", "\u200e", "\u200f", "\u061c", "\t"])
def test_a_number_that_is_compared_holds_nothing_invisible(character: str) -> None:
    document = pb.IdentityDocument(number=f"12{character}3")

    (fault,) = code_and_text_violations(document)

    assert fault.field == "number"
    assert f"U+{ord(character):04X}" in fault.description


@given(st.text(max_size=40))
def test_a_text_is_refused_or_left_as_it_stands(value: str) -> None:
    name = pb.Name(type=pb.NAME_TYPE_PRIMARY, full=value)
    before = name.SerializeToString()

    code_and_text_violations(name)

    assert name.SerializeToString() == before
