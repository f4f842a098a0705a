"""What of a listed subject has been taken over into a notice, and what is left.

Whatever the mapping does not take is kept as a source element, so that nothing is dropped even
where the list gains elements that this release does not know. Never alters a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agency_client.un_list.source import Element
from comity.v1 import notices_pb2 as pb


class Reading:
    """One pass over a listed subject, in which each text is taken once."""

    def __init__(self, source: Element) -> None:
        self.source = source
        # The tree is frozen and lives as long as this pass, so that ids tell its elements apart.
        self._taken: set[int] = set()

    def take(self, parent: Element, tag: str) -> str:
        """Takes the text of the first child of that tag that has one, else an empty text."""
        return next(self._take_each(parent.every(tag)), "")

    def take_values(self, tag: str) -> list[str]:
        """Takes the texts of the VALUE elements below the children of that tag."""
        holders = self.source.every(tag)
        return [text for holder in holders for text in self._take_each(holder.every("VALUE"))]

    def _take_each(self, elements: Iterator[Element]) -> Iterator[str]:
        for element in elements:
            if element.text and id(element) not in self._taken:
                self._taken.add(id(element))
                yield element.text

    def left_over(self) -> list[pb.SourceElement]:
        """Every text and attribute that nobody took, in the order of the source."""
        return list(self._left_below(self.source, ""))

    def _left_below(self, element: Element, path: str) -> Iterator[pb.SourceElement]:
        if element.text and id(element) not in self._taken:
            yield pb.SourceElement(path=path or ".", text=element.text)
        for name, value in element.attributes:
            if value.strip():
                yield pb.SourceElement(path=f"{path}/@{name}".lstrip("/"), text=value.strip())
        for step, child in _steps(element):
            yield from self._left_below(child, f"{path}/{step}".lstrip("/"))


def _steps(parent: Element) -> Iterator[tuple[str, Element]]:
    """The children, each with its step of an XPath: numbered from 1 where a tag is repeated."""
    totals = Counter(child.tag for child in parent.children)
    numbers: Counter[str] = Counter()
    for child in parent.children:
        numbers[child.tag] += 1
        repeated = totals[child.tag] > 1
        yield (f"{child.tag}[{numbers[child.tag]}]" if repeated else child.tag), child
