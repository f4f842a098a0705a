"""Enrolling: from a code to a profile that has joined, step by step, each of them resumable.

What each step came to is on disk before the next one begins, so that whoever is interrupted runs
the same command again. Keys never leave the profile; the code is kept nowhere.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from agency_client.application import NewKeys, join_hub, write_application
from agency_client.disk import read_secret, write_whole_secret
from agency_client.enrolment_channel import EnrolmentPort
from agency_client.profile import (
    APPLICATION,
    ENROLMENT,
    POST_QUANTUM_SIGNING_KEY,
    SEALING_KEY,
    SIGNING_KEY,
    TLS_KEY,
    WITNESS_KEY,
    Profile,
    make_folder,
    save_profile,
)
from comity.acts import message_from_envelope
from comity.applicant import load_sealing_key
from comity.challenge import open_challenge
from comity.envelope import Envelope, envelope_from_json
from comity.errors import (
    ComityError,
    HubNotVerified,
    HubUnavailable,
    MalformedInput,
    NotFound,
    NotPermitted,
    QuotaExceeded,
)
from comity.fingerprint import verify_hub
from comity.identity import AgencyId
from comity.invitation import parse_code
from comity.receipt import digest_of
from comity.v1 import agencies_pb2, enrolment_pb2

FIRST_POLL_SECONDS = 3.0
MAX_TRIES = 4
MAX_POLL_SECONDS = 60.0  # administrators take hours; the hub lets one ask far more often

T = TypeVar("T")

_KEY_FILES = (SIGNING_KEY, POST_QUANTUM_SIGNING_KEY, WITNESS_KEY, TLS_KEY, SEALING_KEY)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An enrolment on its way, as it lies in the profile's folder. Hex where it was bytes."""

    agency: str
    hub_domain: str
    fingerprint: str
    ca_certificate: str = ""
    challenge: str = ""


