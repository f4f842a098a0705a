"""Did anyone change the contract and forget the generated code, or edit the latter by hand?"""

from __future__ import annotations

import shutil
from pathlib import Path

import generate
import pytest


@pytest.fixture
def contract_copy(tmp_path: Path) -> Path:
    """A copy of the contract and its generated code that a test may spoil."""
    shutil.copytree(generate.PROTO_ROOT / generate.PACKAGE, tmp_path / generate.PACKAGE)
    return tmp_path


def test_generated_code_is_what_the_contract_gives() -> None:
    assert generate.find_stale_files() == []


def test_check_names_every_stale_file_when_contract_and_code_differ(contract_copy: Path) -> None:
    package = contract_copy / generate.PACKAGE
    with (package / "errors.proto").open("a") as contract:
        contract.write("message Addition {}\n")
    (package / "events_pb2.pyi").unlink()
    (package / "orphan_pb2.py").write_text("")

    stale = generate.find_stale_files(contract_copy)

    assert {"errors_pb2.py", "errors_pb2.pyi", "events_pb2.pyi", "orphan_pb2.py"} <= set(stale)
    assert "notices_pb2.py" not in stale


def test_writing_anew_leaves_nothing_stale(contract_copy: Path) -> None:
    package = contract_copy / generate.PACKAGE
    (package / "events_pb2.pyi").write_text("edited by hand")
    (package / "orphan_pb2.py").write_text("")

    generate.write_generated(contract_copy)

    assert generate.find_stale_files(contract_copy) == []


def test_service_code_is_written_only_where_a_service_is_declared() -> None:
    folder = generate.PROTO_ROOT / generate.PACKAGE
    services = {file.stem for file in folder.glob("*.proto") if generate.declares_service(file)}

    assert services == {file.name.removesuffix("_pb2_grpc.py") for file in folder.glob("*_grpc.py")}
