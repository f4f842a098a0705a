"""Certificates are renewed, keys rotated and ended; and what an agency may not do with either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from agency_client.agency import Agency
from comity.acts import message_from_envelope
from comity.applicant import SealingKey, generate_applicant_keys, request_certificate
from comity.application import key_message
from comity.errors import (
    ApplicationInvalid,
    CertificateRefused,
    ComityError,
    InputRefused,
    IssuedInFuture,
    IssuedTooLongAgo,
    MalformedInput,
    NotPermitted,
    QuotaExceeded,
    RotationInvalid,
    SignatureInvalid,
    SigningKeyUnknown,
    TooLarge,
    WrongHub,
    WrongOriginator,
)
from comity.identity import AgencyId
from comity.keys import ED25519, PrivateKey, generate_private_key
from comity.renewal import sign_renewal
from comity.rotation import sign_rotation
from comity.v1 import agencies_pb2 as agencies
from comity.v1 import membership_pb2 as pb
from comity.v1.officers_pb2 import ROLE_AGENCY_ADMINISTRATOR, ROLE_HUB_ADMINISTRATOR
from deploy.stage import DOMAIN
from hub.certificates import AGENCY_LIFE, CLOCK_SKEW
from hub.folder import load_authority
from hub.services.change_limits import MAX_CHANGES
from tests.databases import new_database
from tests.integration.drafts import Draft
from tests.integration.officers import Served, serving
from tests.integration.test_members import REASON, ask, change
from tests.stages import Stage

FRANCE = AgencyId("FR-NCB")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    url = None
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"))
    yield Stage(tmp_path_factory.mktemp("keys"), database_url=url)


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[Served]:
    async with serving(stage) as hub:
        yield hub


@pytest.fixture
async def member(served: Served, request: pytest.FixtureRequest) -> AsyncIterator[Agency]:
    """A member of this test's own, with keys as they were admitted."""
    name = f"FR-{abs(hash(request.node.nodeid)) % 10**12}"
    await asyncio.to_thread(served.stage.admit, name)
    await served.hub.membership.refresh()
    async with served.client(name) as opened:
        # Another process has admitted it: the hub hears of that in its next round.
        while name not in opened.trust.roster.agencies:
            await opened.client.refresh_roster()
        yield opened


def csr_for(opened: Agency, key: Any = None, *, agency: str | None = None) -> bytes:
    return request_certificate(
        key or ec.generate_private_key(ec.SECP256R1()),
        agency=AgencyId(agency or opened.profile.agency),
        hub_domain=DOMAIN,
    )


async def renew(
    opened: Agency, csr: bytes, *, keys: Sequence[PrivateKey] | None = None, **other: Any
) -> x509.Certificate:
    envelope = sign_renewal(
        csr,
        hub_domain=other.get("hub_domain", DOMAIN),
        agency=other.get("agency", opened.profile.agency),
        now=other.get("now", datetime.now(UTC)),
        keys=opened.profile.load_signing_keys() if keys is None else keys,
    )
    request = pb.RenewCertificateRequest(renewal=message_from_envelope(envelope))
    response: pb.RenewCertificateResponse = await ask(opened, "RenewCertificate", request)
    return x509.load_pem_x509_certificate(response.certificate.encode())


@asynccontextmanager
async def calling_with(
    served: Served, opened: Agency, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> AsyncIterator[Agency]:
    """The same agency on a channel of another certificate."""
    from comity.applicant import pem_from_key

    folder = opened.profile.folder
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "tls-key.pem").write_bytes(pem_from_key(key))
    async with served.client(opened.profile.agency) as other:
        yield other


async def current_certificates(opened: Agency) -> set[str]:
    await opened.client.refresh_roster()
    return {
        record.key.key_id
        for record in opened.trust.roster.keys_of(opened.profile.agency)
        if record.key.purpose == agencies.KEY_PURPOSE_TLS and record.ended_entry is None
    }