class Enroller:
    """Takes one agency through its enrolment."""

    def __init__(
        self,
        folder: Path,
        *,
        agency: AgencyId,
        port: EnrolmentPort,
        fingerprint: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._profile = Profile(folder, agency, port.hub_domain, port.address)
        self._port = port
        self._fingerprint = fingerprint
        self._sleep = sleep

    @property
    def has_keys(self) -> bool:
        """Whether the keys were made, in an earlier run."""
        return self._profile.path(APPLICATION).exists()

    @property
    def has_applied(self) -> bool:
        """Whether the hub has taken the application, in an earlier run."""
        return bool(self._load().challenge)

    @property
    def has_encrypted_keys(self) -> bool:
        """Whether the keys of an earlier run are encrypted."""
        if not self.has_keys:
            return False
        pem = read_secret(self._profile.path(SEALING_KEY))
        return b"ENCRYPTED" in pem.split(b"\n", 1)[0]

    def make_keys(self, *, name: str, new: NewKeys, now: datetime) -> None:
        """Makes the folder and the keys, where an earlier run has not. What such a run left of
        keys is removed: they are in no application yet.

        Raises: MalformedInput where the folder is a profile's already, or another enrolment's.
        """
        make_folder(self._profile.folder)
        self._load()
        if self.has_keys:
            return
        for file in _KEY_FILES:
            self._profile.path(file).unlink(missing_ok=True)
        write_application(self._profile, name=name, new=new, now=now)

    def application_digest(self) -> bytes:
        """SHA-256 of the application: what both sides compare by telephone.

        Raises: MalformedInput.
        """
        return digest_of(self._envelope().payload)

    async def verify_hub(self) -> None:
        """Verifies that what answers is the hub whose fingerprint was handed over.

        Raises: HubNotVerified, HubUnavailable.
        """
        described = await self._patiently(self._port.describe)
        verify_hub(described.ca_certificate, described.ledger_key, fingerprint=self._fingerprint)
        if described.hub_domain != self._port.hub_domain:
            raise HubNotVerified(f"The hub is not {self._port.hub_domain}.")
        self._keep(replace(self._load(), ca_certificate=described.ca_certificate))

    async def apply(self, code: str) -> None:
        """Hands the application over, with the code. The hub has to be verified.

        Raises: MalformedInput where the code was mistyped; CodeRefused, ApplicationInvalid,
        QuotaExceeded, HubUnavailable.
        """
        enrolment = self._load()
        request = enrolment_pb2.ApplyRequest(
            code=parse_code(code), application=message_from_envelope(self._envelope())
        )
        ca = enrolment.ca_certificate
        challenge = await self._patiently(lambda: self._port.apply(request, ca_certificate=ca))
        self._keep(replace(enrolment, challenge=challenge.hex()))

    async def fetch_state(
        self, passphrase: bytes | None = None
    ) -> enrolment_pb2.FetchAdmissionResponse:
        """How the application stands; the first time proves the sealing key.

        An application that was refused, or is not known any longer, is forgotten here: the next
        run asks for a new code, and hands over the same keys.

        Raises: NotPermitted or NotFound then; MalformedInput, HubUnavailable.
        """
        enrolment, digest = self._load(), self.application_digest()
        key = load_sealing_key(read_secret(self._profile.path(SEALING_KEY)), passphrase)
        secret = open_challenge(bytes.fromhex(enrolment.challenge), key, application_digest=digest)
        request = enrolment_pb2.FetchAdmissionRequest(
            application_digest=digest, sealing_proof=secret
        )
        try:
            response = await self._patiently(
                lambda: self._port.fetch_admission(request, ca_certificate=enrolment.ca_certificate)
            )
        except NotFound as error:
            self._keep(replace(enrolment, challenge=""))
            raise NotFound(
                "The hub knows the application no longer: the agency was invited again. Run the "
                "command again, with the new code."
            ) from error
        if response.state == enrolment_pb2.ENROLMENT_STATE_REFUSED:
            self._keep(replace(enrolment, challenge=""))
            raise NotPermitted(
                "The hub's administrators have refused the application; ask them why. If they "
                "invite the agency again, run the command again, with the new code."
            )
        return response

    async def wait_for_admission(
        self,
        passphrase: bytes | None = None,
        *,
        on_state: Callable[[enrolment_pb2.EnrolmentState.ValueType], None],
        on_trouble: Callable[[ComityError], None],
    ) -> agencies_pb2.Admission:
        """Asks again and again until the agency is admitted; a hub that is away is waited for.

        Raises: NotPermitted, NotFound, MalformedInput.
        """
        delay, last = FIRST_POLL_SECONDS, None
        while True:
            asked: float | None = None
            try:
                response = await self.fetch_state(passphrase)
            except HubUnavailable as error:
                asked = error.retry_after_seconds
                on_trouble(error)
            else:
                if response.state == enrolment_pb2.ENROLMENT_STATE_ADMITTED:
                    return response.admission
                if response.state != last:
                    last = response.state
                    on_state(last)
            await self._sleep(max(delay, min(asked or 0.0, MAX_POLL_SECONDS)))
            delay = min(delay * 1.5, MAX_POLL_SECONDS)

    def join(self, admission: agencies_pb2.Admission, passphrase: bytes | None = None) -> Profile:
        """Pins the hub, keeps the certificate, and makes the profile, last of all.

        Raises: HubNotVerified where the admission is of another authority or ledger than was
        verified; ApplicationInvalid, MalformedInput.
        """
        verify_hub(admission.ca_certificate, admission.ledger_key, fingerprint=self._fingerprint)
        profile = replace(self._profile, hub_address=admission.hub_address)
        join_hub(profile, admission, passphrase)
        save_profile(profile)
        profile.path(ENROLMENT).unlink(missing_ok=True)
        return profile

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Calls, and again where the hub asks to come back soon: others may share our address."""
        for _ in range(MAX_TRIES - 1):
            try:
                return await call()
            except QuotaExceeded as error:
                wait = error.retry_after_seconds
                if wait is None or wait > MAX_POLL_SECONDS:
                    raise
            await self._sleep(wait)
        return await call()

    def _envelope(self) -> Envelope:
        path = self._profile.path(APPLICATION)
        try:
            return envelope_from_json(path.read_bytes())
        except OSError as error:
            raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error

    def _load(self) -> Enrolment:
        """The enrolment in the folder, or a new one.

        Raises: MalformedInput where it is of another agency, hub or fingerprint.
        """
        new = Enrolment(self._profile.agency, self._port.hub_domain, self._fingerprint)
        path = self._profile.path(ENROLMENT)
        if not path.exists():
            return new
        try:
            kept = Enrolment(**json.loads(read_secret(path)))
        except (ValueError, TypeError) as error:
            raise MalformedInput(f"{path} cannot be read.") from error
        if (kept.agency, kept.hub_domain) != (new.agency, new.hub_domain):
            raise MalformedInput(
                f"{path.parent} holds an enrolment of {kept.agency} at {kept.hub_domain}."
            )
        if kept.fingerprint != new.fingerprint:  # then what was kept was verified by another
            return new
        return kept

    def _keep(self, enrolment: Enrolment) -> None:
        text = json.dumps(asdict(enrolment), indent=2)
        write_whole_secret(self._profile.path(ENROLMENT), text + "\n")
