"""The generated sample directory, as it is shipped: JSON, one message Authority after the other."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from google.protobuf.json_format import MessageToDict, ParseDict

from comity.v1 import authorities_pb2 as pb

SAMPLE_FILE = Path(__file__).with_name("authorities.json")


def text_from(entries: Iterable[pb.Authority]) -> str:
    """Entries as the file holds them."""
    lines = [json.dumps(MessageToDict(entry), ensure_ascii=False) for entry in entries]
    return '{"authorities": [\n' + ",\n".join(lines) + "\n]}\n"


def load_sample() -> list[pb.Authority]:
    """The entries of the shipped file."""
    plain = json.loads(SAMPLE_FILE.read_text(encoding="utf-8"))
    return [ParseDict(each, pb.Authority()) for each in plain["authorities"]]
