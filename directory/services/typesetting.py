"""Has a process of its own typeset a document, within bounds of time: one that hangs is ended.

Knows nothing of entries; what it is given is data, never a template.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from comity.errors import TooLarge
from directory.files import rows

SCRIPT = Path(rows.__file__).with_name("typeset.py")
SECONDS = 30.0  # 150 entries of usual length take one
_AT_ONCE = 2  # each takes a processor and some 100 MB


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF, and the scripts other than the alphabets of Europe that there were fonts for."""

    content: bytes
    scripts: frozenset[str]


class Typesetting:
    """Typesets documents, few at once."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def typeset(self, document: Mapping[str, Any], at: datetime) -> Printed:
        """The pages of a document.

        Raises: TooLarge where they take too long; RuntimeError where the process fails.
        """
        asked = {"document": document, "timestamp": int(at.timestamp())}
        async with self._places:
            # -I: nothing of the working directory or the environment is imported.
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(SCRIPT),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # names what is in the document
            )
            answer = await self._answer(process, json.dumps(asked).encode())
        head, _, content = answer.partition(b"\n")
        return Printed(content, frozenset(json.loads(head)["scripts"]))

    async def _answer(self, process: asyncio.subprocess.Process, asked: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                answer, _ = await process.communicate(asked)
        except TimeoutError as error:
            raise TooLarge(
                f"Printing takes longer than {self._seconds:g} seconds. Export fewer entries."
            ) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise RuntimeError(f"typesetting ended with {process.returncode}")
        return answer
