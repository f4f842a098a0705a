"""A long sanctions list for trying things out: the invented sample, many times over."""

from __future__ import annotations

import re

_SUBJECTS = re.compile(r"<(INDIVIDUAL|ENTITY)>.*?</\1>", re.DOTALL)
_DATA_ID = re.compile(r"(<DATAID>\s*\d+)")
_REFERENCE = re.compile(r"(<REFERENCE_NUMBER>[^<]*?)(\s*</REFERENCE_NUMBER>)")


def lengthened(text: str, *, copies: int) -> str:
    """The list with every subject so many times, each under ids of its own."""

    def repeated(match: re.Match[str]) -> str:
        return "\n".join(_copy(match[0], number) for number in range(copies))

    return _SUBJECTS.sub(repeated, text)


def _copy(subject: str, number: int) -> str:
    subject = _DATA_ID.sub(rf"\g<1>{number:03}", subject, count=1)
    return _REFERENCE.sub(rf"\g<1>.{number:03}\g<2>", subject, count=1)
