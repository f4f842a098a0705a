"""The hub's legal minimum as the agency keeps it, so that it can be checked without a line."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from agency_client.disk import write_whole
from agency_client.profile import Profile
from comity.errors import PolicyInvalid
from comity.minimum.policy import Policy, builtin_policy, policy_from_files
from comity.v1.events_pb2 import PolicyFile

if TYPE_CHECKING:
    from agency_client.agency import Agency

POLICY_FILE = "policy.json"
MAX_POLICY_BYTES = 4_194_304  # a file per kind and one for reviews; what is larger is none


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """The policy's files as a hub gave them, the digest that it names, and when (aware)."""

    files: Sequence[PolicyFile]
    digest: bytes
    fetched_at: datetime

    def policy(self) -> Policy:
        """The policy itself.

        Raises: PolicyInvalid where the files are at fault, or are not what the digest is of.
        """
        policy = policy_from_files({file.name: file.text for file in self.files})
        if policy.digest != self.digest:
            raise PolicyInvalid("The hub's policy is not what its digest is of.")
        return policy


async def fetch_policy(agency: Agency) -> KeptPolicy:
    """Asks the hub for its policy and keeps it in the profile.

    Raises: PolicyInvalid where the files cannot be kept; HubUnavailable.
    """
    response = await agency.client.get_notice_policy()
    if response.ByteSize() > MAX_POLICY_BYTES:
        raise PolicyInvalid("The hub's policy is larger than a policy can be.")
    kept = KeptPolicy(list(response.files), response.digest, agency.clock())
    kept.policy()  # What cannot be used does not take the place of what can.
    document = {
        "fetchedAt": kept.fetched_at.isoformat(),
        "digest": base64.b64encode(kept.digest).decode(),
        "files": [{"name": file.name, "text": file.text} for file in kept.files],
    }
    write_whole(agency.profile.path(POLICY_FILE), json.dumps(document, ensure_ascii=False))
    return kept


def find_kept_policy(profile: Profile) -> KeptPolicy | None:
    """The policy that was kept last; None where none was.

    Raises: PolicyInvalid where the file cannot be read.
    """
    path = profile.path(POLICY_FILE)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return KeptPolicy(
            [PolicyFile(name=file["name"], text=file["text"]) for file in document["files"]],
            base64.b64decode(document["digest"], validate=True),
            datetime.fromisoformat(document["fetchedAt"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise PolicyInvalid(f"{path} cannot be read; remove it, and it is fetched anew.") from error


def load_kept_policy(profile: Profile) -> Policy:
    """The hub's policy as it is kept, or else the one that comes with this program.

    Raises: PolicyInvalid.
    """
    kept = find_kept_policy(profile)
    return builtin_policy() if kept is None else kept.policy()
