"""Writes the generated code beside the contract, or tells whether what is there is fresh.

Called by `make proto` and, with --check, by `make check`. Never changes a `.proto` file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

PROTO_ROOT = Path(__file__).resolve().parent
PACKAGE = Path("comity", "v1")
GENERATED = "*_pb2*.py*"

# The gRPC plugins run only over files that declare a service: they write empty files otherwise.
MESSAGE_OUTPUTS = ("--python_out=", "--mypy_out=quiet:")
SERVICE_OUTPUTS = ("--grpc_python_out=", "--mypy_grpc_out=quiet:")

# protoc finds its plugins on the path; ours stand beside the Python that runs this.
TOOLS = Path(sys.executable).parent


def list_contract_files(proto_root: Path = PROTO_ROOT) -> list[str]:
    """The `.proto` files, relative to the root, as protoc wants them, in a fixed order."""
    return sorted(
        path.relative_to(proto_root).as_posix() for path in (proto_root / PACKAGE).glob("*.proto")
    )


def declares_service(file: Path) -> bool:
    """Whether a `.proto` file declares a service."""
    return re.search(r"^service\s+\w", file.read_text("utf-8"), re.MULTILINE) is not None


def generate(target: Path, *, proto_root: Path = PROTO_ROOT) -> None:
    """Writes the generated code of every contract file under the target folder.

    Raises: CalledProcessError where protoc refuses a file; it has said why by then.
    """
    files = list_contract_files(proto_root)
    services = [name for name in files if declares_service(proto_root / name)]
    run_protoc(files, [f"{output}{target}" for output in MESSAGE_OUTPUTS], proto_root=proto_root)
    if services:
        outputs = [f"{output}{target}" for output in SERVICE_OUTPUTS]
        run_protoc(services, outputs, proto_root=proto_root)


def run_protoc(files: Iterable[str], outputs: Iterable[str], *, proto_root: Path) -> None:
    """Runs protoc with the given outputs over the given files."""
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"}
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{proto_root}"]
    subprocess.run([*protoc, *outputs, *files], check=True, env=environment)


def read_generated(root: Path) -> Mapping[str, bytes]:
    """The generated files under a root by their name, with their content."""
    return {path.name: path.read_bytes() for path in (root / PACKAGE).glob(GENERATED)}


def find_stale_files(proto_root: Path = PROTO_ROOT) -> list[str]:
    """The generated files that are missing, edited, out of date, or of no contract file."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), proto_root=proto_root)
        fresh = read_generated(Path(folder))
    present = read_generated(proto_root)
    return sorted(
        name for name in fresh.keys() | present.keys() if fresh.get(name) != present.get(name)
    )


def write_generated(proto_root: Path = PROTO_ROOT) -> None:
    """Writes everything anew and removes what belongs to no contract file any more."""
    generate(proto_root, proto_root=proto_root)
    for name in find_stale_files(proto_root):
        (proto_root / PACKAGE / name).unlink()


def main(arguments: list[str]) -> int:
    """The command; its exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: generate.py [--check]", file=sys.stderr)
        return 2
    if not arguments:
        write_generated()
        return 0
    stale = find_stale_files()
    for name in stale:
        print(f"{PACKAGE / name} is not what its .proto file gives; run `make proto`.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
