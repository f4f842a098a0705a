"""Check digits of a machine-readable zone, and what a misread character may have been.

Source: ICAO Doc 9303-3 section 4.9: the weights 7, 3, 1 over and over, modulo 10.
"""

from __future__ import annotations

FILLER = "<"
_VALUES = {letter: value for value, letter in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_VALUES[FILLER] = 0
_WEIGHTS = (7, 3, 1)

# What optical readers take for each other.
DIGIT_FOR = {
    "O": "0",
    "Q": "0",
    "D": "0",
    "I": "1",
    "L": "1",
    "Z": "2",
    "S": "5",
    "G": "6",
    "B": "8",
}
LETTER_FOR = {"0": "O", "1": "I", "2": "Z", "5": "S", "6": "G", "8": "B"}
_MISREAD = {
    "0": "O", "O": "0", "1": "I", "I": "1", "2": "Z", "Z": "2",
    "5": "S", "S": "5", "6": "G", "G": "6", "8": "B", "B": "8",
}  # fmt: skip


def check_digit(text: str) -> str:
    """The check digit of characters of a zone."""
    return str(sum(_VALUES[each] * _WEIGHTS[place % 3] for place, each in enumerate(text)) % 10)


def misreadings(text: str, digit: str) -> list[tuple[int, str]]:
    """Each one character whose exchange for what it is mistaken for makes the check digit right.

    Places count from 0; the place after the text is the check digit's own, where only digits
    stand, as they do in a text that has no letters but misread ones.
    """
    has_letters = any(letter.isalpha() and letter not in DIGIT_FOR for letter in text)
    found = []
    for place, letter in enumerate(text + digit):
        other = _MISREAD.get(letter)
        if other is None or (other.isalpha() and (place == len(text) or not has_letters)):
            continue
        changed = (text + digit)[:place] + other + (text + digit)[place + 1 :]
        if check_digit(changed[:-1]) == changed[-1]:
            found.append((place, other))
    return found
