"""What is refused at the port that agencies enrol at, over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from agency_client.application import NewKeys
from agency_client.enrolment_channel import EnrolmentPort
from comity.acts import message_from_envelope
from comity.applicant import ApplicantKeys, apply_to_hub, generate_applicant_keys
from comity.application import sign_application
from comity.challenge import open_challenge
from comity.envelope import envelope_from_json
from comity.errors import (
    AgencyExists,
    ApplicationInvalid,
    CodeRefused,
    HubNotVerified,
    HubUnreachable,
    InternalError,
    MalformedInput,
    NotFound,
    QuotaExceeded,
    TooLarge,
)
from comity.identity import AgencyId
from comity.invitation import ALPHABET, make_code
from comity.keys import ED25519
from comity.receipt import digest_of
from comity.times import utc_now
from comity.v1 import agencies_pb2, ledger_pb2
from comity.v1.acts_pb2 import Envelope
from comity.v1.agencies_pb2 import Application
from comity.v1.enrolment_pb2 import ApplyRequest, FetchAdmissionRequest
from deploy.stage import DOMAIN
from hub.rpc import peer_limits
from hub.store.database import Database
from hub.store.transaction import LedgerTransaction
from tests.databases import new_database
from tests.integration.enrolments import EnrolmentHub, enrolment_hub
from tests.stages import Stage
from tests.unit.hub_parts import commit

FRANCE, KENYA = AgencyId("FR-NCB"), AgencyId("KE-NCB")


class Clock:
    """The machine's time, and ahead of it when told so."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    made = Stage(tmp_path_factory.mktemp("enrolment"), database_url=url)
    made.admit("BR-NCB")
    return made


