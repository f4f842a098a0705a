"""A file that comes in parts: how it is to be taken, and all of it, within bounds.

Looks at nothing that is in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from comity.acts import has_unknown_fields
from comity.errors import MalformedInput, TooLarge, Violation
from comity.v1 import directory_pb2 as pb
from directory.files.rows import MAX_FILE_BYTES
from directory.services.reasons import require_text

IMPORTABLE = frozenset({pb.FILE_FORMAT_CSV, pb.FILE_FORMAT_JSON})


async def received_file(
    requests: AsyncIterator[pb.ImportAuthoritiesRequest],
) -> tuple[pb.ImportHead, bytes]:
    """How a file is to be taken, and the file.

    Raises: MalformedInput, TooLarge.
    """
    first = await anext(requests, None)
    if first is None or not first.HasField("head"):
        raise MalformedInput("The first message has to say how the file is to be taken.")
    _require_head(first)
    content = bytearray()
    async for request in requests:
        if not request.HasField("part"):
            raise MalformedInput("Behind the first message there are parts of the file alone.")
        content += request.part
        if len(content) > MAX_FILE_BYTES:
            raise TooLarge(f"An import takes {MAX_FILE_BYTES // 1024 // 1024} MiB. Split the file.")
    return first.head, bytes(content)


def _require_head(request: pb.ImportAuthoritiesRequest) -> None:
    if request.head.format not in IMPORTABLE:
        said = "is not JSON or CSV: the other formats are for reading"
        raise MalformedInput(violations=[Violation("head.format", said)])
    require_text(request.head.reason, "head.reason")
    if has_unknown_fields(request):
        raise MalformedInput("The request holds fields that this version does not know.")
