"""XML as an untrusted download: bytes become a small frozen tree, or are refused.

Called by the reader of the list. Never resolves an entity, reads a DTD or touches the network.

Expat is used directly, not through ElementTree: its handlers refuse a document type before any
entity in it could be declared, and the limits hold while the document is being read, so that a
hostile file costs no more memory than they allow. It also spares the client a dependency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from comity.errors import ListInvalid, Violation

MAX_LIST_BYTES = 16 * 1024 * 1024  # ten times the list of 2018, which has 1.6 MB
MAX_ELEMENTS = 400_000  # ten times the list of 2018, which has 41,876
MAX_DEPTH = 16  # the list nests five deep


@dataclass(frozen=True, slots=True)
class Element:
    """An XML element.

    `text` has no white space (as `str.strip` defines it) at its ends and is otherwise as written.
    """

    tag: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Element, ...] = ()
    line: int = field(default=0, compare=False)

    def every(self, tag: str) -> Iterator[Element]:
        """The children of that tag, in order."""
        return (child for child in self.children if child.tag == tag)

    def find_text(self, tag: str) -> str:
        """The text of the first child of that tag that has one, else an empty text."""
        return next((child.text for child in self.every(tag) if child.text), "")

    def find_attribute(self, name: str) -> str:
        """The value of an attribute, without white space at its ends, else an empty text."""
        return dict(self.attributes).get(name, "").strip()


def parse_document(data: bytes) -> Element:
    """The root element of an XML document.

    Raises: ListInvalid where it is too large, too deep, has a document type or is malformed.
    """
    if len(data) > MAX_LIST_BYTES:
        refuse_document(f"is larger than {MAX_LIST_BYTES:,} bytes")
    tree = _Tree()
    try:
        # In one piece: expat re-reads a long token from its start with every further piece.
        tree.parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        # Besides its own errors, expat lets those of the Python codec pass that it looks up for
        # an unusual encoding.
        refuse_document(f"is no well-formed XML: {error}")
    return tree.root


def refuse_document(description: str) -> NoReturn:
    """Refuses the document as a whole."""
    raise ListInvalid(violations=[Violation("document", description)])


@dataclass(slots=True)
class _Open:
    """An element whose end has not been read yet."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    line: int
    texts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    def close(self) -> Element:
        text = "".join(self.texts).strip()
        children = tuple(self.children)
        return Element(self.tag, text, self.attributes, children, line=self.line)


class _Tree:
    """Builds the tree while expat reads."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse_document_type
        self.parser.EntityDeclHandler = self._refuse_document_type
        self.parser.ExternalEntityRefHandler = self._refuse_document_type
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._open = [_Open("", (), 0)]
        self._element_count = 0

    @property
    def root(self) -> Element:
        return self._open[0].children[0]

    def _refuse_document_type(self, *_: object) -> NoReturn:
        refuse_document("has a document type or entities, which the list never has")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._element_count += 1
        if self._element_count > MAX_ELEMENTS:
            refuse_document(f"has more than {MAX_ELEMENTS:,} elements")
        if len(self._open) > MAX_DEPTH:
            refuse_document(f"nests its elements more than {MAX_DEPTH} deep")
        line = self.parser.CurrentLineNumber
        self._open.append(_Open(tag, tuple(attributes.items()), line))

    def _end(self, _: str) -> None:
        closed = self._open.pop().close()
        self._open[-1].children.append(closed)

    def _text(self, text: str) -> None:
        self._open[-1].texts.append(text)
