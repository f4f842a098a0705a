"""The hub's log: what went wrong and where, never what was being handled."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.logs import configure_logs, log_lost_error

SECRET = "sample salt 5d2f"


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    root, calls = logging.getLogger(), logging.getLogger("hub.calls")
    kept = (root.handlers[:], root.level, calls.handlers[:], calls.propagate)
    yield logging.getLogger("hub.test")
    root.handlers[:], calls.handlers[:], calls.propagate = kept[0], kept[2], kept[3]
    root.setLevel(kept[1])
    logging.raiseExceptions = True


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    line = capsys.readouterr().err
    assert SECRET not in line
    event: dict[str, Any] = json.loads(line)
    return event


def fail(kind: type[Exception], *arguments: object) -> None:
    secret = SECRET
    error = kind(*arguments)
    error.add_note(secret)
    raise error


@pytest.mark.threat("T52")
def test_a_variable_is_not_logged_when_its_function_fails(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(logging.INFO)
    try:
        fail(ValueError)
    except ValueError:
        log.exception("it failed")

    [stack] = logged(capsys)["exception"]
    assert stack["exc_type"] == "ValueError"
    assert stack["frames"][-1]["name"] == "fail"
    assert __file__ == stack["frames"][-1]["filename"]


def test_the_text_of_an_unforeseen_error_is_not_logged(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(logging.INFO)
    try:
        try:
            fail(KeyError, SECRET)
        except KeyError as error:
            raise ExceptionGroup(SECRET, [error, ValueError(SECRET)]) from error
    except ExceptionGroup:
        log.exception("it failed")

    [group] = logged(capsys)["exception"]
    inside = [stack["exc_type"] for [stack] in group["exceptions"]]
    assert (group["exc_type"], inside) == ("ExceptionGroup", ["KeyError", "ValueError"])


def test_the_file_that_is_missing_is_named(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(logging.INFO)
    try:
        fail(FileNotFoundError, 2, "No such file or directory", "tls.pem")
    except FileNotFoundError:
        log.exception("it failed")

    assert "tls.pem" in logged(capsys)["exception"][0]["exc_value"]


def test_the_error_of_a_task_that_nobody_awaits_is_logged_without_its_text(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(logging.INFO)

    async def lose() -> None:
        asyncio.get_running_loop().set_exception_handler(log_lost_error)
        task = asyncio.create_task(asyncio.to_thread(fail, ValueError, SECRET))
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(lose())

    event = logged(capsys)
    assert event["event"] == "Task exception was never retrieved"
    assert event["exception"][0]["exc_type"] == "ValueError"


def test_what_cannot_be_written_is_not_quoted_elsewhere(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(logging.INFO)
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    with Path(os.devnull).open("w") as closed:
        handler.setStream(closed)

    try:
        fail(ValueError, SECRET)
    except ValueError:
        log.exception("it failed")

    assert capsys.readouterr().err == ""
