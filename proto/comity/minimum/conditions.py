"""The conditions of rules, as data, compiled to functions of a notice and an item of it.

    { all = [..] }  { any = [..] }  { not = .. }  { is = "definition" }
    { some = "names[]", meets = .. }        one item of the list meets it
    { path = "sex", present = true }        something is set there
    { path = "kind", in = ["RED"] }         one value is among these codes
    { path = "version", at_least = 2 }      one number is as large
    { path = "subjects", count_at_most = 1 }  no more stand there
    { path = .., before = .. } and `after`  every date of both certainly lies so
    { path = .., age_below = { years = 18, on = "/issued_at" } }     certainly, by every birth
    { path = .., years_after = { of = "/issued_at", more_than = 5 } }
    { path = .., penalty_at_least = { years = 2 } }   and `penalty_longer_than = "imposed"`
    { path = .., words = "character" }      one text has a word of the list

Whatever is not known here is refused. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from reprlib import repr as short
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from comity.minimum.bounds import MAX_DEPTH, MAX_LISTS, Budget
from comity.minimum.days import is_certainly_below, is_longer_after, span_from
from comity.minimum.paths import Path, Values, parse_path, values_of
from comity.v1 import notices_pb2 as pb

Condition = Callable[[Any, Any], bool]

NOTICE: Descriptor = pb.Notice.DESCRIPTOR
MONTH_DAYS, YEAR_DAYS = 30, 360  # twelve months are a year, whatever months they are
_FOR_LIFE = 10**9
_DATES = ("CalendarDate", "PartialDate", "Timestamp")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What conditions may name, definitions and lists of words; and what they may cost."""

    definitions: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)


def compile_condition(data: Any, item: Descriptor, known: Vocabulary) -> Condition:
    """The function of a condition over items of a kind of message.

    Raises: ValueError that says what is wrong with it.
    """
    return _Compiler(item, known).condition(data)


def uses_words(data: Any, known: Vocabulary) -> bool:
    """Whether a condition that compiles looks at words, its definitions included."""
    if isinstance(data, list):
        return any(uses_words(part, known) for part in data)
    if not isinstance(data, Mapping):
        return False
    if "is" in data:
        return uses_words(known.definitions[data["is"]], known)
    return "words" in data or any(uses_words(part, known) for part in data.values())


def code_number(codes: FieldDescriptor, name: str) -> int:
    """The number of a code by its short name: RED for NOTICE_KIND_RED.

    Raises: ValueError.
    """
    kind = codes.enum_type
    if kind is None:
        raise ValueError(f"{codes.name} has no codes")
    prefix = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
    value = kind.values_by_name.get(prefix + name)
    if value is None or not value.number:
        raise ValueError(f"{name!r} is no code of {codes.name}")
    return value.number


