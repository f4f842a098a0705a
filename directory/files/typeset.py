"""A process that typesets one document: its data as JSON in, one line of JSON and the PDF out.

Run as a script by `directory.services.typesetting`, so that time and memory can be bounded. Data is
never part of the template's source; nothing outside this folder is read but fonts.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import typst

FOLDER = Path(__file__).parent / "templates"
MAX_MEMORY_BYTES = 2 * 1024**3  # of addresses; a document of 150 entries needs a tenth
_SECONDS = 60  # of processor time, should whoever waits be gone
# Families of the template that have the letters of a script.
_FAMILIES = {
    "arabic": ("dejavu sans", "noto sans arabic", "noto naskh arabic"),
    "chinese": ("noto sans cjk sc", "noto sans sc", "source han sans sc"),
}


def main() -> None:
    """Reads all of the input, writes all of the output."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    asked = json.load(sys.stdin.buffer)
    pages = typst.compile(
        str(FOLDER / "authorities.typ"),
        root=str(FOLDER),
        format="pdf",
        sys_inputs={"document": json.dumps(asked["document"])},
        timestamp=asked["timestamp"],
    )
    there = {family.lower() for family in typst.Fonts().families()}
    scripts = [script for script, known in _FAMILIES.items() if there & set(known)]
    sys.stdout.buffer.write(json.dumps({"scripts": scripts}).encode() + b"\n")
    sys.stdout.buffer.write(pages)


if __name__ == "__main__":
    main()
