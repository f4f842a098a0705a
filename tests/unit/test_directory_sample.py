"""The sample directory: enough of everything, reproducible, and plainly invented."""

from __future__ import annotations

import re

import pytest

from comity.v1 import authorities_pb2 as pb
from directory.entry import verify_authority
from directory.sample.file import SAMPLE_FILE, load_sample, text_from
from directory.sample.generator import sample_authorities
from directory.sample.growing import grown

# Ranges that numbering authorities keep for fiction; see directory/sample/telephones.py.
INVENTED_NUMBER = re.compile(
    r"\+1(202|613)55501\d\d|\+442079460\d{3}|\+61255501\d{3}|\+33199001\d{3}|\+493023125\d{3}"
    r"|\+4684650041\d"
)


@pytest.fixture(scope="module")
def entries() -> list[pb.Authority]:
    return load_sample()


def contacts_of(entry: pb.Authority) -> list[pb.ContactPoint]:
    return [*entry.contacts, *(contact for person in entry.persons for contact in person.contacts)]


def test_the_shipped_file_is_what_the_generator_gives() -> None:
    shipped = SAMPLE_FILE.read_text(encoding="utf-8")

    assert text_from(sample_authorities()) == shipped, "run `python -m directory.sample`"
    assert text_from(sample_authorities(seed=1)) != shipped


def test_it_is_large_and_wide_enough(entries: list[pb.Authority]) -> None:
    competences = {basis.competence for entry in entries for basis in entry.competences}

    assert len(entries) >= 60
    assert len({entry.country for entry in entries}) >= 40
    assert set(pb.Competence.values()) - {0} == competences
    assert len({entry.office_hours.time_zone for entry in entries}) >= 40
    assert len({entry.authority_id for entry in entries}) == len(entries)


def test_every_entry_is_well_formed(entries: list[pb.Authority]) -> None:
    for entry in entries:
        verify_authority(entry)


def test_nothing_in_it_could_be_somebodys(entries: list[pb.Authority]) -> None:
    contacts = [contact for entry in entries for contact in contacts_of(entry)]
    values = [c.value for c in contacts if c.means != pb.CONTACT_MEANS_EMAIL]
    addresses = [c.value for c in contacts if c.means == pb.CONTACT_MEANS_EMAIL]

    assert [value for value in values if not INVENTED_NUMBER.fullmatch(value)] == []
    assert [address for address in addresses if not address.endswith(".example")] == []
    assert {person.name.split()[-1] for entry in entries for person in entry.persons} == {
        "Specimen"
    }
    assert all("Invented" in entry.remarks[0].text for entry in entries)


def test_a_grown_directory_is_well_formed_spread_alike_and_has_every_name_once(
    entries: list[pb.Authority],
) -> None:
    found = grown(entries, 900)

    assert found[: len(entries)] == entries
    assert len(found) == 900 == len({each.authority_id for each in found})
    assert {each.country for each in found} == {each.country for each in entries}
    assert len({each.names[0].text for each in found}) > 850
    assert found == grown(entries, 900) != grown(entries, 900, seed=2)
    for each in found[len(entries) :]:
        verify_authority(each)
