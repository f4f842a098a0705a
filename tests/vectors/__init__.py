"""Reads the test vectors beside it. Their origins are in README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load_vectors(name: str) -> Any:
    """The content of a file of vectors, such as `merkle_ct`."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
