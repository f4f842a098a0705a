"""What becomes of the rows of a file: new, changed, as it was, or at fault, and then why.

The same judgement for a trial and, under the lock on the ledger's head, for what is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from google.protobuf.message import Message

from comity.errors import ComityError, MalformedInput, NotPermitted
from comity.identity import AgencyId
from comity.texts import MAX_ITEMS
from comity.v1 import authorities_pb2
from directory.entry import MAX_AUTHORITY_BYTES, authority_violations
from directory.files.columns import column_of, form_of
from directory.files.rows import Fault, Row
from directory.services.changes import keeper_for
from directory.services.keepers import Keepers
from directory.services.namesakes import Key, Namesakes, name_key
from directory.store.authorities import StoredAuthority

MAX_ROW_FAULTS = 50  # of one row; whoever mends so many sees the rest the next time


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that a row proposes, made from a version, and who keeps it."""

    authority: authorities_pb2.Authority
    base_version: int
    keeper: authorities_pb2.Keeper


@dataclass(slots=True)
class Judgement:
    """What the rows of a file come to."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    changes: list[Change] = field(default_factory=list)
    faults: list[tuple[int, Fault]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RowJudge:
    """Judges rows against the entries that there are, for an agency that proposes them."""

    keepers: Keepers
    existing: Mapping[str, StoredAuthority]
    namesakes: Namesakes
    agency: AgencyId
    asked: authorities_pb2.Keeper

    def judge(self, rows: Iterable[Row]) -> Judgement:
        """Every row, in its order. Nothing is written."""
        judged = Judgement()
        for row in rows:
            faults = list(row.faults)
            if not faults:
                faults = self._take(row, judged)
            judged.faults += [(row.number, fault) for fault in faults]
        return judged

    def _take(self, row: Row, judged: Judgement) -> list[Fault]:
        """1. The agency keeps the entry. 2. Nothing was left out of it when it was exported. 3. It
        was made from the newest version, and stays in its country; a new one is not there under
        another id. 4. It changes something."""
        existing = self.existing.get(row.authority.authority_id)
        try:
            keeper = keeper_for(  # 1
                self.keepers,
                existing,
                asked=self.asked,
                country=row.authority.country,
                agency=self.agency,
            )
        except (NotPermitted, MalformedInput) as error:
            return [_fault_from(error)]
        if row.is_withheld:  # 2
            return [_WITHHELD]
        base = existing.version if existing else 0
        if existing is not None and _is_same(existing.authority, row.authority):  # 4
            judged.unchanged += 1
            return []
        faults = [  # 3
            *_state_faults(row, existing),
            *(_namesake_faults(row, self.namesakes) if existing is None else ()),
        ]
        if not faults:
            judged.new += existing is None
            judged.changed += existing is not None
            judged.changes.append(Change(row.authority, base, keeper))
        return faults


def add_form_faults(rows: Sequence[Row], *, is_table: bool) -> None:
    """Adds to every row what is wrong with the form of its entry, and ids that stand twice."""
    seen: dict[str, int] = {}
    for row in rows:
        unread = {fault.field for fault in row.faults}
        # What could not be read is not missing.
        if is_table or not unread:
            found = _form_faults(row.authority, is_table=is_table)
            row.faults += [each for each in found if each.field.partition(",")[0] not in unread]
        first = seen.setdefault(row.authority.authority_id, row.number)
        if first != row.number:
            wrong = f"stands in row {first} already"
            row.faults.append(Fault("authority_id", wrong, "one row an entry"))


def add_ids(rows: Sequence[Row], new_id: Callable[[], str]) -> None:
    """Gives new entries an id. One that is called as another of the file is probably that one."""
    names: dict[Key, int] = {}
    for row in rows:
        if row.authority.authority_id or not row.authority.names:
            continue
        key = name_key(row.authority)
        first = row.number if key is None else names.setdefault(key, row.number)
        if first != row.number:
            wrong = f"is missing, and row {first} is called the same"
            row.faults.append(Fault("authority_id", wrong, "one row an entry"))
        row.authority.authority_id = new_id()
        row.lacks_id = True


_WITHHELD = Fault(
    "withheld",
    "personal contact details were left out of this export: to import it would delete them",
    "an export by an officer who is shown them",
)


def _form_faults(authority: authorities_pb2.Authority, *, is_table: bool) -> Iterator[Fault]:
    if authority.ByteSize() > MAX_AUTHORITY_BYTES:
        limit = f"at most {MAX_AUTHORITY_BYTES:,} bytes"
        yield Fault("row" if is_table else "entry", f"has {authority.ByteSize():,} bytes", limit)
        return
    long = _find_long_list(authority)
    if long is not None:
        # What is in it is not looked at: some checks compare every item with every other.
        place = column_of(long) if is_table else long
        yield Fault(place, f"has more than {MAX_ITEMS:,} items", f"at most {MAX_ITEMS:,}")
        return
    for violation in islice(authority_violations(authority), MAX_ROW_FAULTS):
        wrong, _, right = violation.description.partition(": ")
        form = form_of(violation.field)
        if right and is_table and form:
            right = f"{right}. Such as: {form}"
        place = column_of(violation.field) if is_table else violation.field
        yield Fault(place, wrong, right or form)


def _find_long_list(message: Message, prefix: str = "") -> str | None:
    """The first list that no entry can have."""
    for descriptor, value in message.ListFields():
        path = f"{prefix}{descriptor.name}"
        if descriptor.is_repeated and len(value) > MAX_ITEMS:
            return path
        if descriptor.message_type is None:
            continue
        for each in value if descriptor.is_repeated else [value]:
            found = _find_long_list(each, f"{path}.")
            if found is not None:
                return found
    return None


def _state_faults(row: Row, existing: StoredAuthority | None) -> Iterator[Fault]:
    if existing is None:
        if row.version:
            yield Fault("version", "there is no such entry", "empty for a new entry")
        return
    if not row.version:
        right = f"the version that you have changed; the newest is {existing.version}"
        yield Fault("version", "is missing: the entry is there already", right)
    elif row.version != existing.version:
        right = f"export it again and change version {existing.version}"
        yield Fault("version", "is not the newest: the entry was changed since", right)
    before = existing.authority.country
    if row.authority.country != before:
        yield Fault("country", "is another: an entry belongs to one country", before)


def _namesake_faults(row: Row, namesakes: Namesakes) -> Iterator[Fault]:
    """A new entry that is called as one in effect, or as a new one that waits."""
    key = name_key(row.authority)
    if key is None:
        return
    wrong = "is missing" if row.lacks_id else "is new"
    if key in namesakes.entries:
        said = f"{wrong}, and {namesakes.entries[key]} is called the same"
        yield Fault("authority_id", said, "that id with its version, or another name")
    elif key in namesakes.proposals:
        said = f"{wrong}, and proposal {namesakes.proposals[key]} waits with the same name"
        yield Fault("authority_id", said, "approve or refuse that proposal first")


def _is_same(before: authorities_pb2.Authority, after: authorities_pb2.Authority) -> bool:
    """Whether both say the same; a territory that says nothing is none."""
    first, second = authorities_pb2.Authority(), authorities_pb2.Authority()
    for copy, authority in ((first, before), (second, after)):
        copy.CopyFrom(authority)
        if not copy.territory.ListFields():
            copy.ClearField("territory")
    return first == second


def _fault_from(error: ComityError) -> Fault:
    if not error.violations:
        return Fault("country", error.message, "an entry that your agency keeps")
    violation = error.violations[0]
    return Fault(violation.field, violation.description)
