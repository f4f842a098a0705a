"""`comity-hub` in this process: on its own folder, without a port."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner, Result

from comity.applicant import ApplicantKeys, apply_to_hub, generate_applicant_keys
from comity.envelope import json_from_envelope
from comity.identity import AgencyId
from comity.keys import ED25519
from hub.cli.application import app

DOMAIN = "hub.example"


def comity_hub(*arguments: str, folder: Path) -> Result:
    """Runs a command; whatever it sets up of logging is undone."""
    root, calls = logging.getLogger(), logging.getLogger("hub.calls")
    kept = (root.handlers[:], root.level, calls.handlers[:], calls.propagate)
    try:
        return CliRunner().invoke(app, [*arguments, "--folder", str(folder)])
    finally:
        root.handlers[:], calls.handlers[:], calls.propagate = kept[0], kept[2], kept[3]
        root.setLevel(kept[1])
        logging.raiseExceptions = True


def init(folder: Path, *options: str) -> Result:
    return comity_hub("init", "--domain", DOMAIN, *options, folder=folder)


def require_exit(result: Result, code: int) -> None:
    """A command ended with a code and a word, not with a traceback."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    assert code == result.exit_code, result.output
    assert "Traceback" not in result.output


def write_application(
    path: Path, agency: str = "FR-NCB", *, keys: ApplicantKeys | None = None
) -> Path:
    """An agency's application in a file."""
    envelope = apply_to_hub(
        keys or generate_applicant_keys([ED25519]),
        hub_domain=DOMAIN,
        agency=AgencyId(agency),
        name="Sample bureau",
        now=datetime.now(UTC),
    )
    path.write_text(json_from_envelope(envelope), encoding="utf-8")
    return path


def agencies_in(folder: Path) -> Sequence[str]:
    listed = comity_hub("agency", "list", folder=folder)
    require_exit(listed, 0)
    return [line.split()[0] for line in listed.stdout.splitlines()]