async def test_a_renewed_certificate_is_good_beside_the_one_that_asked_for_it(
    served: Served, member: Agency
) -> None:
    before = await current_certificates(member)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = await renew(member, csr_for(member, key))
    certificate_id = certificate.fingerprint(SHA256()).hex()

    assert certificate.public_key() == key.public_key()
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life == AGENCY_LIFE + CLOCK_SKEW
    assert before | {certificate_id} == await current_certificates(member)

    async with calling_with(served, member, key, certificate) as other:
        await other.client.get_checkpoint()
        latest = await renew(other, csr_for(other))
        # The one before the one that asked is ended, and refused from here on.
        assert {certificate_id, latest.fingerprint(SHA256()).hex()} == await current_certificates(
            other
        )


@pytest.mark.threat("T113")
async def test_an_ended_certificate_renews_nothing(served: Served, member: Agency) -> None:
    [certificate_id] = await current_certificates(member)
    async with served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (hub, _):
        request = pb.EndKeysRequest(
            agency_id=member.profile.agency, key_ids=[certificate_id], reason=REASON
        )
        await ask(hub, "EndKeys", request)
    with pytest.raises(CertificateRefused):
        await renew(member, csr_for(member))


def _weak(opened: Agency) -> bytes:
    name = x509.UniformResourceIdentifier(f"spiffe://{DOMAIN}/agency/{opened.profile.agency}")
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=True)
    return builder.sign(rsa.generate_private_key(65537, 2048), SHA256()).public_bytes(Encoding.DER)


def _with_another_name(opened: Agency) -> bytes:
    names: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(f"spiffe://{DOMAIN}/agency/{agency}")
        for agency in (opened.profile.agency, "BR-NCB")
    ]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    key = ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def _spoilt(opened: Agency) -> bytes:
    csr = csr_for(opened)
    return csr[:-4] + bytes(byte ^ 1 for byte in csr[-4:])


@pytest.mark.parametrize(
    ("csr", "expected"),
    [
        (lambda _: b"", ApplicationInvalid),
        (lambda _: b"x" * 9_000, TooLarge),
        (lambda o: csr_for(o, agency="BR-NCB"), ApplicationInvalid),
        (_weak, ApplicationInvalid),
        (_with_another_name, ApplicationInvalid),
        (_spoilt, ApplicationInvalid),
    ],
    ids=["empty", "huge", "another's", "weak key", "two names", "bad signature"],
)
@pytest.mark.threat("T113")
async def test_a_request_that_cannot_be_signed_is_refused_and_changes_nothing(
    member: Agency, csr: Callable[[Agency], bytes], expected: type[ComityError]
) -> None:
    before = await current_certificates(member)
    with pytest.raises(expected):
        await renew(member, csr(member))
    assert before == await current_certificates(member)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"keys": [generate_private_key(ED25519)]}, SigningKeyUnknown),
        ({"keys": []}, SigningKeyUnknown),
        ({"hub_domain": "other.example"}, WrongHub),
        ({"agency": AgencyId("ZZ-HUB")}, WrongOriginator),
        ({"now": datetime.now(UTC) - timedelta(hours=2)}, IssuedTooLongAgo),
        ({"now": datetime.now(UTC) + timedelta(hours=2)}, IssuedInFuture),
    ],
    ids=["stranger's key", "no key", "another hub", "another agency", "old", "of tomorrow"],
)
@pytest.mark.threat("T113")
async def test_a_certificate_alone_renews_nothing(
    member: Agency, other: dict[str, Any], expected: type[ComityError]
) -> None:
    """Who has stolen the channel's key has not the signing key."""
    before = await current_certificates(member)
    with pytest.raises(expected):
        await renew(member, csr_for(member), **other)
    assert before == await current_certificates(member)


@pytest.mark.threat("T17")
async def test_renewing_again_and_again_is_told_to_wait(member: Agency) -> None:
    with pytest.raises(QuotaExceeded):
        for _ in range(MAX_CHANGES + 1):
            await renew(member, csr_for(member))


