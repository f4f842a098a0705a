"""What an error says to people: whose it is, the names that they know, and what to do next."""

from __future__ import annotations

import pytest

from agency_client.cli.output import print_error
from agency_client.failures import InboxFailed
from agency_client.submission import saying_that_nothing_is_kept
from comity.errors import ComityError, HubUnreachable, MalformedInput, NoticeInvalid, Violation
from comity.statuses import error_from_refusal, error_from_status, refusal_for, status_for

AT_FAULT = NoticeInvalid(violations=[Violation("handling.legal_basis", "is missing")])


@pytest.mark.parametrize(
    "received", [error_from_status(status_for(AT_FAULT)), error_from_refusal(refusal_for(AT_FAULT))]
)
def test_an_error_that_the_hub_sent_goes_with_its_reason_and_the_names_of_files(
    received: ComityError, capsys: pytest.CaptureFixture[str]
) -> None:
    print_error(received)

    said = capsys.readouterr().err
    assert said.startswith("comity: The notice is not well-formed. [NOTICE_INVALID]\n")
    assert "handling.legalBasis: is missing" in said


@pytest.mark.parametrize("error", [MalformedInput(), InboxFailed("The disk is full.")])
def test_an_error_of_this_machine_goes_without_a_reason(
    error: ComityError | InboxFailed, capsys: pytest.CaptureFixture[str]
) -> None:
    print_error(error)

    assert f"comity: {error.message}\n" == capsys.readouterr().err


def test_what_nothing_is_kept_of_is_said_so() -> None:
    with pytest.raises(HubUnreachable, match="nothing is kept"), saying_that_nothing_is_kept():
        raise HubUnreachable()
