"""Country codes and scripts: given where certain, and only there."""

from __future__ import annotations

import pytest

from agency_client.un_list.countries import country_code
from agency_client.un_list.scripts import script_of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Democratic People's Republic of Korea", "KP"),
        ("Democratic People’s Republic of Korea", "KP"),
        ("Democratic Republic of the Congo", "CD"),
        ("Congo", "CG"),
        ("The Netherlands", "NL"),
        ("United Kingdom of Great Britain and Northern\n      Ireland", "GB"),
        ("Namibia", "NA"),
        ("Norway", "NO"),
        ("Kosovo", "XK"),
        ("USSR", ""),
        ("Yugoslavia", ""),
        ("Korea", ""),
        ("Malta (in custody)", ""),
        ("Chad/Niger", ""),
        ("Possibly Kenyan", ""),
        ("na", ""),
        ("", ""),
    ],
)
def test_country_code_is_given_only_where_certain(text: str, code: str) -> None:
    assert code == country_code(text)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("EXAMPLE", "Latn"),
        ("مثال م. عيّنة", "Arab"),
        ("Пример", "Cyrl"),
        ("예시", "Hang"),
        ("样本·示例", "Hani"),
        ("ናሙና (Tigrinya)", "Ethi"),
        ("דוגמה", "Hebr"),
        ("Exemplar Пр", "Latn"),
        ("(only here)", "Latn"),
        ("ab пр", "Latn"),
        ("00 – 1", ""),
        ("", ""),
    ],
)
def test_script_of_is_the_one_that_most_letters_have(text: str, script: str) -> None:
    assert script == script_of(text)