class Change:
    """A good change of all of a member's keys, of which a test spoils one thing."""

    def __init__(self, opened: Agency) -> None:
        self.hub_domain = DOMAIN
        self.agency = AgencyId(opened.profile.agency)
        self.old_keys: Sequence[PrivateKey] = opened.profile.load_signing_keys()
        made = generate_applicant_keys([ED25519])
        self.signing, self.witness = made.signing[0], made.witness
        self.sealing: SealingKey = made.sealing
        self.keys_added = [
            _message(agencies.KEY_PURPOSE_SIGNING, self.signing),
            _message(agencies.KEY_PURPOSE_WITNESS, self.witness),
            key_message(
                agencies.KEY_PURPOSE_SEALING,
                agencies.KEY_ALGORITHM_MLKEM768_X25519,
                self.sealing.public_bytes(),
            ),
        ]
        self.new_keys: Sequence[PrivateKey] = [self.signing, self.witness]
        self.key_ids_ended = [
            record.key.key_id
            for record in opened.trust.roster.keys_of(self.agency)
            if record.key.purpose != agencies.KEY_PURPOSE_TLS and record.ended_entry is None
        ]

    def request(self) -> pb.RotateKeysRequest:
        envelope = sign_rotation(
            hub_domain=self.hub_domain,
            agency=self.agency,
            keys_added=self.keys_added,
            key_ids_ended=self.key_ids_ended,
            now=datetime.now(UTC),
            old_keys=self.old_keys,
            new_keys=self.new_keys,
        )
        return pb.RotateKeysRequest(rotation=message_from_envelope(envelope))


def _message(purpose: agencies.KeyPurpose.ValueType, key: PrivateKey) -> agencies.AgencyKey:
    return key_message(purpose, key.public.algorithm, key.public.spki)


def draft_of(opened: Agency, keys: Sequence[PrivateKey]) -> Draft:
    draft = Draft(list(keys))
    draft.header.originator = opened.profile.agency
    draft.rule.agencies[:] = ["ZZ-HUB"]
    return draft


@pytest.mark.threat("T114")
async def test_a_rotated_key_signs_nothing_any_longer_and_the_new_one_does(
    member: Agency,
) -> None:
    """What the old one signed before is verified by it as ever."""
    change_of_keys = Change(member)
    old = draft_of(member, change_of_keys.old_keys)
    before = await member.client.submit_acts(old.acts())
    request = change_of_keys.request()
    index = (await ask(member, "RotateKeys", request)).entry_index

    with pytest.raises(SigningKeyUnknown):
        await member.client.submit_acts(draft_of(member, change_of_keys.old_keys).acts())
    await member.client.submit_acts(draft_of(member, [change_of_keys.signing]).acts())
    # The answer may have been lost: the same again has the same entry.
    assert index == (await ask(member, "RotateKeys", request)).entry_index
    (member.profile.folder / "signing-key.pem").unlink()
    await _keep_key(member, change_of_keys.signing)
    roster = member.trust.roster
    await member.client.list_agency_keys(0)
    assert before.receipt.entry_index < index
    old_id = change_of_keys.old_keys[0].public.key_id
    await _fold(member)
    assert old_id in roster.signing_keys_at(change_of_keys.agency, before.receipt.entry_index)
    assert old_id not in roster.signing_keys_at(change_of_keys.agency, index)


async def _keep_key(member: Agency, key: PrivateKey) -> None:
    from comity.keys import pem_from_private_key

    path = member.profile.folder / "signing-key.pem"
    path.write_bytes(pem_from_private_key(key))
    path.chmod(0o600)


async def _fold(member: Agency) -> None:
    """Takes what is new of the roster, whatever the profile's own keys are."""
    last = member.trust.roster.last_entry
    response = await member.client.list_agency_keys(0 if last is None else last + 1)
    for leaf in response.entries:
        member.trust.add_roster_leaf(leaf)


def _by_a_strangers_key(change_of_keys: Change) -> None:
    change_of_keys.old_keys = [generate_private_key(ED25519)]


