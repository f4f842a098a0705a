"""Texts of an entry are plain: no markup, and nothing that a spreadsheet would run.

A cell that begins with =, @, +, - or a tab is a formula to a spreadsheet. Refusing it on the way in
keeps exports free of it whoever writes them; only values with a form of their own, numbers as in
+44 20 7946 0000, may begin with a plus sign. Source: OWASP, CSV Injection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from comity.errors import Violation

_TAG = re.compile(r"<\s*(?:[/!?]\s*)?[A-Za-z]|&#?[0-9A-Za-z]{2,10};")
# Behind a semicolon too: a spreadsheet of half of Europe begins a cell there, quoted or not.
_FORMULA = re.compile(r"(?:\A|;)\s*[=@+\-\t\uff1d\uff20\uff0b\uff0d]")
_WITH_A_FORM_OF_THEIR_OWN = frozenset({"comity.v1.ContactPoint.value"})


def plain_text_violations(message: Message, prefix: str = "") -> Iterator[Violation]:
    """The texts of a message and of what it holds that are not plain."""
    for field, value in message.ListFields():
        if field.cpp_type not in (FieldDescriptor.CPPTYPE_MESSAGE, FieldDescriptor.CPPTYPE_STRING):
            continue
        values = value if field.is_repeated else [value]
        for number, each in enumerate(values):
            path = f"{prefix}{field.name}" + (f"[{number}]" if field.is_repeated else "")
            if isinstance(each, Message):
                yield from plain_text_violations(each, f"{path}.")
            elif field.full_name not in _WITH_A_FORM_OF_THEIR_OWN:
                yield from _text_violations(each, path)


def _text_violations(text: str, path: str) -> Iterator[Violation]:
    if _TAG.search(text):
        yield Violation(path, "holds HTML; write plain text")
    if _FORMULA.search(text):
        yield Violation(
            path,
            "begins like a formula of a spreadsheet (=, @, + or -), or does so behind a semicolon",
        )
