"""The script that a name is written in, read off its letters. Never guesses a language.

Called by the mapping of names. Source: ISO 15924; the Unicode name of a letter begins with the
name of its script.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

# First word of a Unicode character name -> ISO 15924. Han is Hani: neither simplified nor
# traditional can be told from single characters.
_CODES = {
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "BENGALI": "Beng",
    "BOPOMOFO": "Bopo",
    "CJK": "Hani",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "ETHIOPIC": "Ethi",
    "GEORGIAN": "Geor",
    "GREEK": "Grek",
    "GUJARATI": "Gujr",
    "GURMUKHI": "Guru",
    "HANGUL": "Hang",
    "HEBREW": "Hebr",
    "HIRAGANA": "Hira",
    "KANNADA": "Knda",
    "KATAKANA": "Kana",
    "KHMER": "Khmr",
    "LAO": "Laoo",
    "LATIN": "Latn",
    "MALAYALAM": "Mlym",
    "MONGOLIAN": "Mong",
    "MYANMAR": "Mymr",
    "NKO": "Nkoo",
    "ORIYA": "Orya",
    "SINHALA": "Sinh",
    "SYRIAC": "Syrc",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "THAANA": "Thaa",
    "THAI": "Thai",
    "TIBETAN": "Tibt",
    "TIFINAGH": "Tfng",
    "VAI": "Vaii",
}
_IN_BRACKETS = re.compile(r"\([^()]*\)")


def script_of(text: str) -> str:
    """The ISO 15924 code of the script that most letters have, else an empty text.

    What stands in brackets counts only where nothing else does: the list adds remarks there, in
    Latin letters. Of two scripts with as many letters, the first in the text.
    """
    return _major_script(_IN_BRACKETS.sub("", text)) or _major_script(text)


def _major_script(text: str) -> str:
    words = (unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
    counts = Counter(_CODES[word] for word in words if word in _CODES)
    return counts.most_common(1)[0][0] if counts else ""
