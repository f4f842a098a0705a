"""Secrets that an administrator is asked for: from the terminal, unseen, or a private file that the
environment names. Never from an argument, which others see and histories keep.

The variables are those of `comity`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import typer

from comity.errors import MalformedInput
from hub.files import read_secret

PASSWORD_FILE_VARIABLE = "COMITY_PASSWORD_FILE"  # noqa: S105 - the name of a variable
SECOND_FACTOR_FILE_VARIABLE = "COMITY_SECOND_FACTOR_FILE"


def is_anybody_there() -> bool:
    """Whether somebody at a terminal can be asked."""
    return sys.stdin.isatty()


def names_file(variable: str) -> bool:
    """Whether the environment names a file with a secret."""
    return bool(os.environ.get(variable))


def read_or_ask(title: str, *, variable: str) -> str:
    """A secret from the file that the environment names, else as it is typed in, unseen.

    Raises: MalformedInput where the file is none that a secret may lie in; KeyboardInterrupt.
    """
    if not names_file(variable):
        return _prompt(title, hide_input=True)
    try:
        return read_secret(Path(os.environ[variable])).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise MalformedInput(f"The file that {variable} names is no text.") from None


def ask_name(title: str) -> str:
    """A name, as it is typed in.

    Raises: KeyboardInterrupt.
    """
    return _prompt(title, hide_input=False).strip()


def _prompt(title: str, *, hide_input: bool) -> str:
    # The event loop would only note an interruption, and go on asking.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # An empty answer is one too: who has no second factor yet is told so, and not asked again.
        entered: str = typer.prompt(
            title, default="", show_default=False, hide_input=hide_input, err=True
        )
    except typer.Abort:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)
    return entered