def _by_the_new_keys_alone(change_of_keys: Change) -> None:
    change_of_keys.old_keys = []


def _without_a_new_keys_signature(change_of_keys: Change) -> None:
    change_of_keys.new_keys = [change_of_keys.signing]


def _for_another_hub(change_of_keys: Change) -> None:
    change_of_keys.hub_domain = "other.example"


def _of_another_agency(change_of_keys: Change) -> None:
    change_of_keys.agency = AgencyId("ZZ-HUB")


def _with_a_key_of_now(change_of_keys: Change) -> None:
    old = change_of_keys.old_keys[0]
    change_of_keys.keys_added.append(_message(agencies.KEY_PURPOSE_SIGNING, old))


def _leaving_no_sealing_key(change_of_keys: Change) -> None:
    del change_of_keys.keys_added[2]


def _ending_what_is_none(change_of_keys: Change) -> None:
    change_of_keys.key_ids_ended.append("0" * 64)


def _with_a_tls_key(change_of_keys: Change) -> None:
    change_of_keys.keys_added.append(
        agencies.AgencyKey(key_id="0" * 64, purpose=agencies.KEY_PURPOSE_TLS)
    )


def _of_nothing(change_of_keys: Change) -> None:
    change_of_keys.keys_added, change_of_keys.key_ids_ended = [], []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_by_a_strangers_key, SigningKeyUnknown),
        (_by_the_new_keys_alone, SigningKeyUnknown),
        (_without_a_new_keys_signature, RotationInvalid),
        (_for_another_hub, WrongHub),
        (_of_another_agency, WrongOriginator),
        (_with_a_key_of_now, RotationInvalid),
        (_leaving_no_sealing_key, RotationInvalid),
        (_ending_what_is_none, RotationInvalid),
        (_with_a_tls_key, RotationInvalid),
        (_of_nothing, RotationInvalid),
    ],
)
@pytest.mark.threat("T114")
async def test_a_change_of_keys_that_cannot_be_is_refused_and_changes_nothing(
    member: Agency, spoil: Callable[[Change], None], expected: type[InputRefused]
) -> None:
    change_of_keys = Change(member)
    spoil(change_of_keys)
    with pytest.raises(expected):
        await ask(member, "RotateKeys", change_of_keys.request())
    await member.client.submit_acts(draft_of(member, member.profile.load_signing_keys()).acts())


@pytest.mark.threat("T114")
async def test_a_key_that_has_ended_changes_no_keys(member: Agency) -> None:
    first = Change(member)
    await ask(member, "RotateKeys", first.request())
    await _keep_key(member, first.signing)
    await _fold(member)
    by_the_old_key = Change(member)
    by_the_old_key.old_keys = first.old_keys
    with pytest.raises(SigningKeyUnknown):
        await ask(member, "RotateKeys", by_the_old_key.request())


async def test_a_change_of_keys_that_was_altered_is_refused(member: Agency) -> None:
    request = Change(member).request()
    request.rotation.signatures[0].value = bytes(64)
    with pytest.raises(SignatureInvalid):
        await ask(member, "RotateKeys", request)


@pytest.mark.threat("T114")
async def test_nobody_takes_another_agencys_sealing_key(served: Served, member: Agency) -> None:
    change_of_keys = Change(member)
    roster = member.trust.roster
    [other] = [
        record.key
        for record in roster.keys_of(AgencyId("ZZ-HUB"))
        if record.key.purpose == agencies.KEY_PURPOSE_SEALING
    ]
    change_of_keys.keys_added[2] = other
    with pytest.raises(RotationInvalid, match="was a key before"):
        await ask(member, "RotateKeys", change_of_keys.request())


