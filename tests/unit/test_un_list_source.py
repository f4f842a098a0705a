"""Hostile and broken XML: refused as one of ours, before it costs memory."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_client.un_list import load_list, parse_list, source
from agency_client.un_list.source import Element, parse_document
from comity.errors import ListInvalid

SAMPLE = Path(__file__).parents[2] / "docs/examples/un-list-sample.xml"

BILLION_LAUGHS = b"""<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;">]>
<CONSOLIDATED_LIST>&c;</CONSOLIDATED_LIST>"""
EXTERNAL_ENTITY = b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]><l>&x;</l>'
EXTERNAL_DTD = b'<!DOCTYPE l SYSTEM "http://example.org/list.dtd"><l/>'
PARAMETER_ENTITY = b'<!DOCTYPE l [<!ENTITY % p SYSTEM "http://example.org/p"> %p;]><l/>'
BARE_DOCUMENT_TYPE = b"<!DOCTYPE l><l/>"


@pytest.mark.parametrize(
    "data",
    [BILLION_LAUGHS, EXTERNAL_ENTITY, EXTERNAL_DTD, PARAMETER_ENTITY, BARE_DOCUMENT_TYPE],
)
@pytest.mark.threat("T72")
def test_parse_document_refuses_every_document_type(data: bytes) -> None:
    with pytest.raises(ListInvalid, match="document type"):
        parse_document(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a>",
        b"<a></b>",
        b"<a/><a/>",
        b"<a>&undefined;</a>",
        b"<a>\x00</a>",
        b"<a>\xff\xfe</a>",
        b'<?xml version="1.0" encoding="no-such-encoding"?><a/>',
        b'<?xml version="1.0" encoding="rot13"?><a/>',
        b"\x50\x4b\x03\x04",
    ],
)
def test_parse_document_refuses_malformed_xml(data: bytes) -> None:
    with pytest.raises(ListInvalid, match="no well-formed XML"):
        parse_document(data)


def test_parse_document_refuses_a_file_larger_than_the_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(source, "MAX_LIST_BYTES", 10)
    with pytest.raises(ListInvalid, match="larger than 10 bytes"):
        parse_document(b"<a>12345</a>")
    assert parse_document(b"<a>123</a>") == Element("a", "123")


def test_load_list_reads_no_more_of_a_file_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: a terabyte of zeros
    with pytest.raises(ListInvalid, match="larger than"):
        load_list(path)


def test_parse_document_refuses_more_elements_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "MAX_ELEMENTS", 3)
    with pytest.raises(ListInvalid, match="more than 3 elements"):
        parse_document(b"<a><b/><b/><b/></a>")
    assert len(parse_document(b"<a><b/><b/></a>").children) == 2


@pytest.mark.threat("T72")
def test_parse_document_refuses_elements_nested_too_deep() -> None:
    deep = source.MAX_DEPTH
    with pytest.raises(ListInvalid, match="deep"):
        parse_document(b"<a>" * (deep + 1) + b"</a>" * (deep + 1))
    parse_document(b"<a>" * deep + b"</a>" * deep)


def test_parse_document_trims_the_ends_of_a_text_and_nothing_else() -> None:
    root = parse_document("<a>\n \u00a0x  y\n   z\t</a>".encode())
    assert root.text == "x  y\n   z"


def test_parse_document_joins_a_text_that_a_comment_or_cdata_interrupts() -> None:
    assert parse_document(b"<a>x<!-- c -->y<![CDATA[<z>&]]></a>").text == "xy<z>&"


@settings(max_examples=100)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_parse_list_raises_only_our_error_on_arbitrary_bytes(data: bytes) -> None:
    with pytest.raises(ListInvalid):
        parse_list(data)


def test_parse_list_raises_only_our_error_on_a_damaged_list() -> None:
    whole = SAMPLE.read_bytes()
    chance = random.Random(9)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.choice(b"<>&/\"'A1 \n\xff\x00")
        try:
            parse_list(bytes(damaged))
        except ListInvalid as error:
            assert error.violations


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_parse_list_refuses_a_truncated_download(share: float) -> None:
    whole = SAMPLE.read_bytes()
    with pytest.raises(ListInvalid):
        parse_list(whole[: int(len(whole) * share)])
