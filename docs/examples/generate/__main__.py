"""Writes docs/examples/messages: `python -m docs.examples.generate`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from docs.examples.generate.chosen import choose_examples, write_examples
from docs.examples.generate.run import run_story

MESSAGES = Path(__file__).parents[1] / "messages"


def main(target: Path = MESSAGES) -> None:
    """Runs the story and writes an example of every message that occurs in it."""
    with tempfile.TemporaryDirectory(prefix="comity-examples-") as folder:
        messages = asyncio.run(run_story(Path(folder)))
    write_examples(choose_examples(messages), target)


if __name__ == "__main__":
    main()
