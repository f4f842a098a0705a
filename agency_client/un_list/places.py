"""Addresses, places of birth and nationalities as the list gives them.

Called by the mapping. The country stays as written; a code stands beside it only where certain.
"""

from __future__ import annotations

from agency_client.un_list.countries import country_code
from agency_client.un_list.reading import Reading
from agency_client.un_list.source import Element
from comity.v1 import notices_pb2 as pb


def places(reading: Reading, tag: str) -> list[pb.Place]:
    """The places in the elements of that tag, without the empty ones."""
    found = (_place(reading, element) for element in reading.source.every(tag))
    return [place for place in found if place.ByteSize()]


def _place(reading: Reading, element: Element) -> pb.Place:
    country = reading.take(element, "COUNTRY")
    return pb.Place(
        country=country_code(country),
        country_text=country,
        region=reading.take(element, "STATE_PROVINCE"),
        city=reading.take(element, "CITY"),
        street=reading.take(element, "STREET"),
        postal_code=reading.take(element, "ZIP_CODE"),
        note=reading.take(element, "NOTE"),
    )


def nationalities(reading: Reading) -> list[pb.Nationality]:
    """The nationalities; the list does not say which of them are confirmed."""
    return [
        pb.Nationality(country=country_code(text), country_text=text)
        for text in reading.take_values("NATIONALITY")
    ]
