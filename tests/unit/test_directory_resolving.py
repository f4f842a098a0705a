"""Who handles it: the order of instruments, the region, the fallback, and the moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.competent import InstrumentName
from directory.freshness import freshness_at
from directory.known import KnownAuthority, known_from
from directory.resolving import Facts
from directory.resolving import resolve as resolve_among
from directory.sample.file import load_sample
from directory.search.finding import Finder
from tests.unit.authorities import AUTHORITY_ID, sample_authority

OPEN = datetime(2026, 11, 24, 10, tzinfo=UTC)
CLOSED = datetime(2026, 11, 24, 22, tzinfo=UTC)
OTHER_ID = AUTHORITY_ID[:-1] + "b"
BILATERAL = directory_pb2.RESOLUTION_REASON_BILATERAL
GENERAL = directory_pb2.RESOLUTION_REASON_GENERAL


def known(
    authority: pb.Authority | None = None, *, verified_days_ago: int | None = 1
) -> KnownAuthority:
    days = verified_days_ago
    return known_from(
        authority or sample_authority(),
        version=1,
        keeper=pb.Keeper(kind=pb.KEEPER_KIND_OWN_AGENCY),
        verified_at=None if days is None else OPEN - timedelta(days=days),
    )


def other() -> pb.Authority:
    authority = sample_authority()
    authority.authority_id = OTHER_ID
    authority.territory.regions[:] = ["GB-SCT"]
    return authority


def facts(
    *,
    country: str = "BR",
    shared: frozenset[InstrumentName] | None = None,
    now: datetime = OPEN,
    **request: object,
) -> Facts:
    asked = directory_pb2.ResolveAuthorityRequest(
        country="GB", competence=pb.COMPETENCE_EXTRADITION
    )
    for name, value in request.items():
        if isinstance(value, list):
            getattr(asked, name).extend(value)
        else:
            setattr(asked, name, value)
    return Facts(asked, country, shared, now)


def resolve(entries: list[KnownAuthority], asked: Facts) -> list[directory_pb2.Resolution]:
    request = asked.request
    answer = directory_pb2.ResolveAuthorityResponse()
    finder = Finder(entries)
    competent = finder.competent_in(request.country, request.competence)
    resolve_among(competent, finder.standings, asked, answer)
    return list(answer.resolutions)


def test_all_shared_instruments_are_given_bilateral_first() -> None:
    found = resolve([known()], facts())

    assert [each.basis.instrument for each in found] == ["BILATERAL", "UNTOC"]
    assert [each.reasons[0] for each in found] == [BILATERAL, GENERAL]


def regional(*titles: str) -> pb.Authority:
    """An entry that names a regional instrument beside its own."""
    authority = sample_authority()
    basis = authority.competences[0].instruments.add(instrument="REGIONAL")
    for title in titles:
        basis.titles.add(text=title, language="en")
    return authority


@pytest.mark.parametrize(
    ("country", "shared", "instruments"),
    [
        ("FR", None, ["REGIONAL", "UNTOC"]),
        ("FR", {("UNTOC", "")}, ["UNTOC"]),
        ("FR", {("UNCAC", "")}, []),
        ("BR", set(), ["BILATERAL"]),
        ("FR", {("REGIONAL", "conventionoftheeast")}, []),
        ("FR", {("REGIONAL", "conventiondelouestegalite")}, ["REGIONAL"]),
    ],
)
def test_an_instrument_counts_where_both_countries_share_it(
    country: str, shared: set[InstrumentName] | None, instruments: list[str]
) -> None:
    entry = known(regional("Convention of the West", "Convention de l'Ouest – Égalité"))
    named = None if shared is None else frozenset(shared)

    found = resolve([entry], facts(country=country, shared=named))

    assert instruments == [each.basis.instrument for each in found]


@pytest.mark.parametrize(
    ("titles", "is_shared"),
    [
        (["CONVENTION  of the West"], True),
        (["Westkonvention", "Convention of the west"], True),
        (["Convention of the East"], False),
        (["—"], False),
    ],
)
def test_a_regional_instrument_is_known_by_any_of_its_titles(
    titles: list[str], is_shared: bool
) -> None:
    abroad = regional(*titles)
    abroad.authority_id, abroad.country = OTHER_ID, "FR"
    own = known(regional("Convention of the West", "—"))
    shared = Finder([known(abroad)]).named_instruments("FR")

    found = resolve([own], facts(country="FR", shared=shared))

    assert is_shared is ("REGIONAL" in [each.basis.instrument for each in found])


def test_two_countries_of_the_sample_share_a_regional_instrument() -> None:
    finder = Finder([known(each) for each in load_sample()])
    asked = {
        country: facts(country=country, shared=finder.named_instruments(country))
        for country in ("FI", "FR")
    }
    for each in asked.values():
        each.request.country = "DK"
    answers = {}
    for country, each in asked.items():
        answer = directory_pb2.ResolveAuthorityResponse()
        competent = finder.competent_in("DK", pb.COMPETENCE_EXTRADITION)
        resolve_among(competent, finder.standings, each, answer)
        answers[country] = [each.basis.instrument for each in answer.resolutions]

    assert answers["FI"] == ["REGIONAL", *answers["FR"]]
    assert "UNTOC" in answers["FR"]


@pytest.mark.parametrize(
    ("article", "is_found"), [("", True), ("16", True), ("16(3)", True), ("18", False)]
)
def test_the_instrument_and_article_that_were_asked_for_are_given(
    article: str, is_found: bool
) -> None:
    found = resolve([known()], facts(instrument="UNTOC", article=article))

    assert is_found is bool(found)
    for each in found:
        assert each.reasons[0] == directory_pb2.RESOLUTION_REASON_AS_ASKED


def test_an_answer_says_what_to_send_how_and_in_which_language() -> None:
    [answer] = resolve([known()], facts(country="FR", languages=["fr"]))

    assert [each.document for each in answer.documents] == ["ARREST_WARRANT", "OTHER"]
    assert list(answer.languages) == ["fr", "en"]
    assert answer.channel == pb.CHANNEL_DIRECT
    assert answer.means == pb.REQUEST_MEANS_COMITY
    assert directory_pb2.RESOLUTION_REASON_LANGUAGE in answer.reasons
    assert answer.record.reachability.office_open
    assert list(answer.basis.articles) == ["16"]


def test_documents_of_other_competences_are_left_out() -> None:
    authority = sample_authority()
    question = facts(competence=pb.COMPETENCE_MUTUAL_LEGAL_ASSISTANCE)

    [answer] = resolve([known(authority)], question)

    assert [each.document for each in answer.documents] == ["OTHER"]
    assert answer.reasons[0] == directory_pb2.RESOLUTION_REASON_NO_INSTRUMENT


@pytest.mark.parametrize(("region", "who"), [("GB-SCT", OTHER_ID), ("GB-ENG", AUTHORITY_ID)])
def test_the_region_decides_between_authorities_of_a_country(region: str, who: str) -> None:
    found = resolve([known(), known(other())], facts(region=region))

    assert {who} == {each.record.authority.authority_id for each in found}
    assert all(directory_pb2.RESOLUTION_REASON_TERRITORY in each.reasons for each in found)


def test_a_stale_entry_goes_behind_and_has_a_fallback_where_it_stands() -> None:
    stale = known(verified_days_ago=91)
    untoc_only = other()
    del untoc_only.competences[0].instruments[1]

    bilateral, general = resolve([stale, known(untoc_only)], facts())

    assert bilateral.record.authority.authority_id == AUTHORITY_ID
    assert bilateral.record.freshness == pb.FRESHNESS_STALE
    assert bilateral.fallback.authority.authority_id == OTHER_ID
    assert list(bilateral.fallback_reasons) == [directory_pb2.RESOLUTION_REASON_STALE]
    assert general.record.authority.authority_id == OTHER_ID
    assert not general.HasField("fallback")


@pytest.mark.parametrize(
    ("first", "second", "is_fallback"),
    [  # reliable, reachable
        ((False, True), (True, True), True),
        ((False, True), (True, False), False),
        ((True, False), (True, True), True),
        ((True, False), (False, True), False),
        ((False, False), (True, False), True),
        ((False, False), (False, True), True),
        ((False, False), (False, False), False),
    ],
)
def test_a_fallback_is_better_in_one_thing_and_worse_in_none(
    first: tuple[bool, bool], second: tuple[bool, bool], is_fallback: bool
) -> None:
    entries = []
    for authority, (is_reliable, is_reachable) in ((other(), first), (sample_authority(), second)):
        authority.territory.regions[:] = ["GB-SCT"] if authority.authority_id == OTHER_ID else []
        if not is_reachable:
            del authority.contacts[1]  # the duty line
        entries.append(known(authority, verified_days_ago=1 if is_reliable else 91))

    found = resolve(entries, facts(country="FR", region="GB-SCT", now=CLOSED))

    assert [each.record.authority.authority_id for each in found] == [OTHER_ID]
    assert is_fallback is found[0].HasField("fallback")
    assert is_fallback is bool(found[0].fallback_reasons)


def test_an_authority_that_nobody_can_reach_says_when_it_opens() -> None:
    authority = sample_authority()
    del authority.contacts[1]  # the duty line

    [answer] = resolve([known(authority)], facts(country="FR", now=CLOSED))

    assert directory_pb2.RESOLUTION_REASON_UNREACHABLE in answer.reasons
    opens = answer.record.reachability.opens_at.ToDatetime(UTC)
    assert opens == datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.mark.parametrize("urgent", [True, False])
def test_an_urgent_line_counts_in_urgent_cases_only(urgent: bool) -> None:
    authority = sample_authority()
    authority.contacts[1].use = pb.CONTACT_USE_URGENT

    assert urgent is known(authority).is_reachable(CLOSED, urgent=urgent)


def test_an_urgent_request_goes_by_interpol_before_diplomats() -> None:
    authority = sample_authority()
    authority.channels[:] = [pb.CHANNEL_DIPLOMATIC, pb.CHANNEL_INTERPOL]

    [calm] = resolve([known(authority)], facts(country="FR"))
    [urgent] = resolve([known(authority)], facts(country="FR", urgent=True))

    assert calm.channel == pb.CHANNEL_DIPLOMATIC
    assert urgent.channel == pb.CHANNEL_INTERPOL


def test_nobody_is_named_where_nobody_is_competent() -> None:
    assert resolve([known()], facts(competence=pb.COMPETENCE_FIREARMS)) == []
    assert resolve([known()], facts(region="GB-NIR")) == []
    assert resolve([], facts()) == []


def test_what_a_country_shares_is_what_its_entries_name() -> None:
    finder = Finder([known()])

    assert finder.named_instruments("FR") is None
    assert finder.named_instruments("GB") == frozenset({("UNTOC", ""), ("BILATERAL", "")})


def test_a_newer_version_changes_what_a_country_shares() -> None:
    finder = Finder([known()])
    changed = sample_authority()
    del changed.competences[0].instruments[0]
    finder.put(known(changed))

    assert finder.named_instruments("GB") == frozenset({("BILATERAL", "")})
    changed.country = "FR"
    finder.put(known(changed))
    assert finder.named_instruments("GB") is None


@pytest.mark.parametrize(
    ("days_left", "expected"),
    [
        (None, pb.FRESHNESS_UNVERIFIED),
        (31, pb.FRESHNESS_FRESH),
        (30, pb.FRESHNESS_DUE),
        (0, pb.FRESHNESS_STALE),
        (-1, pb.FRESHNESS_STALE),
    ],
)
def test_an_entry_grows_stale(days_left: int | None, expected: int) -> None:
    due = None if days_left is None else OPEN + timedelta(days=days_left)

    assert expected == freshness_at(OPEN, due)
