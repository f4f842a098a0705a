"""Identity documents in a notice: their form."""

from __future__ import annotations

from collections.abc import Iterator

from comity.content.names import country_violations
from comity.errors import Violation
from comity.v1 import notices_pb2 as pb


def _document(document: pb.IdentityDocument, field: str) -> Iterator[Violation]:
    yield from country_violations(document.issuing_country, f"{field}.issuing_country")
    for number, line in enumerate(document.machine_readable_zone):
        if not line.strip():
            yield Violation(f"{field}.machine_readable_zone[{number}]", "is empty")


FORMS = {"comity.v1.IdentityDocument": _document}
