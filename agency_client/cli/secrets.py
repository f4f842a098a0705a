"""Secrets that an officer is asked for: from the terminal, or a private file that the environment
names. Never from an argument, which others see and histories keep."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

PASSWORD_FILE_VARIABLE = "COMITY_PASSWORD_FILE"  # noqa: S105 - the name of a variable
NEW_PASSWORD_FILE_VARIABLE = "COMITY_NEW_PASSWORD_FILE"  # noqa: S105 - the name of a variable
SECOND_FACTOR_FILE_VARIABLE = "COMITY_SECOND_FACTOR_FILE"


def read_password(prompt: str = "Password", *, variable: str = PASSWORD_FILE_VARIABLE) -> str:
    """A password.

    Raises: MalformedInput where nobody can be asked and no file is named.
    """
    from agency_client.cli.application import ask_secret

    written = _from_file(variable)
    return ask_secret(prompt, variable=variable).decode() if written is None else written


def read_new_password() -> str:
    """A new password, typed twice.

    Raises: MalformedInput where nobody can be asked and no file is named.
    """
    from agency_client.cli.application import ask_secret

    written = _from_file(NEW_PASSWORD_FILE_VARIABLE)
    if written is not None:
        return written
    return ask_secret("New password", twice=True, variable=NEW_PASSWORD_FILE_VARIABLE).decode()


def read_second_factor() -> str:
    """Six digits or a recovery code; empty where there is no second factor yet."""
    written = _from_file(SECOND_FACTOR_FILE_VARIABLE)
    if written is not None or not sys.stdin.isatty():
        return written or ""
    entered: str = typer.prompt(
        "Second factor (empty if there is none yet)", default="", show_default=False, err=True
    )
    return entered.strip()


def _from_file(variable: str) -> str | None:
    from agency_client.disk import read_secret

    named = os.environ.get(variable)
    return read_secret(Path(named)).decode().rstrip("\r\n") if named else None
