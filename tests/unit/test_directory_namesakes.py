"""Names by which a new entry is taken for one that is there."""

from __future__ import annotations

import pytest

from directory.services.namesakes import name_key
from tests.unit.authorities import sample_authority


@pytest.mark.parametrize(
    "text",
    [
        "SAMPLE  central authority",
        "\uff33ample Central\u00a0Authority ",
        "Sample Central Authority",
    ],
)
def test_a_name_is_the_same_whatever_its_case_width_and_spaces(text: str) -> None:
    authority = sample_authority()
    authority.names[0].text = text

    assert name_key(authority) == ("GB", "sample central authority")


def test_an_entry_without_a_name_that_binds_has_no_namesake() -> None:
    authority = sample_authority()
    authority.names[0].original = False

    assert name_key(authority) is None
