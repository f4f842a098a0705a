"""Identity documents in a notice: their form, and that their machine-readable zones fit them."""

from __future__ import annotations

from collections.abc import Iterator

from comity.content.names import country_violations
from comity.errors import Violation
from comity.machine_readable_zone.agreement import document_violations
from comity.v1 import notices_pb2 as pb


def _document(document: pb.IdentityDocument, field: str) -> Iterator[Violation]:
    yield from country_violations(document.issuing_country, f"{field}.issuing_country")
    if document.machine_readable_zone:
        yield from document_violations(document, field)


FORMS = {"comity.v1.IdentityDocument": _document}
