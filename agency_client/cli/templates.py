"""`comity notice new`: a template to fill in, with every field of a kind explained."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agency_client.cli.application import argument, command, notice_app
from agency_client.cli.output import say, write


@notice_app.command("new")
@command
async def new_notice(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="red, blue, yellow, object and so on.")
    ],
    sentence: Annotated[
        bool, typer.Option("--sentence", help="Of red: to serve a sentence, not for prosecution.")
    ] = False,
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="WHAT",
            help="Of object: document, vehicle, firearm, vessel, aircraft, other. Of yellow: "
            "missing, unidentified, at-risk.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A new file to write it to.")
    ] = None,
) -> None:
    """Write a template of a notice, with every field explained. Works without hub and profile."""
    from agency_client.templates import SENTENCE, plan_for, template_text

    if sentence and of is not None:
        raise typer.BadParameter("--sentence and --of do not go together.")
    variant = SENTENCE if sentence else of
    text = template_text(argument("KIND", kind, partial(plan_for, variant=variant)))
    if out is None:
        for line in text.splitlines():
            write(line)
        return
    _write_new(out, text)
    say(f"Fill in {out}; then: comity notice check {out}")


def _write_new(path: Path, text: str) -> None:
    """Writes a file that is not there yet: one that is may have been filled in.

    Raises: MalformedInput.
    """
    from comity.errors import MalformedInput

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise MalformedInput(f"{path} exists already, and was left as it is.") from error
    except OSError as error:
        raise MalformedInput(f"{path} cannot be written: {error.strerror}.") from error
