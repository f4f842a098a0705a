"""What is printed of entries: by country, a heading for each, every field in the reader's language.

Gives the data of `templates/authorities.typ`; `typeset` makes pages of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from comity.times import datetime_from_timestamp
from comity.v1 import authorities_pb2 as pb
from directory.catalogue import names
from directory.files.watermark import Watermark
from directory.rendering import render_authority, title_of

RIGHT_TO_LEFT = frozenset({"ar"})
# Numbers, addresses and names in Latin letters keep their own order among Arabic ones: else the
# groups of a telephone number come in the reverse.
_FROM_LEFT = re.compile(r"\+?[A-Za-z0-9](?:[ -~]*[A-Za-z0-9/])?[.)]*")
_ISOLATED = "\u2066{}\u2069"  # UAX #9: left-to-right isolate, and its end
_SCRIPTS = {
    "arabic": re.compile("[\u0600-\u06ff]"),
    "chinese": re.compile("[\u3400-\u9fff\uf900-\ufaff]"),
}
_WRITTEN_IN = {"arabic": "ar", "chinese": "zh"}


def document_of(
    records: Iterable[pb.AuthorityRecord], watermark: Watermark, language: str
) -> dict[str, Any]:
    """All that the template shows."""
    document = _document(records, watermark, language)
    if language in RIGHT_TO_LEFT:
        document["direction"] = "rtl"
        for name in ("title", "footer", "countries"):
            document[name] = _isolated(document[name])
    return document


def scripts_of(document: dict[str, Any]) -> frozenset[str]:
    """The scripts in a document that not every machine has a font for."""
    text = json.dumps(document, ensure_ascii=False)
    return frozenset(script for script, letters in _SCRIPTS.items() if letters.search(text))


def no_font_warning(script: str, language: str) -> str:
    """That a script is printed as empty boxes."""
    written = names.language_name(_WRITTEN_IN[script], language)
    return names.catalogue(language)["export"]["no_font"].format(written)


def _isolated(value: Any) -> Any:
    """Every text with what is read from the left kept together."""
    if isinstance(value, str):
        return _FROM_LEFT.sub(_isolated_run, value)
    if isinstance(value, list):
        return [_isolated(each) for each in value]
    return {name: _isolated(each) for name, each in value.items()}


def _isolated_run(match: re.Match[str]) -> str:
    """A run with the end of its sentence and its own brackets; others belong to what is around."""
    run = match[0].rstrip(".)")
    rest = match[0][len(run) :]
    closing = ")" if rest.startswith(")") and "(" in run else ""
    full_stop = "." if rest[len(closing) :].startswith(".") and " " in run else ""
    return _ISOLATED.format(run + closing + full_stop) + rest[len(closing + full_stop) :]


def _document(
    records: Iterable[pb.AuthorityRecord], watermark: Watermark, language: str
) -> dict[str, Any]:
    said = names.catalogue(language)["export"]
    by_country = sorted(records, key=lambda each: names.country_name(_country(each), language))
    return {
        "language": language,
        "direction": "ltr",
        "title": said["directory"],
        "footer": f"{watermark.text(language)} {said['not_interpol']}",
        "countries": [
            {
                "name": names.country_name(country, language),
                "authorities": [_entry(each, language) for each in group],
            }
            for country, group in groupby(by_country, key=_country)
        ],
    }


def _country(record: pb.AuthorityRecord) -> str:
    return record.authority.country


def _entry(record: pb.AuthorityRecord, language: str) -> dict[str, Any]:
    fields = render_authority(record.authority, language)
    shown = [
        {"label": each.label, "lines": list(each.lines)}
        for each in fields
        if each.name != "country"
    ]
    version = names.catalogue(language)["export"]["version"]
    return {
        "name": title_of(record.authority, language),
        "reference": f"{record.authority.authority_id}, {version} {record.version}",
        "notes": list(_notes(record, language)),
        "fields": shown,
    }


def _notes(record: pb.AuthorityRecord, language: str) -> Iterator[str]:
    """How far the entry could be relied on when it was printed: paper grows old."""
    said = names.catalogue(language)["export"]
    if record.freshness:
        yield names.name_of_value("freshness", record.freshness, language)
    verified = datetime_from_timestamp(record.last_verified.verified_at)
    if record.HasField("last_verified") and verified is not None:
        day = names.day_text(verified.date(), language)
        yield f"{names.label('last_verified', language)}: {day}"
    if record.keeper.kind:
        keeper = names.name_of_value("keeper", record.keeper.kind, language)
        yield f"{keeper} ({record.keeper.agency_id})"
    oldest = datetime_from_timestamp(record.oldest_report_at)
    if record.open_reports and oldest is not None:
        yield f"{said['reported']}: {names.day_text(oldest.date(), language)}"
    if record.contacts_withheld:
        yield said["withheld"]
