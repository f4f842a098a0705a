"""A verifier process: reads batches of submissions from its input, writes what is wrong with each.

Started by `hub.services.verifiers`, ends with its input. Has no keys, no database, no network.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from comity.errors import ComityError, InternalError
from comity.identity import AgencyId
from comity.keys import PublicKey, parse_public_key
from comity.minimum.policy import Policy, builtin_policy, load_policy
from comity.statuses import refusal_for
from comity.v1 import acts_pb2
from hub.services.submissions import parse_submission, prepare_submission
from hub.services.verifiers import FRAME_LENGTH_BYTES, framed

MAX_REMEMBERED_KEYS = 1_024  # several for each of 200 agencies


def main() -> None:
    """Answers batch after batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The hub ends its verifiers by itself.
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    policy = builtin_policy() if folder is None else load_policy(Path(folder))
    while (header := _read_frame(source)) is not None:
        body = _read_frame(source)
        if body is None:
            return
        asked = json.loads(header)
        if asked["policy"] != policy.digest.hex():
            return  # The hub judges by another one: it sees that this verifier is gone.
        sink.write(framed(_answer(asked, body, policy).SerializeToString()))
        sink.flush()


def _read_frame(source: BinaryIO) -> bytes | None:
    length = source.read(FRAME_LENGTH_BYTES)
    if len(length) < FRAME_LENGTH_BYTES:
        return None
    size = int.from_bytes(length, "big")
    content = source.read(size)
    return content if len(content) == size else None


def _answer(header: Mapping[str, Any], body: bytes, policy: Policy) -> acts_pb2.SubmitBulkResponse:
    response = acts_pb2.SubmitBulkResponse()
    keys = {key.key_id: key for key in map(_key, header.get("keys", ()))}
    for submission in acts_pb2.SubmitBulkRequest.FromString(body).submissions:
        answer = response.answers.add(number=submission.number)
        error = _find_error(submission.request, header, keys, policy)
        if error is not None:
            answer.refused.CopyFrom(refusal_for(error))
    return response


def _find_error(
    request: bytes, header: Mapping[str, Any], keys: Mapping[str, PublicKey], policy: Policy
) -> ComityError | None:
    try:
        prepare_submission(
            parse_submission(request),
            originator=AgencyId(header["originator"]),
            hub_domain=header["hub_domain"],
            keys=keys,
            roster_entry=None,
            policy=policy,
        )
    except ComityError as error:
        return error
    except Exception:
        return InternalError()
    return None


@lru_cache(MAX_REMEMBERED_KEYS)
def _key(spki: str) -> PublicKey:
    return parse_public_key(bytes.fromhex(spki))


if __name__ == "__main__":
    main()
