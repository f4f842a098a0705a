"""Who is called what: a new entry with the name of one that is there is probably that one.

Called by imports, under the lock on the ledger's head for what is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from comity.v1 import authorities_pb2
from directory.store.connection import Connection
from directory.store.countries import list_entries_of, list_new_of

Key = tuple[str, str]  # a country, and a name that binds, folded


@dataclass(frozen=True, slots=True)
class Namesakes:
    """By country and name: the ids of entries in effect, and of proposals of new ones that wait."""

    entries: Mapping[Key, str] = field(default_factory=dict)
    proposals: Mapping[Key, str] = field(default_factory=dict)


async def load_namesakes(connection: Connection, countries: Collection[str]) -> Namesakes:
    """The names in some countries; nothing is read for none."""
    if not countries:
        return Namesakes()
    entries = await list_entries_of(connection, countries)
    waiting = await list_new_of(connection, countries)
    return Namesakes(
        {key: each.authority_id for each in entries if (key := name_key(each))},
        {key: proposal_id for proposal_id, each in waiting if (key := name_key(each))},
    )


def name_key(authority: authorities_pb2.Authority) -> Key | None:
    """What an entry is known by where it has no id; None without a name that binds.

    Letters of another case or width and other spaces are the same name (NFKC).
    """
    name = next((each.text for each in authority.names if each.original), "")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    words = " ".join(folded.split())
    return (authority.country, words) if words else None