class _Compiler:
    """Compiles conditions over one kind of item; `within` are the definitions around them."""

    def __init__(
        self,
        item: Descriptor,
        known: Vocabulary,
        *,
        within: tuple[str, ...] = (),
        depth: int = 0,
        lists: int = 0,
    ) -> None:
        self._item = item
        self._known = known
        self._within = within
        self._depth = depth
        self._lists = lists

    def condition(self, data: Any) -> Condition:
        if not isinstance(data, Mapping):
            raise ValueError(f"{short(data)} is no condition")
        if self._depth >= MAX_DEPTH:
            raise ValueError(f"conditions within conditions are deeper than {MAX_DEPTH}")
        self._known.budget.spend(lists=self._lists)
        self._depth += 1
        try:
            return self._condition(data)
        finally:
            self._depth -= 1

    def _condition(self, data: Mapping[str, Any]) -> Condition:
        keys = set(data)
        if keys == {"some", "meets"}:
            return self._some(data["some"], data["meets"])
        if keys in ({"all"}, {"any"}, {"not"}, {"is"}):
            [(key, value)] = data.items()
            return _COMBINING[key](self, value)
        tests = keys - {"path"}
        if "path" not in keys or len(tests) != 1 or not tests <= set(_TESTS):
            raise ValueError(f"{short(sorted(keys))} is no condition")
        [test] = tests
        return _TESTS[test](self, self.path(data["path"]), data[test])

    def path(self, text: Any) -> Path:
        if not isinstance(text, str):
            raise ValueError(f"{short(text)} is no path")
        return parse_path(text, NOTICE, self._item)

    def all(self, data: Any) -> Condition:
        parts = tuple(self._parts(data))

        def holds(notice: Any, item: Any) -> bool:
            for part in parts:  # noqa: SIM110 - a generator costs more than the whole loop
                if not part(notice, item):
                    return False
            return True

        return holds

    def any(self, data: Any) -> Condition:
        parts = tuple(self._parts(data))

        def holds(notice: Any, item: Any) -> bool:
            for part in parts:  # noqa: SIM110 - as above
                if part(notice, item):
                    return True
            return False

        return holds

    def negation(self, data: Any) -> Condition:
        part = self.condition(data)
        return lambda notice, item: not part(notice, item)

    def definition(self, name: Any) -> Condition:
        if not isinstance(name, str) or name not in self._known.definitions:
            raise ValueError(f"{short(name)} is defined nowhere")
        if name in self._within:
            raise ValueError(f"{name!r} is defined by itself")
        inner = _Compiler(
            self._item,
            self._known,
            within=(*self._within, name),
            depth=self._depth,
            lists=self._lists,
        )
        return inner.condition(self._known.definitions[name])

    def _parts(self, data: Any) -> list[Condition]:
        if not isinstance(data, list) or not data:
            raise ValueError("a list of conditions is missing")
        return [self.condition(part) for part in data]

    def _some(self, text: Any, data: Any) -> Condition:
        path = self.path(text)
        if path.field.message_type is None:
            raise ValueError(f"{text!r} holds no messages")
        if self._lists >= MAX_LISTS:
            raise ValueError(f"lists within lists are deeper than {MAX_LISTS}")
        values = values_of(path)
        inner = _Compiler(
            path.field.message_type,
            self._known,
            within=self._within,
            depth=self._depth,
            lists=self._lists + 1,
        )
        part = inner.condition(data)
        return lambda notice, item: any(part(notice, one) for one in values(notice, item))

    def present(self, path: Path, wanted: Any) -> Condition:
        if not isinstance(wanted, bool):
            raise ValueError("present is true or false")
        values = values_of(path)
        return lambda notice, item: any(map(_is_set, values(notice, item))) is wanted

    def among(self, path: Path, names: Any) -> Condition:
        if not isinstance(names, list) or not names:
            raise ValueError("a list of codes is missing")
        codes = frozenset(code_number(path.field, str(name)) for name in names)
        values = values_of(path)
        return lambda notice, item: not codes.isdisjoint(values(notice, item))

    def at_least(self, path: Path, least: Any) -> Condition:
        if not _is_count(least) or path.field.cpp_type not in _NUMBERS:
            raise ValueError("at_least compares numbers")
        values = values_of(path)
        return lambda notice, item: any(value >= least for value in values(notice, item))

    def count_at_most(self, path: Path, most: Any) -> Condition:
        if not _is_count(most):
            raise ValueError("count_at_most is a number")
        values = values_of(path)
        return lambda notice, item: len(values(notice, item)) <= most

    def before(self, path: Path, other: Any) -> Condition:
        left, right = self._days(path), self._days(self.path(other))
        return lambda notice, item: _is_before(left(notice, item), right(notice, item))

    def after(self, path: Path, other: Any) -> Condition:
        left, right = self._days(path), self._days(self.path(other))
        return lambda notice, item: _is_before(right(notice, item), left(notice, item))

    def _days(self, path: Path) -> Values:
        _require_type(path, *_DATES)
        return values_of(path)

    def age_below(self, path: Path, data: Any) -> Condition:
        years, on = _terms(data, "years", "on")
        births, days = self._days(path), self._days(self.path(on))

        def holds(notice: Any, item: Any) -> bool:
            spans = [span_from(birth) for birth in births(notice, item)]
            today = next(iter(map(span_from, days(notice, item))), None)
            return (
                today is not None
                and bool(spans)
                and all(
                    span is not None and is_certainly_below(span, years=years, on=today)
                    for span in spans
                )
            )

        return holds

    def years_after(self, path: Path, data: Any) -> Condition:
        years, of = _terms(data, "more_than", "of")
        start = self.path(of)
        for one in (path, start):
            _require_type(one, "Timestamp")
        times, starts = values_of(path), values_of(start)
        return lambda notice, item: any(
            is_longer_after(time, first, years=years)
            for time in times(notice, item)
            for first in starts(notice, item)
        )

    def penalty_at_least(self, path: Path, data: Any) -> Condition:
        _require_type(path, "Penalty")
        least, values = penalty_days(_penalty(data)), values_of(path)
        return lambda notice, item: any(penalty_days(p) >= least for p in values(notice, item))

    def penalty_longer_than(self, path: Path, other: Any) -> Condition:
        than = self.path(other)
        for one in (path, than):
            _require_type(one, "Penalty")
        left, right = values_of(path), values_of(than)
        return lambda notice, item: any(
            penalty_days(one) > penalty_days(most)
            for one in left(notice, item)
            for most in right(notice, item)
        )

    def words(self, path: Path, name: Any) -> Condition:
        if not isinstance(name, str) or name not in self._known.words:
            raise ValueError(f"{short(name)} is no list of words")
        self._known.budget.spend(len(self._known.words[name]), lists=self._lists)
        words = "|".join(map(re.escape, self._known.words[name]))
        pattern = re.compile(rf"\b(?:{words})", re.IGNORECASE)
        values = values_of(path)
        return lambda notice, item: any(pattern.search(_text(v)) for v in values(notice, item))


