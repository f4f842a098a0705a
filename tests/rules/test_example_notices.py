"""The example notices are ones that a hub takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agency_client.drafts import load_draft
from agency_client.profile import Profile
from agency_client.signing import ActSigner
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.notices import verify_notice
from comity.v1.notices_pb2 import TRAFFIC_EXERCISE
from tests.unit.small_ledger import NOW, SmallLedger

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("notice-*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_well_formed_once_it_is_completed(path: Path) -> None:
    draft = load_draft(path, traffic=TRAFFIC_EXERCISE)
    profile = Profile(Path("unused"), AgencyId("FR-NCB"), "hub.example", "127.0.0.1:8443")
    signer = ActSigner(
        profile,
        keys=[generate_private_key(ED25519)],
        clock=lambda: NOW,
        new_id=SmallLedger().new_id,
    )

    verify_notice(signer.completed(draft.notice))


def test_there_is_an_example_of_each_shape() -> None:
    names = [path.stem.removeprefix("notice-") for path in EXAMPLES]
    assert names == ["object", "purple", "red", "yellow"]
