"""Changing keys: cut off at every step, nothing is lost, and the next run completes it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agency_client import membership, pending_keys, rotation
from agency_client.application import NewKeys
from agency_client.locks import IMPORT_LOCK, held_alone
from agency_client.own_keys import OwnKeys
from agency_client.pending_keys import ROTATED_FILES, PendingKeys
from agency_client.profile import POST_QUANTUM_SIGNING_KEY, new_file
from agency_client.rotation import WantedKeys, finish_rotation, rotate
from comity.applicant import load_sealing_key
from comity.errors import HubUnreachable, LedgerForked, MalformedInput, RotationInvalid
from comity.v1 import agencies_pb2 as pb
from comity.v1 import membership_pb2
from comity.v1.acts_pb2 import SubmitActsRequest
from tests.unit.members import FRANCE, Cut, Interrupted, Member

PASSPHRASE = b"correct horse"
MAX_STEPS = 40  # more than there are

WITH_TWO = NewKeys(with_post_quantum=True)


def cut_off(monkeypatch: pytest.MonkeyPatch, cut: Cut) -> None:
    for name in ("write_whole_secret", "write_whole", "take_place"):
        monkeypatch.setattr(pending_keys, name, cut.wrapped(getattr(pending_keys, name)))
    monkeypatch.setattr(Path, "unlink", cut.wrapped(Path.unlink))
    monkeypatch.setattr(rotation, "rotate_keys", cut.wrapped_call(membership.rotate_keys))


def sealing_ids(member: Member) -> set[str]:
    """The sealing keys that can be opened with what lies in the profile."""
    found = set()
    for path in member.profile.folder.glob("sealing-key*.pem"):
        key = load_sealing_key(path.read_bytes(), member.new.passphrase)
        found.add(hashlib.sha256(key.public_bytes()).hexdigest())
    return found


def require_in_place(member: Member) -> None:
    """Requires that the profile holds what the roster says, and nothing is left over."""
    roster = member.roster()
    keys = member.profile.load_signing_keys(member.new.passphrase)
    assert {key.public.key_id for key in keys} == set(roster.signing_keys(FRANCE))
    assert not PendingKeys(member.profile).exist
    for name in ROTATED_FILES:
        assert not member.profile.path(new_file(name)).exists()
    records = roster.keys_of(FRANCE)
    sealing = {r.key.key_id for r in records if r.key.purpose == pb.KEY_PURPOSE_SEALING}
    assert sealing == sealing_ids(member)
    for path in member.profile.folder.glob("*-key*.pem"):
        assert path.stat().st_mode & 0o077 == 0
        assert (b"ENCRYPTED" in path.read_bytes()) == bool(member.new.passphrase)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("new", [NewKeys(), WITH_TWO], ids=["one", "two"])
async def test_a_change_of_keys_goes_on_where_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: NewKeys, after: bool
) -> None:
    steps = 0
    for step in range(1, MAX_STEPS):
        member = Member(tmp_path / str(step), new=new)
        cut = Cut(step, after=after)
        with monkeypatch.context() as patched:
            cut_off(patched, cut)
            try:
                await rotate(member.opened(), WantedKeys())
            except Interrupted:
                steps += 1
        if not cut.happened:
            require_in_place(member)
            break
        own = OwnKeys(member.profile, passphrase=lambda: None)
        own.require_roster(member.roster())
        assert member.profile.load_signing_keys()

        await rotate(member.opened(), WantedKeys())

        require_in_place(member)
        assert len(member.ledger.roster) <= 3
    assert steps > 10


@pytest.mark.parametrize("arrives", [False, True], ids=["asked for again", "entered"])
async def test_a_lost_change_is_sent_again_as_it_was_unless_the_roster_shows_it(
    tmp_path: Path, arrives: bool
) -> None:
    member = Member(tmp_path, new=NewKeys(passphrase=PASSPHRASE))
    answered, sent = member.hub.answers["RotateKeys"], []

    def lose_first(request: membership_pb2.RotateKeysRequest) -> object:
        sent.append(request.SerializeToString(deterministic=True))
        if len(sent) > 1:
            return answered(request)
        if arrives:
            answered(request)
        return HubUnreachable()

    member.hub.answers["RotateKeys"] = lose_first
    with pytest.raises(HubUnreachable):
        await rotate(member.opened(), WantedKeys())
    done = await finish_rotation(member.opened())

    assert done is not None
    assert sent == [sent[0]] * (1 if arrives else 2)
    assert len(member.ledger.roster) == 2
    require_in_place(member)
    assert await finish_rotation(member.opened()) is None


async def test_what_is_signed_next_is_signed_by_keys_that_are_in_the_roster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(tmp_path)
    with monkeypatch.context() as patched:
        cut = Cut(1, after=False)
        patched.setattr(PendingKeys, "take_places", cut.wrapped(PendingKeys.take_places))
        with pytest.raises(Interrupted):
            await rotate(member.opened(), WantedKeys())
    agency = member.opened()
    await agency.client.refresh_roster()

    agency.signer()

    require_in_place(member)


async def test_a_change_that_is_refused_is_forgotten(tmp_path: Path) -> None:
    member = Member(tmp_path)
    before = member.profile.load_signing_keys()[0].public.key_id
    refused = RotationInvalid("Refused.")
    refused.is_from_hub = True
    member.hub.answers["RotateKeys"] = lambda _: refused

    with pytest.raises(RotationInvalid):
        await rotate(member.opened(), WantedKeys())

    assert before == member.profile.load_signing_keys()[0].public.key_id
    require_in_place(member)


async def test_new_keys_that_the_ledger_does_not_show_do_not_take_a_place(tmp_path: Path) -> None:
    member = Member(tmp_path)
    before = member.profile.load_signing_keys()[0].public.key_id
    lie = membership_pb2.RotateKeysResponse(entry_index=7)
    member.hub.answers["RotateKeys"] = lambda _: lie

    with pytest.raises(LedgerForked, match="does not show"):
        await rotate(member.opened(), WantedKeys())

    assert before == member.profile.load_signing_keys()[0].public.key_id
    assert PendingKeys(member.profile).exist


async def test_only_what_is_wanted_is_changed(tmp_path: Path) -> None:
    member = Member(tmp_path, new=WITH_TWO)
    signing = {key.public.key_id for key in member.profile.load_signing_keys()}

    done = await rotate(member.opened(), WantedKeys([pb.KEY_PURPOSE_SEALING]))

    assert [key.purpose for key in done.keys_added] == [pb.KEY_PURPOSE_SEALING]
    assert signing == {key.public.key_id for key in member.profile.load_signing_keys()}
    require_in_place(member)


@pytest.mark.parametrize(
    ("new", "wanted", "expected"),
    [
        (NewKeys("ecdsa-p256"), WantedKeys(), [pb.KEY_ALGORITHM_ECDSA_P256_SHA256]),
        (
            NewKeys(),
            WantedKeys(signing_algorithm="ecdsa-p256", with_post_quantum=True),
            [pb.KEY_ALGORITHM_ECDSA_P256_SHA256, pb.KEY_ALGORITHM_ML_DSA_65],
        ),
        (WITH_TWO, WantedKeys(), [pb.KEY_ALGORITHM_ED25519, pb.KEY_ALGORITHM_ML_DSA_65]),
        (WITH_TWO, WantedKeys(with_post_quantum=False), [pb.KEY_ALGORITHM_ED25519]),
    ],
    ids=["as now", "others", "two as now", "one of two"],
)
async def test_signing_keys_are_of_the_algorithms_that_are_wanted(
    tmp_path: Path, new: NewKeys, wanted: WantedKeys, expected: list[int]
) -> None:
    member = Member(tmp_path, new=new)

    await rotate(member.opened(), wanted)

    keys = member.profile.load_signing_keys()
    assert expected == [key.public.algorithm for key in keys]
    second = member.profile.path(POST_QUANTUM_SIGNING_KEY)
    assert (len(expected) == 2) == second.exists()
    require_in_place(member)


async def test_the_signing_key_stays_while_what_it_has_signed_waits(tmp_path: Path) -> None:
    member = Member(tmp_path)
    agency = member.opened()
    agency.inbox.sent.add_submissions([("a notice", SubmitActsRequest())], source="hand")

    with pytest.raises(MalformedInput, match="send-kept"):
        await rotate(agency, WantedKeys())
    await rotate(agency, WantedKeys([pb.KEY_PURPOSE_WITNESS]))
    with held_alone(member.profile, IMPORT_LOCK), pytest.raises(MalformedInput, match="import"):
        await rotate(agency, WantedKeys())

    assert len(member.ledger.roster) == 2


async def begin_unsent(member: Member, wanted: WantedKeys) -> None:
    """A change that is kept and has not come to the hub."""
    answered = member.hub.answers["RotateKeys"]
    member.hub.answers["RotateKeys"] = lambda _: HubUnreachable()
    with pytest.raises(HubUnreachable):
        await rotate(member.opened(), wanted)
    member.hub.answers["RotateKeys"] = answered


async def test_a_change_that_was_begun_waits_for_what_the_old_key_has_signed(
    tmp_path: Path,
) -> None:
    member = Member(tmp_path)
    await begin_unsent(member, WantedKeys())
    agency = member.opened()
    with held_alone(member.profile, IMPORT_LOCK), pytest.raises(MalformedInput, match="import"):
        await finish_rotation(agency)
    [kept] = agency.inbox.sent.add_submissions([("a notice", SubmitActsRequest())], source="hand")

    for finishing in (
        finish_rotation(agency),
        rotate(agency, WantedKeys([pb.KEY_PURPOSE_WITNESS])),
    ):
        with pytest.raises(MalformedInput, match="send-kept"):
            await finishing
    assert len(member.ledger.roster) == 1
    assert PendingKeys(member.profile).exist

    agency.inbox.sent.save_refusals([(kept.submission_id, "refused for good")])
    assert await finish_rotation(agency) is not None
    require_in_place(member)


async def test_a_change_that_is_entered_takes_its_place_whatever_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(tmp_path)
    with monkeypatch.context() as patched:
        cut = Cut(1, after=False)
        patched.setattr(PendingKeys, "take_places", cut.wrapped(PendingKeys.take_places))
        with pytest.raises(Interrupted):
            await rotate(member.opened(), WantedKeys())
    agency = member.opened()
    agency.inbox.sent.add_submissions([("a notice", SubmitActsRequest())], source="hand")

    assert await finish_rotation(agency) is not None

    require_in_place(member)


@pytest.mark.parametrize("name", ROTATED_FILES)
@pytest.mark.parametrize("is_there", [False, True], ids=["missing", "of another key"])
async def test_a_change_whose_private_keys_are_not_there_is_given_up_before_it_is_sent(
    tmp_path: Path, name: str, is_there: bool
) -> None:
    member = Member(tmp_path, new=WITH_TWO)
    await begin_unsent(member, WantedKeys())
    new = member.profile.path(new_file(name))
    if is_there:
        new.write_bytes(member.profile.path(name).read_bytes())
    else:
        new.unlink()

    with pytest.raises(MalformedInput, match=f"{new_file(name)}.*nothing has changed"):
        await finish_rotation(member.opened())

    assert len(member.ledger.roster) == 1
    require_in_place(member)


async def test_a_wrong_passphrase_gives_no_change_up(tmp_path: Path) -> None:
    member = Member(tmp_path, new=NewKeys(passphrase=PASSPHRASE))
    await begin_unsent(member, WantedKeys())
    agency = member.opened()
    agency.passphrase = lambda: b"wrong"

    with pytest.raises(MalformedInput, match="passphrase"):
        await finish_rotation(agency)

    assert PendingKeys(member.profile).exist
    assert await finish_rotation(member.opened()) is not None
