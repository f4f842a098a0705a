"""Did anyone import upwards? The contracts stand in pyproject.toml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("hub", "agency_client", "directory", "proto/comity")

# A module that breaks each contract, by the beginning of the contract's name.
BREACHES = {
    "hub and agency_client never meet": ("agency_client/breach.py", "import hub.app"),
    "the client holds nothing": ("agency_client/breach.py", "import directory"),
    "a request goes down": ("hub/store/breach.py", "import hub.services.calls"),
    "the directory's form and search": ("directory/hours.py", "import directory.entry"),
    "gRPC stays at the edges": ("hub/services/breach.py", "import grpc"),
    "SQL stays in the store": ("hub/services/breach.py", "import sqlalchemy"),
    "the terminal stays": ("hub/services/breach.py", "import typer"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Checks the contracts over the code in a folder."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    path = os.pathsep.join([str(folder), str(folder / "proto")])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def code_copy(tmp_path: Path) -> Path:
    """A copy of the code that a test may spoil."""
    for name in CODE:
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_go_down_only() -> None:
    finding = lint_imports(ROOT)

    assert finding.returncode == 0, finding.stdout


def test_every_contract_notices_its_breach(code_copy: Path) -> None:
    for file, line in BREACHES.values():
        with (code_copy / file).open("a") as module:
            module.write(f"{line}\n")

    finding = lint_imports(code_copy)

    lines = [re.sub(r" \(.*ignored imports?\)$", "", li) for li in finding.stdout.splitlines()]
    verdicts = [line for line in lines if line.endswith(("KEPT", "BROKEN"))]
    assert len(BREACHES) == len(verdicts)
    for name, verdict in zip(BREACHES, verdicts, strict=True):
        assert verdict.startswith(name)
        assert verdict.endswith("BROKEN")
