"""What a full validation of a red notice costs at the client: its form and its legal minimum.

Beside it stands one verification of an Ed25519 signature over the same notice, in the same run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from statistics import median

from google.protobuf.json_format import ParseDict

from comity.keys import ED25519, generate_private_key
from comity.minimum.policy import builtin_policy
from comity.notices import verify_notice
from comity.v1.notices_pb2 import Notice
from deploy.stage import ROOT

GOLDEN = ROOT / "tests" / "vectors" / "notices" / "red.json"
ROUNDS = 2_000


def checking_figures(rounds: int) -> Mapping[str, float]:
    """The median of a validation in milliseconds, and as a multiple of verifying a signature.

    Raises: RuntimeError where the notice is not complete, so that nothing else is timed.
    """
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))["complete"]["trafficking"]
    notice, policy = ParseDict(document, Notice()), builtin_policy()
    if policy.findings(notice):
        raise RuntimeError("The notice lacks something.")
    message = notice.SerializeToString()
    key = generate_private_key(ED25519)
    signature = key.sign(message)
    fresh = [Notice.FromString(message) for _ in range(rounds)]

    def validate(number: int) -> None:
        verify_notice(fresh[number])
        policy.findings(fresh[number])

    validation = _median_seconds(validate, rounds)
    verification = _median_seconds(lambda _: key.public.verify(signature, message), rounds)
    return {
        "check_red_ms": 1_000 * validation,
        "check_red_vs_ed25519": validation / verification,
    }


def _median_seconds(call: Callable[[int], object], rounds: int) -> float:
    seconds = []
    for number in range(rounds):
        started = time.perf_counter()
        call(number)
        seconds.append(time.perf_counter() - started)
    return median(seconds)