async def test_an_agencys_administrator_ends_its_own_keys_and_no_others(served: Served) -> None:
    served.stage.admit("FR-NCB")
    served.stage.admit("BR-NCB")
    async with served.officer("FR-NCB", ROLE_AGENCY_ADMINISTRATOR) as (france, _):
        await france.client.refresh_roster()
        keys = {
            agency: france.trust.roster.keys_of(AgencyId(agency))[0].key.key_id
            for agency in ("FR-NCB", "BR-NCB")
        }
        with pytest.raises(NotPermitted):
            request = pb.EndKeysRequest(agency_id="BR-NCB", key_ids=[keys["BR-NCB"]], reason=REASON)
            await ask(france, "EndKeys", request)
        with pytest.raises(MalformedInput, match="no current key"):
            request = pb.EndKeysRequest(agency_id="FR-NCB", key_ids=[keys["BR-NCB"]], reason=REASON)
            await ask(france, "EndKeys", request)
        request = pb.EndKeysRequest(agency_id="FR-NCB", key_ids=[keys["FR-NCB"]], reason=REASON)
        await ask(france, "EndKeys", request)
        with pytest.raises(SigningKeyUnknown):
            acts = draft_of(france, france.profile.load_signing_keys()).acts()
            await france.client.submit_acts(acts)


async def test_the_hubs_own_agency_keeps_what_its_administrators_call_with(
    served: Served,
) -> None:
    async with served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (hub, _):
        await hub.client.refresh_roster()
        records = hub.trust.roster.keys_of(AgencyId("ZZ-HUB"))
        for purpose in (agencies.KEY_PURPOSE_TLS, agencies.KEY_PURPOSE_SIGNING):
            ids = [r.key.key_id for r in records if r.key.purpose == purpose]
            request = pb.EndKeysRequest(agency_id="ZZ-HUB", key_ids=ids, reason=REASON)
            with pytest.raises(MalformedInput, match="own agency"):
                await ask(hub, "EndKeys", request)


async def test_an_ended_certificate_is_on_the_revocation_list(
    served: Served, member: Agency
) -> None:
    pem = (member.profile.folder / "certificate.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    async with served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (hub, _):
        request = pb.EndKeysRequest(
            agency_id=member.profile.agency,
            key_ids=[certificate.fingerprint(SHA256()).hex()],
            reason=REASON,
        )
        await ask(hub, "EndKeys", request)
        response = await ask(hub, "GetRevocationList", pb.GetRevocationListRequest())
    crl = x509.load_der_x509_crl(response.revocation_list)
    assert crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


async def test_the_revocation_list_names_what_is_taken_no_longer(
    served: Served, member: Agency
) -> None:
    async def listed() -> x509.CertificateRevocationList:
        request = pb.GetRevocationListRequest()
        async with served.client("ZZ-HUB") as hub:
            response: pb.GetRevocationListResponse = await ask(hub, "GetRevocationList", request)
        return x509.load_der_x509_crl(response.revocation_list)

    pem = (member.profile.folder / "certificate.pem").read_bytes()
    serial_number = x509.load_pem_x509_certificate(pem).serial_number
    before = await listed()
    async with served.officer("ZZ-HUB", ROLE_HUB_ADMINISTRATOR) as (hub, _):
        await change(hub, member.profile.agency, agencies.AGENCY_STATUS_SUSPENDED)
        held = await listed()
        await change(hub, member.profile.agency, agencies.AGENCY_STATUS_ACTIVE)
        released = await listed()
        await change(hub, member.profile.agency, agencies.AGENCY_STATUS_REVOKED)
        revoked = await listed()

    authority = load_authority(served.settings).certificate
    assert revoked.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    assert revoked.next_update_utc is not None
    assert revoked.next_update_utc - revoked.last_update_utc == timedelta(days=1)
    assert before.get_revoked_certificate_by_serial_number(serial_number) is None
    assert released.get_revoked_certificate_by_serial_number(serial_number) is None
    for crl, reason in (
        (held, x509.ReasonFlags.certificate_hold),
        (revoked, x509.ReasonFlags.privilege_withdrawn),
    ):
        entry = crl.get_revoked_certificate_by_serial_number(serial_number)
        assert entry is not None
        extension = entry.extensions.get_extension_for_class(x509.CRLReason)
        assert extension.value.reason == reason
