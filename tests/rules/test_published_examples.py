"""Is there an example of every message, does each load, is it what hub and members really send?"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson, Parse, ParseError

from comity.v1.acts_pb2 import Refusal, Signature
from comity.v1.notices_pb2 import Notice, Object, Organisation, Person
from docs.examples.generate import __main__ as generator
from tests.rules.published_examples import (
    FILES,
    MESSAGES,
    all_in_examples,
    fields_below,
    load_file,
    name_of,
    shown_fields,
)

INVENTED = re.compile("example|sample|specimen|muster|invented", re.IGNORECASE)

# Nothing sets these yet, or zero is what they ordinarily are and JSON leaves zero out, or they are
# of another change than the one that is shown.
NOT_SHOWN = {
    "comity.v1.AuthorityVersion.contacts_withheld",
    "comity.v1.DescribeLogInResponse.client_id",
    "comity.v1.DescribeLogInResponse.issuer",
    "comity.v1.Event.resumption",
    "comity.v1.ExportAuthoritiesRequest.authority_ids",
    "comity.v1.ImportAuthoritiesResponse.faults_left_out",
    "comity.v1.ListEntriesRequest.first_index",
    "comity.v1.ListEntriesResponse.first_index",
    "comity.v1.ListNoticeActsResponse.next_index",
    "comity.v1.ListNoticesRequest.held_by",
    "comity.v1.ListRecallsResponse.next_index",
    "comity.v1.ListReviewsResponse.more",
    "comity.v1.ProveConsistencyRequest.to_size",
    "comity.v1.Refusal.retry_after_seconds",
}

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_every_message_of_the_contract_has_an_example() -> None:
    assert MESSAGES.keys() == {name_of(path) for path in FILES}


def test_every_message_is_of_the_top_level() -> None:
    assert [name for name, message in MESSAGES.items() if message.nested_types] == []


@each_file
def test_an_example_loads_and_prints_the_same(path: Path) -> None:
    message = load_file(path)
    printed = MessageToJson(message, ensure_ascii=False)

    assert printed + "\n" == path.read_text(encoding="utf-8")
    assert message == Parse(printed, type(message)(), ignore_unknown_fields=False)
    assert message == type(message).FromString(message.SerializeToString())


@each_file
def test_an_example_shows_a_field_where_its_message_has_any(path: Path) -> None:
    assert bool(MESSAGES[name_of(path)].fields) == bool(load_file(path).ListFields())


def test_an_example_with_a_field_that_the_contract_lacks_does_not_load(tmp_path: Path) -> None:
    path = tmp_path / "Signature.json"
    path.write_text(json.dumps({"keyId": "00", "unheardOf": 1}))

    with pytest.raises(ParseError, match="unheardOf"):
        load_file(path)


def test_every_field_is_shown_but_those_that_are_named_here() -> None:
    declared = {field.full_name for message in MESSAGES.values() for field in message.fields}
    shown = {name for path in FILES for name in shown_fields(load_file(path))}

    assert declared - NOT_SHOWN == shown


def test_no_field_of_a_notice_is_left_out() -> None:
    assert fields_below(Notice.DESCRIPTOR) & NOT_SHOWN == set()


def test_everybody_in_an_example_is_marked_as_invented() -> None:
    texts = [person.names[0].full for person in all_in_examples(Person) if person.names]
    texts += [organisation.names[0].full for organisation in all_in_examples(Organisation)]
    texts += [thing.description for thing in all_in_examples(Object)]

    assert texts
    assert [text for text in texts if not INVENTED.search(text)] == []


def test_a_refusal_shows_what_is_at_fault() -> None:
    [refusal, *_] = all_in_examples(Refusal)

    assert [(v.field, bool(v.description)) for v in refusal.violations] == [("rule.agencies", True)]


def test_the_examples_are_what_the_generator_gives(tmp_path: Path) -> None:
    generator.main(tmp_path)

    given = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.json")}
    published = {path.name: path.read_text(encoding="utf-8") for path in FILES}
    stale = {name for name in given | published if given.get(name) != published.get(name)}
    assert stale == set(), "run `python -m docs.examples.generate`"


def test_no_signature_in_the_examples_is_empty() -> None:
    signatures = all_in_examples(Signature)

    assert len(signatures) > 10
    assert {64} == {len(signature.value) for signature in signatures}