def penalty_days(penalty: pb.Penalty) -> int:
    """The length of a penalty, to be compared with others."""
    if penalty.life or penalty.death:
        return _FOR_LIFE
    return penalty.years * YEAR_DAYS + penalty.months * MONTH_DAYS + penalty.days


def _penalty(data: Any) -> pb.Penalty:
    if not isinstance(data, Mapping) or not data or not set(data) <= {"years", "months", "days"}:
        raise ValueError("a penalty has years, months or days")
    if not all(map(_is_count, data.values())):
        raise ValueError("a penalty is counted in whole years, months or days")
    return pb.Penalty(**data)


def _is_set(value: Any) -> bool:
    if isinstance(value, str):
        return any(map(str.isalnum, value))  # a dash or an invisible character says nothing
    if isinstance(value, Message):
        return bool(value.ListFields())
    return bool(value)


def _is_before(earlier: Sequence[Any], later: Sequence[Any]) -> bool:
    if not earlier or not later:
        return False
    left, right = [*map(span_from, earlier)], [*map(span_from, later)]
    return all(
        one is not None and other is not None and one[1] < other[0]
        for one in left
        for other in right
    )


def _require_type(path: Path, *names: str) -> None:
    if path.field.message_type is None or path.field.message_type.name not in names:
        raise ValueError(f"{path.field.name} is none of {', '.join(names)}")


def _terms(data: Any, count: str, text: str) -> tuple[int, str]:
    if not isinstance(data, Mapping) or set(data) != {count, text} or not _is_count(data[count]):
        raise ValueError(f"{count} and {text} are needed, and nothing else")
    return data[count], str(data[text])


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: Any) -> str:
    return value.text if isinstance(value, pb.LocalizedText) else str(value)


_NUMBERS = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT64,
)
_COMBINING: Mapping[str, Callable[[_Compiler, Any], Condition]] = {
    "all": _Compiler.all,
    "any": _Compiler.any,
    "not": _Compiler.negation,
    "is": _Compiler.definition,
}
_TESTS: Mapping[str, Callable[[_Compiler, Path, Any], Condition]] = {
    "present": _Compiler.present,
    "in": _Compiler.among,
    "at_least": _Compiler.at_least,
    "count_at_most": _Compiler.count_at_most,
    "before": _Compiler.before,
    "after": _Compiler.after,
    "age_below": _Compiler.age_below,
    "years_after": _Compiler.years_after,
    "penalty_at_least": _Compiler.penalty_at_least,
    "penalty_longer_than": _Compiler.penalty_longer_than,
    "words": _Compiler.words,
}
