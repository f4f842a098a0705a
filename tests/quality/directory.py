"""Measures the search of the directory by the list of queries."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from comity.v1.authorities_pb2 import Authority
from directory.sample.file import load_sample
from directory.sample.growing import grown
from directory.search.index import SearchIndex

LARGE = 5_000  # entries; the size that the directory is built for
QUERIES = Path(__file__).with_name("directory_queries.toml")


def load_queries() -> Mapping[str, Sequence[tuple[str, str]]]:
    """The queries of each half, with the abbreviation of the authority that is meant."""
    halves = tomllib.loads(QUERIES.read_text(encoding="utf-8"))
    return {half: [(text, meant) for text, meant in rows] for half, rows in halves.items()}


def measure() -> dict[str, float]:
    """The share of queries that find what is meant as the first, and among the first three: among
    the sample's entries, and among 5,000 that share its common words and halves of its names."""
    sample = load_sample()
    figures = {}
    for suffix, entries in (("", sample), (f"_in_{LARGE}", grown(sample, LARGE))):
        for name, figure in _measured(entries).items():
            figures[f"{name}{suffix}"] = figure
    return figures


def _measured(entries: Sequence[Authority]) -> dict[str, float]:
    names = {entry.authority_id: entry.abbreviations[0] for entry in entries}
    index = SearchIndex(entries)
    halves = load_queries()
    figures: dict[str, float] = {}
    for half, queries in {
        "": [each for rows in halves.values() for each in rows],
        **halves,
    }.items():
        found = [
            [names[m.authority_id] for m in index.rank(text).matches[:3]] for text, _ in queries
        ]
        pairs = list(zip(found, [meant for _, meant in queries], strict=True))
        suffix = f"_{half}" if half else ""
        figures[f"directory_top1{suffix}"] = sum(f[:1] == [m] for f, m in pairs) / len(pairs)
        figures[f"directory_top3{suffix}"] = sum(m in f for f, m in pairs) / len(pairs)
    return figures
