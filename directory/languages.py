"""Languages by their ISO 639 codes, and those that the directory shows itself in."""

from __future__ import annotations

from functools import cache

from babel import Locale

# The official languages of the United Nations, and Portuguese. Each has a file in `catalogue/`.
SHOWN_LANGUAGES = ("en", "fr", "es", "pt", "ar", "ru", "zh")

_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "root"})


def is_language_code(code: str) -> bool:
    """Whether CLDR names the language of a code: ISO 639-1 where there is one, else 639-2/3."""
    return code in _language_codes()


@cache
def _language_codes() -> frozenset[str]:
    codes = {str(code) for code in Locale("en").languages}
    return frozenset(code for code in codes if code.isalpha() and code not in _NO_LANGUAGE)
