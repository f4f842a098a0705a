"""`make quality`: how often a search of the sample directory finds what is meant.

Writes build/quality.json. Both halves of the list are counted apart, and together as the figures
that are promised.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.quality.directory import measure

TARGET = Path(__file__).parents[2] / "build" / "quality.json"

if __name__ == "__main__":
    figures = measure()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for name, figure in figures.items():
        print(f"{name:32} {figure:.3f}")  # noqa: T201 - this is what it is for
