"""Exporting entries as a file: what the caller may see, for a case, on record before it leaves.

Bounded as look-ups are: an export counts as so many entries shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from comity.errors import MalformedInput, NotFound, Violation
from comity.texts import code_and_text_violations
from comity.v1 import authorities_pb2
from comity.v1 import directory_pb2 as pb
from directory.catalogue.names import catalogue
from directory.files.calendars import write_calendar
from directory.files.csv_rows import write_csv
from directory.files.json_entries import write_json
from directory.files.printing import document_of, no_font_warning, scripts_of
from directory.files.vcards import write_vcards
from directory.files.watermark import Watermark
from directory.known import KnownAuthority
from directory.languages import SHOWN_LANGUAGES
from directory.search.finding import MAX_PAGE
from directory.services.calls import Caller, officer_of
from directory.services.enquiries import require_enquiry
from directory.services.entries import Entries
from directory.services.limits import Limits
from directory.services.look_ups import LookUpService
from directory.services.typesetting import Typesetting

MAX_EXPORT_ENTRIES = 150  # less than a search ever gives, so that nothing is left out unseen
MAX_CASE_REFERENCE_CHARS = 80  # fits a line of every form
PART_BYTES = 262_144  # some parts for most files; a gRPC message stops at 4 MiB

MEDIA_TYPES = {
    pb.FILE_FORMAT_JSON: "application/json",
    pb.FILE_FORMAT_CSV: "text/csv; charset=utf-8",
    pb.FILE_FORMAT_VCARD: "text/vcard; charset=utf-8",
    pb.FILE_FORMAT_PDF: "application/pdf",
    pb.FILE_FORMAT_CALENDAR: "text/calendar; charset=utf-8",
}
_WRITERS: dict[
    int, Callable[[Sequence[authorities_pb2.AuthorityRecord], Watermark, str], bytes]
] = {
    pb.FILE_FORMAT_JSON: lambda records, mark, _: write_json(records, mark.head()),
    pb.FILE_FORMAT_CSV: lambda records, mark, language: write_csv(records, mark.text(language)),
    pb.FILE_FORMAT_VCARD: write_vcards,
    pb.FILE_FORMAT_CALENDAR: write_calendar,
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    warnings: Sequence[str]


class ExportService:
    """ExportAuthorities."""

    def __init__(
        self,
        entries: Entries,
        look_ups: LookUpService,
        *,
        limits: Limits,
        typesetting: Typesetting,
        clock: Callable[[], datetime],
    ) -> None:
        self._entries = entries
        self._look_ups = look_ups
        self._limits = limits
        self._typesetting = typesetting
        self._clock = clock

    async def export(
        self, caller: Caller, request: pb.ExportAuthoritiesRequest
    ) -> AsyncIterator[pb.ExportAuthoritiesResponse]:
        """1. What is asked for can be. 2. What it is of. 3. What the caller does not need is left
        out, and the access record is on disk. 4. Only then the file is made and leaves.

        Raises: MalformedInput, NotFound, TooLarge, QuotaExceeded, StoreUnavailable.
        """
        self._limits.count_call(caller)
        _require_export(request)  # 1
        await self._entries.refresh()
        now = self._clock()
        known = self._asked_for(request, now)  # 2
        records = [each.record(now) for each in known]
        shown = list(zip(records, known, strict=True))
        await self._look_ups.complete(  # 3
            caller, request.purpose, shown, case_reference=request.case_reference
        )
        mark = Watermark(caller.agency, officer_of(caller).officer_id, now, caller.request_id)
        made = await self._made(request.format, records, mark, request.language or "en")  # 4
        first = pb.ExportAuthoritiesResponse(
            media_type=MEDIA_TYPES[request.format], count=len(records), warnings=made.warnings
        )
        for start in range(0, len(made.content), PART_BYTES):
            first.part = made.content[start : start + PART_BYTES]
            yield first
            first = pb.ExportAuthoritiesResponse()

    def _asked_for(
        self, request: pb.ExportAuthoritiesRequest, now: datetime
    ) -> list[KnownAuthority]:
        """Raises: NotFound; MalformedInput where there are too many."""
        if request.authority_ids:
            return [self._entries.get(each) for each in request.authority_ids]
        found: list[KnownAuthority] = []
        cursor, is_cut = "", False
        while len(found) <= MAX_EXPORT_ENTRIES:
            page = self._entries.finder.find(request.filter, now=now, limit=MAX_PAGE, cursor=cursor)
            found += [each.known for each in page.found]
            cursor, is_cut = page.next_cursor, page.is_cut
            if not cursor:
                break
        if not found:
            raise NotFound("Nothing matches.")
        if is_cut or len(found) > MAX_EXPORT_ENTRIES:
            said = f"matches more than {MAX_EXPORT_ENTRIES} entries: narrow it"
            raise MalformedInput(violations=[Violation("filter", said)])
        return found

    async def _made(
        self,
        file_format: int,
        records: Sequence[authorities_pb2.AuthorityRecord],
        mark: Watermark,
        language: str,
    ) -> _File:
        """The file, made beside the event loop."""
        warnings = []
        if any(each.contacts_withheld for each in records):
            warnings.append(catalogue(language)["export"]["withheld"])
        if file_format == pb.FILE_FORMAT_PDF:
            document = await asyncio.to_thread(document_of, records, mark, language)
            printed = await self._typesetting.typeset(document, mark.at)
            missing = sorted(scripts_of(document) - printed.scripts)
            warnings += [no_font_warning(script, language) for script in missing]
            return _File(printed.content, warnings)
        content = await asyncio.to_thread(_WRITERS[file_format], records, mark, language)
        return _File(content, warnings)


def _require_export(request: pb.ExportAuthoritiesRequest) -> None:
    """Requires an export to be one that there can be.

    Raises: MalformedInput with everything at fault.
    """
    violations = code_and_text_violations(request)
    reference = request.case_reference
    if not reference.strip() or len(reference) > MAX_CASE_REFERENCE_CHARS:
        said = f"has 1 to {MAX_CASE_REFERENCE_CHARS} characters: the case that it is for"
        violations.append(Violation("case_reference", said))
    elif not reference.isprintable():
        violations.append(Violation("case_reference", "holds control characters"))
    if not request.format:
        violations.append(Violation("format", "is missing: JSON, CSV, vCard, PDF or calendar"))
    if request.language and request.language not in SHOWN_LANGUAGES:
        said = f"is not one of {', '.join(SHOWN_LANGUAGES)}"
        violations.append(Violation("language", said))
    violations += _selection_violations(request)
    try:
        require_enquiry(pb.FindAuthoritiesRequest(filter=request.filter))
    except MalformedInput as error:
        violations += error.violations
    if violations:
        raise MalformedInput(violations=list(dict.fromkeys(violations)))


def _selection_violations(request: pb.ExportAuthoritiesRequest) -> list[Violation]:
    ids = request.authority_ids
    has_filter = bool(request.filter.ListFields())
    if has_filter == bool(ids):
        return [Violation("filter", "is one way to say which entries, authority_ids the other")]
    if len(ids) > MAX_EXPORT_ENTRIES:
        return [Violation("authority_ids", f"names more than {MAX_EXPORT_ENTRIES}")]
    if len(set(ids)) < len(ids):
        return [Violation("authority_ids", "names an entry twice")]
    return []