@pytest.fixture
async def hub(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> AsyncIterator[EnrolmentHub]:
    async with enrolment_hub(stage, monkeypatch, clock=clock) as serving:
        yield serving
        for agency in (FRANCE, KENYA):
            try:
                await serving.refuse(agency)
            except NotFound:
                continue


def application(agency: AgencyId = FRANCE, keys: ApplicantKeys | None = None) -> Envelope:
    made = keys or generate_applicant_keys([ED25519])
    envelope = apply_to_hub(
        made, hub_domain=DOMAIN, agency=agency, name="Sample office", now=utc_now()
    )
    return message_from_envelope(envelope)


async def apply(hub: EnrolmentHub, code: str, envelope: Envelope) -> bytes:
    request = ApplyRequest(code=code, application=envelope)
    return await hub.port.apply(request, ca_certificate=hub.ca)


async def test_a_code_is_good_for_one_application(hub: EnrolmentHub) -> None:
    code = await hub.invite(FRANCE)
    sent = application()
    challenge = await apply(hub, code, sent)

    assert challenge == await apply(hub, code, sent)  # its answer may have been lost
    with pytest.raises(CodeRefused):
        await apply(hub, code, application())


@pytest.mark.threat("T80")
async def test_every_code_that_is_none_is_refused_alike(hub: EnrolmentHub, clock: Clock) -> None:
    code = await hub.invite(FRANCE, valid_hours=1)
    another = await hub.invite(KENYA)
    swapped = ALPHABET[ALPHABET.index(code[0]) - 1] + code[1:]
    said = set()

    for wrong, envelope in [
        (make_code(lambda size: b"\x17" * size), application()),  # guessed
        (code[:-5], application()),  # truncated
        (swapped, application()),
        ("", application()),
        (another, application()),  # another agency's
        (code, application(KENYA)),  # for another agency
        (code, application(AgencyId("SE-NCB"))),  # that nobody invited
        (code, application(AgencyId("BR-NCB"))),  # a member's
        (code, Envelope(payload=b"\xff")),
        (code, Envelope()),
    ]:
        with pytest.raises(CodeRefused) as refused:
            await apply(hub, wrong, envelope)
        said.add((refused.value.message, refused.value.violations))

    clock.ahead = timedelta(hours=1)
    with pytest.raises(CodeRefused) as expired:
        await apply(hub, code, application())
    assert {(expired.value.message, expired.value.violations)} == said
    clock.ahead = timedelta()
    await apply(hub, code, application())  # none of these has spent it


async def test_a_code_from_before_is_void_once_the_agency_is_invited_again(
    hub: EnrolmentHub,
) -> None:
    first = await hub.invite(FRANCE)
    second = await hub.invite(FRANCE)

    with pytest.raises(CodeRefused):
        await apply(hub, first, application())
    await apply(hub, second, application())


async def test_a_code_that_was_taken_back_is_refused(hub: EnrolmentHub) -> None:
    code = await hub.invite(FRANCE)
    await hub.refuse(FRANCE)

    with pytest.raises(CodeRefused):
        await apply(hub, code, application())


@pytest.mark.parametrize("hours", [337, 2**32 - 1])
async def test_no_code_is_good_for_longer_than_two_weeks(hub: EnrolmentHub, hours: int) -> None:
    with pytest.raises(MalformedInput):
        await hub.invite(FRANCE, valid_hours=hours)


def with_request(keys: ApplicantKeys, key: ec.EllipticCurvePrivateKey, *names: str) -> Envelope:
    """An application with a certificate request of another key, or of other names."""
    made = Application.FromString(application(keys=keys).payload)
    sans = [x509.UniformResourceIdentifier(name) for name in names]
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = request.add_extension(x509.SubjectAlternativeName(sans), critical=True)
    made.certificate_request = request.sign(key, SHA256()).public_bytes(Encoding.DER)
    signed = sign_application(made, signing_keys=keys.signing, witness_key=keys.witness)
    return message_from_envelope(signed)


def bad_applications() -> Sequence[Envelope]:
    keys = generate_applicant_keys([ED25519])
    own = f"spiffe://{DOMAIN}/agency/{FRANCE}"
    another = f"spiffe://{DOMAIN}/agency/{KENYA}"
    weak = ec.generate_private_key(ec.SECP192R1())
    altered = application(keys=keys)
    altered.signatures[0].value = bytes(64)
    unsigned = application(keys=keys)
    del unsigned.signatures[1]
    made = Application.FromString(application(keys=keys).payload)
    for key in made.keys:
        if len(key.public_key) > 1_000:
            key.public_key = b"\xff" * len(key.public_key)
    return [
        with_request(keys, weak, own),
        with_request(keys, keys.tls, own, another),
        with_request(keys, keys.tls, another),
        with_request(keys, keys.tls),
        altered,
        unsigned,
        message_from_envelope(
            sign_application(made, signing_keys=keys.signing, witness_key=keys.witness)
        ),
    ]


@pytest.mark.threat("T82")
async def test_a_bad_application_is_told_to_who_has_the_code_and_does_not_spend_it(
    hub: EnrolmentHub,
) -> None:
    code = await hub.invite(FRANCE)

    for bad in bad_applications():
        with pytest.raises(ApplicationInvalid):
            await apply(hub, code, bad)
        with pytest.raises(CodeRefused):
            await apply(hub, "", bad)

    await apply(hub, code, application())


async def test_keys_of_a_member_are_not_taken_again(hub: EnrolmentHub) -> None:
    code = await hub.invite(AgencyId("BR-NCB"))
    kept = (hub.stage.folder / "agencies" / "BR-NCB" / "application.json").read_text()
    with pytest.raises(ApplicationInvalid):
        await apply(hub, code, message_from_envelope(envelope_from_json(kept)))
    await hub.refuse(AgencyId("BR-NCB"))


@pytest.mark.threat("T82")
async def test_nothing_is_told_without_the_secret_of_the_challenge(hub: EnrolmentHub) -> None:
    keys = generate_applicant_keys([ED25519])
    sent = application(keys=keys)
    challenge = await apply(hub, await hub.invite(FRANCE), sent)
    digest = digest_of(sent.payload)
    said = set()

    for asked, proof in [(digest, bytes(32)), (digest, b""), (bytes(32), bytes(32)), (b"", b"")]:
        request = FetchAdmissionRequest(application_digest=asked, sealing_proof=proof)
        with pytest.raises(NotFound) as refused:
            await hub.port.fetch_admission(request, ca_certificate=hub.ca)
        said.add(refused.value.message)

    assert len(said) == 1
    assert await hub.pending() == []  # whose sealing key is not proven is not approved
    with pytest.raises(NotFound):
        await hub.approve(FRANCE, digest)
    secret = open_challenge(challenge, keys.sealing, application_digest=digest)
    request = FetchAdmissionRequest(application_digest=digest, sealing_proof=secret)
    await hub.port.fetch_admission(request, ca_certificate=hub.ca)
    assert [one.agency.agency_id for one in await hub.pending()] == [FRANCE]


@pytest.mark.threat("T81")
async def test_a_lying_hub_gets_no_code(hub: EnrolmentHub, tmp_path: Path) -> None:
    enroller = hub.enroller(FRANCE, tmp_path / "FR", fingerprint="00" * 32)
    enroller.make_keys(name="Sample office", new=NewKeys(), now=utc_now())

    with pytest.raises(HubNotVerified):
        await enroller.verify_hub()
    # Nothing was pinned, so that there is no authority to send a code to.
    with pytest.raises(HubUnreachable):
        await enroller.apply(await hub.invite(FRANCE))


async def test_another_domain_than_the_hub_s_is_not_connected_to(hub: EnrolmentHub) -> None:
    port = EnrolmentPort(hub.enrolment_address, hub_domain="another.example")

    with pytest.raises(HubUnreachable):
        await port.describe()


async def test_nothing_is_sent_where_nobody_answers(hub: EnrolmentHub) -> None:
    with pytest.raises(HubUnreachable):
        await EnrolmentPort("127.0.0.1:1", hub_domain=DOMAIN).describe()


@pytest.mark.threat("T85")
async def test_more_than_an_application_can_hold_is_not_read(hub: EnrolmentHub) -> None:
    with pytest.raises(TooLarge):
        await apply(hub, "", Envelope(payload=bytes(70_000)))


async def test_a_member_that_was_invited_by_mistake_stays_as_it_is(hub: EnrolmentHub) -> None:
    await hub.invite(AgencyId("BR-NCB"))
    await hub.refuse(AgencyId("BR-NCB"))

    assert AgencyId("BR-NCB") in hub.running.membership.roster.active_agencies()


class Relay:
    """Carries connections from another address of this machine, as if from another peer."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_hub = await asyncio.open_connection("127.0.0.1", self._port, local_addr=("127.0.0.2", 0))
        await asyncio.gather(_carry(reader, to_hub[1]), _carry(to_hub[0], writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@pytest.mark.threat("T85")
async def test_a_flood_from_one_peer_does_not_hold_another_up(
    hub: EnrolmentHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peer_limits, "FIRST_DELAY_SECONDS", 60.0)
    monkeypatch.setattr(peer_limits, "CALLS_AT_ONCE", 20)
    code = await hub.invite(KENYA)
    relay = await asyncio.start_server(Relay(hub.running.enrolment_port or 0), "127.0.0.1", 0)
    address = f"127.0.0.1:{relay.sockets[0].getsockname()[1]}"
    flooding = replace_port(hub, address)

    async def guess() -> BaseException | None:
        try:
            await flooding.apply(ApplyRequest(application=application()), ca_certificate=hub.ca)
        except (CodeRefused, QuotaExceeded) as error:
            return error
        return None

    async with relay:
        refused = await asyncio.gather(*(guess() for _ in range(60)))
        again = await guess()
        enroller = hub.enroller(KENYA, tmp_path / "KE")
        enroller.make_keys(name="Sample office", new=NewKeys(), now=utc_now())
        await enroller.verify_hub()
        await enroller.apply(code)
        await enroller.fetch_state()

    assert None not in refused
    assert QuotaExceeded in {type(error) for error in refused}
    assert isinstance(again, QuotaExceeded)
    assert again.retry_after_seconds
    assert again.retry_after_seconds > 30


def replace_port(hub: EnrolmentHub, address: str) -> EnrolmentPort:
    return EnrolmentPort(address, hub_domain=hub.port.hub_domain)


async def test_a_revoked_agency_is_not_invited(hub: EnrolmentHub) -> None:
    gone = agencies_pb2.Agency(agency_id="SE-NCB", status=agencies_pb2.AGENCY_STATUS_REVOKED)
    database = Database(hub.settings.database_url)

    async def enter(transaction: LedgerTransaction, items: Sequence[object]) -> list[int]:
        entry = ledger_pb2.RosterEntry(agency=gone)
        return [transaction.append_roster(entry) for _ in items]

    await commit(database, enter, None)
    await database.dispose()

    with pytest.raises(AgencyExists, match="for good"):
        await hub.invite(AgencyId("SE-NCB"))


async def test_nothing_is_approved_while_the_authority_s_key_is_elsewhere(
    hub: EnrolmentHub, tmp_path: Path
) -> None:
    enroller = hub.enroller(FRANCE, tmp_path / "FR")
    enroller.make_keys(name="Sample office", new=NewKeys(), now=utc_now())
    await enroller.verify_hub()
    await enroller.apply(await hub.invite(FRANCE))
    await enroller.fetch_state()
    elsewhere = hub.settings.ca_key.rename(tmp_path / "ca-key.pem")

    with pytest.raises(InternalError, match="authority cannot sign") as failed:
        await hub.approve(FRANCE, enroller.application_digest())
    assert str(hub.settings.folder) not in failed.value.message
    [waiting] = await hub.pending()
    assert waiting.approvals == 1

    elsewhere.rename(hub.settings.ca_key)
    [invited] = [one.agency.agency_id for one in await hub.pending()]
    assert invited == FRANCE
