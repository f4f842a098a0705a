"""Drafts: notices in files, as people and other systems write them.

A file holds the protobuf JSON of a Notice; a file that ends in .jsonl holds one to a line. What is
left out (id, version, times) is filled in when it is signed. Keys that begin with "//" explain and
are dropped (`explained_json.py`). Everything at fault is said at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.json_format import ParseDict, ParseError

from agency_client.draft_form import form_violations, json_path
from agency_client.explained_json import parse_explained
from comity.errors import ComityError, MalformedInput, Violation
from comity.v1.notices_pb2 import TRAFFIC_EXERCISE, TRAFFIC_LIVE, Notice, Traffic

MAX_DRAFT_BYTES = 4_194_304  # a notice at its limit, as JSON with every character escaped
LINES_SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice as a file has it, and where it stood."""

    source: str
    notice: Notice


def load_drafts(paths: Sequence[Path], *, traffic: Traffic.ValueType) -> list[Draft]:
    """The drafts in files, of one traffic.

    Raises: MalformedInput with what is wrong with every file.
    """
    drafts, violations = read_drafts(paths, traffic=traffic)
    if violations:
        raise MalformedInput("Not every file can be read.", violations=violations)
    return drafts


def read_drafts(
    paths: Sequence[Path], *, traffic: Traffic.ValueType
) -> tuple[list[Draft], list[Violation]]:
    """The drafts in files, of one traffic, and what is wrong with the files that hold none.

    Raises: MalformedInput where nothing is wrong, and no notice there.
    """
    drafts: list[Draft] = []
    violations: list[Violation] = []
    for path in paths:
        for source, text in _documents(path, violations):
            try:
                notice = parse_draft(text)
                _set_traffic(notice, traffic)
                drafts.append(Draft(source, notice))
            except ComityError as error:
                violations += faults_under(source, error)
    if not drafts and not violations:
        raise MalformedInput("The files hold no notice.")
    return drafts, violations


def load_draft(path: Path, *, traffic: Traffic.ValueType) -> Draft:
    """The one draft in a file.

    Raises: MalformedInput.
    """
    drafts = load_drafts([path], traffic=traffic)
    if len(drafts) > 1:
        raise MalformedInput(f"{path} holds more than one notice.")
    return drafts[0]


def _documents(path: Path, violations: list[Violation]) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        violations.append(Violation(str(path), f"cannot be read: {error.strerror}"))
        return
    except UnicodeDecodeError:
        violations.append(Violation(str(path), "is not UTF-8 text"))
        return
    if path.suffix != LINES_SUFFIX:
        yield str(path), text
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield f"{path}:{number}", line


def parse_draft(text: str) -> Notice:
    """The notice in its JSON form.

    Raises: MalformedInput, with everything that a notice cannot hold.
    """
    if len(text) > MAX_DRAFT_BYTES:
        raise MalformedInput("is larger than a notice can be")
    if not text.lstrip().startswith("{"):
        raise MalformedInput("is no JSON object")
    try:
        document = parse_explained(text)
        violations = form_violations(document, Notice.DESCRIPTOR)
        if violations:
            raise MalformedInput("is no notice", violations=violations)
        return ParseDict(document, Notice())
    except (ParseError, ValueError, RecursionError) as error:
        raise MalformedInput(f"is no notice: {str(error)[:300]}") from error


def _set_traffic(notice: Notice, traffic: Traffic.ValueType) -> None:
    """Exercise stays exercise; live has to be meant by both the file and the command."""
    if notice.traffic == TRAFFIC_LIVE and traffic == TRAFFIC_EXERCISE:
        raise MalformedInput("says TRAFFIC_LIVE, and --exercise was given")
    notice.traffic = notice.traffic or traffic


def faults_under(source: str, error: ComityError) -> list[Violation]:
    """What is at fault with a draft, under where it stood, by the names that its file has."""
    if not error.violations:
        return [Violation(source, error.message)]
    return [Violation(f"{source}: {json_path(v.field)}", v.description) for v in error.violations]
