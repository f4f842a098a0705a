"""Exit codes of the command line, which scripts rest on."""

from __future__ import annotations

import pytest
import typer

from agency_client.cli.application import EXIT_INTERRUPTED, command, endless_command


async def _interrupted() -> None:
    raise KeyboardInterrupt


def test_an_interrupted_command_is_not_done() -> None:
    with pytest.raises(typer.Exit) as ended:
        command(_interrupted)()

    assert ended.value.exit_code == EXIT_INTERRUPTED


def test_a_command_without_an_end_is_done_when_it_is_interrupted() -> None:
    with pytest.raises(typer.Exit) as ended:
        endless_command(_interrupted)()

    assert ended.value.exit_code == 0
