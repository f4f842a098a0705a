"""Enrolment over the network: what an agency that was invited asks of the hub.

Whoever calls is known by nothing but what it brings: a code, then the secret from its challenge.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.message import DecodeError

from comity.acts import envelope_from_message
from comity.application import VerifiedApplication, verify_application
from comity.challenge import SECRET_BYTES, proof_digest, seal_challenge
from comity.checkpoint import LedgerKey, verifier_key_text
from comity.errors import CodeRefused, ComityError
from comity.fingerprint import hub_fingerprint
from comity.identity import AgencyId, parse_agency_id
from comity.invitation import code_digest, parse_code
from comity.keys import PublicKey
from comity.times import microseconds_from
from comity.v1 import acts_pb2, enrolment_pb2
from comity.v1 import agencies_pb2 as pb
from hub.services.approving import NEEDED_APPROVALS, awaits_consent
from hub.services.enrolling import Arrival, Enrolling, Proof, require_code, require_proof
from hub.services.membership import Membership
from hub.store.database import Database
from hub.store.enrolments import (
    EnrolmentStage,
    StoredEnrolment,
    find_enrolment,
    find_enrolment_by_application,
    list_approvals,
)
from hub.store.ledger import load_head
from hub.store.writer import UseCase

# Commits one item of a use case and gives what was decided; raises what was decided against it.
Commit = Callable[[UseCase, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class HubIdentity:
    """What a hub is known by."""

    domain: str
    address: str
    agency: AgencyId
    authority: x509.Certificate
    ledger_key: PublicKey

    @property
    def fingerprint(self) -> str:
        """What is handed over beside a code."""
        return hub_fingerprint(self.authority, self.ledger_key)

    @property
    def ca_pem(self) -> str:
        """The authority's certificate, and nothing beside it."""
        return self.authority.public_bytes(Encoding.PEM).decode()

    def ledger_key_text(self, origin: str) -> str:
        """The verifier key under an origin."""
        return verifier_key_text(LedgerKey(origin, self.ledger_key))


class EnrolmentService:
    """DescribeHub, Apply, FetchAdmission."""

    def __init__(
        self,
        hub: HubIdentity,
        *,
        database: Database,
        membership: Membership,
        commit: Commit,
        clock: Callable[[], datetime],
        token_bytes: Callable[[int], bytes],
    ) -> None:
        self._hub = hub
        self._database = database
        self._membership = membership
        self._enrolling = Enrolling(membership)
        self._commit = commit
        self._clock = clock
        self._token_bytes = token_bytes

    async def describe(self) -> enrolment_pb2.DescribeHubResponse:
        """Authority and ledger key.

        Raises: StoreUnavailable.
        """
        async with self._database.read() as connection:
            head = await load_head(connection)
        return enrolment_pb2.DescribeHubResponse(
            hub_domain=self._hub.domain,
            ca_certificate=self._hub.ca_pem,
            ledger_key=self._hub.ledger_key_text(head.origin),
        )

    async def apply(self, request: enrolment_pb2.ApplyRequest) -> enrolment_pb2.ApplyResponse:
        """Spends a code.

        1. The code is good for the agency that the application names.
        2. The application verifies; where it does not, the code is still good.
        3. Its sealing key is sealed to.
        4. All of it is judged again where nothing can come between.

        Raises: CodeRefused; ApplicationInvalid, only to who has a good code; StoreUnavailable.
        """
        digest, agency = _code_digest(request.code), _named_agency(request.application)
        async with self._database.read() as connection:
            found = await find_enrolment(connection, agency)
        require_code(found, digest, now=microseconds_from(self._clock()))  # 1
        envelope = envelope_from_message(request.application)
        verified = verify_application(envelope, hub_domain=self._hub.domain)  # 2
        arrival = self._challenged(digest, request.application, verified)  # 3
        challenge = await self._commit(self._enrolling.apply_many, arrival)  # 4
        return enrolment_pb2.ApplyResponse(sealing_challenge=challenge)

    def _challenged(
        self, digest: bytes, envelope: acts_pb2.Envelope, verified: VerifiedApplication
    ) -> Arrival:
        [sealing_key] = [
            key for key in verified.application.keys if key.purpose == pb.KEY_PURPOSE_SEALING
        ][:1]
        secret = self._token_bytes(SECRET_BYTES)
        challenge = seal_challenge(
            secret, sealing_key.public_key, application_digest=verified.digest
        )
        return Arrival(digest, envelope, verified, challenge, proof_digest(secret))

    async def fetch_admission(
        self, request: enrolment_pb2.FetchAdmissionRequest
    ) -> enrolment_pb2.FetchAdmissionResponse:
        """How an application stands, to who opened its challenge. The first time proves the key.

        Raises: NotFound, StoreUnavailable.
        """
        async with self._database.read() as connection:
            found = await find_enrolment_by_application(connection, request.application_digest)
        enrolment = require_proof(found, request.sealing_proof)
        if enrolment.stage is EnrolmentStage.CHALLENGED:
            proof = Proof(request.application_digest, request.sealing_proof)
            enrolment = await self._commit(self._enrolling.prove_many, proof)
        return await self._standing(enrolment)

    async def _standing(self, enrolment: StoredEnrolment) -> enrolment_pb2.FetchAdmissionResponse:
        async with self._database.read() as connection:
            approvals = await list_approvals(connection, enrolment.agency_id)
            head = await load_head(connection)
        if enrolment.stage is EnrolmentStage.REFUSED:
            state = enrolment_pb2.ENROLMENT_STATE_REFUSED
        elif enrolment.stage is EnrolmentStage.ADMITTED:
            state = enrolment_pb2.ENROLMENT_STATE_ADMITTED
        elif len(approvals) < NEEDED_APPROVALS:
            state = enrolment_pb2.ENROLMENT_STATE_AWAITS_APPROVAL
        elif awaits_consent(self._membership.roster, enrolment):
            state = enrolment_pb2.ENROLMENT_STATE_AWAITS_CONSENT
        else:
            state = enrolment_pb2.ENROLMENT_STATE_AWAITS_APPROVAL
        response = enrolment_pb2.FetchAdmissionResponse(state=state)
        if enrolment.certificate is not None:
            # So that the certificate is known here before the agency comes with it.
            await self._membership.refresh()
            response.admission.CopyFrom(self._admission(enrolment, head.origin))
        return response

    def _admission(self, enrolment: StoredEnrolment, origin: str) -> pb.Admission:
        return pb.Admission(
            hub_domain=self._hub.domain,
            hub_address=self._hub.address,
            agency_id=enrolment.agency_id,
            certificate=(enrolment.certificate or b"").decode(),
            ca_certificate=self._hub.ca_pem,
            ledger_key=self._hub.ledger_key_text(origin),
        )


def _code_digest(text: str) -> bytes:
    try:
        return code_digest(parse_code(text))
    except ComityError as error:
        raise CodeRefused() from error


def _named_agency(envelope: acts_pb2.Envelope) -> AgencyId:
    """The agency that an application says it is of. Nothing of it is verified."""
    try:
        return parse_agency_id(pb.Application.FromString(envelope.payload).agency_id)
    except (DecodeError, ComityError) as error:
        raise CodeRefused() from error
