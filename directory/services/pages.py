"""Pages of what waits or was: no more than a call may read, and than its answer may hold.

Called by the services that list. Never reads the store itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

PAGE_ROWS = 100  # read at once while looking for whose the caller's are
MAX_PAGES = 10  # looked through in a call; the caller goes on where it ended
# gRPC's 4 MiB, and room for the rest of the answer. By bytes and not by number alone, since an
# entry of 128 KiB may stand in an item three times: as it shall be, and before and after.
MAX_ITEMS_BYTES = 3 * 1_048_576

Item = TypeVar("Item")
Shown = TypeVar("Shown", bound=Message)


async def find_page(
    fetch: Callable[[str, int], Awaitable[Sequence[Item]]],
    is_wanted: Callable[[Item], bool],
    key_of: Callable[[Item], str],
    *,
    start: str,
    limit: int,
) -> tuple[list[Item], str]:
    """Items that are wanted, and the key to go on behind: empty once everything was looked at.

    `fetch` gives so many items behind a key. A bounded number is looked at, so a page may hold few
    or none and others follow, and the last one may be empty.
    """
    found: list[Item] = []
    key = start
    for _ in range(MAX_PAGES):
        page = await fetch(key, PAGE_ROWS)
        for item in page:
            key = key_of(item)
            found += [item] if is_wanted(item) else []
            if len(found) == limit:
                return found, key
        if len(page) < PAGE_ROWS:
            return found, ""
    return found, key


def end_by_bytes(
    messages: Sequence[Shown], key_of: Callable[[Shown], str], next_key: str
) -> tuple[list[Shown], str]:
    """What fits into an answer, and the key to go on behind: the given one where all of it does."""
    count = count_fitting(messages)
    if count == len(messages):
        return list(messages), next_key
    return list(messages[:count]), key_of(messages[count - 1])


def count_fitting(messages: Iterable[Message]) -> int:
    """How many fit into an answer; the first one always does."""
    count = size_bytes = 0
    for message in messages:
        size_bytes += message.ByteSize()
        if count and size_bytes > MAX_ITEMS_BYTES:
            break
        count += 1
    return count
