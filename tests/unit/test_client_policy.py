"""The hub's policy as the agency keeps it: only what can be used, and what its digest is of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.policy import POLICY_FILE, fetch_policy, find_kept_policy, load_kept_policy
from comity.errors import PolicyInvalid
from comity.minimum.policy import builtin_policy
from comity.v1.events_pb2 import GetNoticePolicyResponse, PolicyFile
from tests.unit.client_desk import ClientDesk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClientDesk]:
    made = ClientDesk(tmp_path)
    yield made
    made.inbox.close()


def tell(desk: ClientDesk, digest: bytes | None = None) -> None:
    policy = builtin_policy()
    files = [PolicyFile(name=name, text=text) for name, text in policy.files.items()]
    response = GetNoticePolicyResponse(files=files, digest=digest or policy.digest)
    desk.hub.answers["GetNoticePolicy"] = lambda _: response


async def test_the_hubs_policy_is_kept_with_its_digest_and_when(desk: ClientDesk) -> None:
    before = find_kept_policy(desk.agency.profile)
    tell(desk)
    await fetch_policy(desk.agency)

    kept = find_kept_policy(desk.agency.profile)

    assert before is None
    assert kept is not None
    assert kept.fetched_at == desk.now
    assert load_kept_policy(desk.agency.profile).digest == builtin_policy().digest


@pytest.mark.threat("T159")
async def test_a_policy_that_is_not_what_its_digest_is_of_is_not_kept(desk: ClientDesk) -> None:
    tell(desk, digest=bytes(32).replace(b"\x00", b"\x01"))

    with pytest.raises(PolicyInvalid):
        await fetch_policy(desk.agency)
    assert find_kept_policy(desk.agency.profile) is None


@pytest.mark.threat("T159")
def test_a_file_that_is_no_policy_is_named(desk: ClientDesk) -> None:
    desk.agency.profile.path(POLICY_FILE).write_text("{}", encoding="utf-8")

    with pytest.raises(PolicyInvalid, match=POLICY_FILE):
        load_kept_policy(desk.agency.profile)
