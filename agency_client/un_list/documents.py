"""Identity documents as the list gives them. Called by the mapping; never cleans a number."""

from __future__ import annotations

from agency_client.un_list.countries import country_code
from agency_client.un_list.dates import partial_date
from agency_client.un_list.reading import Reading
from agency_client.un_list.source import Element
from comity.v1 import notices_pb2 as pb

_TYPES = {
    "passport": pb.DOCUMENT_TYPE_PASSPORT,
    "numéro de passeport": pb.DOCUMENT_TYPE_PASSPORT,
    "número de pasaporte": pb.DOCUMENT_TYPE_PASSPORT,
    "national identification number": pb.DOCUMENT_TYPE_NATIONAL_NUMBER,
    "national identification no.": pb.DOCUMENT_TYPE_NATIONAL_NUMBER,
}


def documents(reading: Reading) -> list[pb.IdentityDocument]:
    """The documents of a person, without the empty ones."""
    elements = reading.source.every("INDIVIDUAL_DOCUMENT")
    found = (_document(reading, element) for element in elements)
    return [document for document in found if document.ByteSize()]


def _document(reading: Reading, element: Element) -> pb.IdentityDocument:
    issuing_country = reading.take(element, "ISSUING_COUNTRY")
    document = pb.IdentityDocument(
        type_text=reading.take(element, "TYPE_OF_DOCUMENT"),
        second_type_text=reading.take(element, "TYPE_OF_DOCUMENT2"),
        number=reading.take(element, "NUMBER"),
        issuing_country=country_code(issuing_country),
        issuing_country_text=issuing_country,
        note=reading.take(element, "NOTE"),
    )
    city = reading.take(element, "CITY_OF_ISSUE")
    country = reading.take(element, "COUNTRY_OF_ISSUE")
    if city or country:
        place = pb.Place(country=country_code(country), country_text=country, city=city)
        document.place_of_issue.CopyFrom(place)
    if issued := reading.take(element, "DATE_OF_ISSUE"):
        document.issued_on.CopyFrom(partial_date(issued))
    if document.ByteSize():
        document.type = _document_type(document)
    return document


def _document_type(document: pb.IdentityDocument) -> pb.DocumentType.ValueType:
    """The list's own class. A second type is free text and often contradicts the first."""
    text = document.type_text or document.second_type_text
    return _TYPES.get(text.lower(), pb.DOCUMENT_TYPE_OTHER)
