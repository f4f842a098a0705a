"""Tokens of our own making: everything that is wrong with one is refused, with the same words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from comity.errors import IdentityProviderAway, MalformedInput, TokenRefused
from comity.identity import AgencyId
from comity.v1.officers_pb2 import ROLE_OFFICER, ROLE_SUPERVISOR
from hub.identity.keycloak.officers import KeycloakOfficers
from hub.identity.keycloak.realm import Realm
from hub.identity.keycloak.signing_keys import RETRY_SECONDS, SigningKeys
from hub.identity.keycloak.tokens import LEEWAY_SECONDS
from hub.services.accounts.directory import KnownOfficer
from hub.services.calls import Officer
from tests.known_officers import KnownOfficers

FRANCE, BRAZIL = AgencyId("FR-NCB"), AgencyId("BR-NCB")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())
CERTIFICATE = hashlib.sha256(b"a certificate").hexdigest()
OTHER_CERTIFICATE = hashlib.sha256(b"another").hexdigest()
REALM = Realm("https://keycloak.example/realms/comity", Path("ca.pem"), Path("secret"))
KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
NAME = "a.sample"
REFUSED_WORDS = TokenRefused.default_message


def thumbprint(certificate_id: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(certificate_id)).rstrip(b"=").decode()


def claims(**other: Any) -> dict[str, Any]:
    """What a good token says; None leaves a claim out."""
    good = {
        "iss": REALM.issuer,
        "aud": REALM.audience,
        "azp": REALM.log_in_client,
        "typ": "Bearer",
        "sub": "3f0d",
        "sid": "a session",
        "preferred_username": NAME,
        "groups": ["/agencies/FR-NCB", "/staff"],
        "cnf": {"x5t#S256": thumbprint(CERTIFICATE)},
        "auth_time": SECOND,
        "iat": SECOND,
        "exp": SECOND + 300,
    }
    return {name: value for name, value in (good | other).items() if value is not None}


def signed(
    content: Mapping[str, Any],
    *,
    key: ec.EllipticCurvePrivateKey = KEY,
    key_id: str | None = "one",
) -> str:
    headers = {} if key_id is None else {"kid": key_id}
    return jwt.encode(dict(content), key, algorithm="ES256", headers=headers)


def by_hand(header: Mapping[str, Any], *, secret: bytes | None = None) -> str:
    """A token of a library that signs whatever it is told to."""
    parts = [json.dumps(part).encode() for part in (header, claims())]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = b"" if secret is None else hmac.digest(secret, text, "sha256")
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def jwk(key: ec.EllipticCurvePrivateKey, key_id: str, **other: Any) -> dict[str, Any]:
    shown = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**shown, "kid": key_id, "use": "sig", "alg": "ES256", **other}


class KeycloakOfOurs:
    """Publishes keys, and may be away."""

    def __init__(self) -> None:
        self.keys = [jwk(KEY, "one")]
        self.away = False
        self.asked = 0
        self.moment = 1_000.0
        self.now = NOW
        self.signing_keys = SigningKeys(
            self.fetch, algorithms=REALM.algorithms, monotonic=lambda: self.moment
        )
        self.directory = KnownOfficers(
            {(FRANCE, NAME): KnownOfficer("officer 1", frozenset({ROLE_OFFICER}), is_active=True)}
        )
        self.officers = KeycloakOfficers(
            REALM, keys=self.signing_keys, directory=self.directory, clock=lambda: self.now
        )

    async def fetch(self) -> list[Mapping[str, Any]]:
        self.asked += 1
        if self.away:
            raise IdentityProviderAway()
        return list(self.keys)

    async def identify(
        self, token: str, agency: AgencyId = FRANCE, certificate: str = CERTIFICATE
    ) -> str:
        found = await self.officers.identify(token, agency=agency, certificate_id=certificate)
        return found.officer_id


@pytest.fixture
def provider() -> KeycloakOfOurs:
    return KeycloakOfOurs()


async def test_a_good_token_names_its_officer(provider: KeycloakOfOurs) -> None:
    found = await provider.officers.identify(
        signed(claims()), agency=FRANCE, certificate_id=CERTIFICATE
    )

    expected = Officer(
        "officer 1", frozenset({ROLE_OFFICER}), "a session", logged_in_at=claims()["auth_time"]
    )
    assert expected == found


PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
BAD_TOKENS = {
    "nothing like one": "no.token.here",
    "alg none": by_hand({"alg": "none", "typ": "JWT"}),
    "alg none of a known key": by_hand({"alg": "none", "kid": "one"}),
    "HS256 with the public key": by_hand({"alg": "HS256", "kid": "one"}, secret=PUBLIC_PEM),
    "ES256 of an empty signature": by_hand({"alg": "ES256", "kid": "one"}),
    "a key that it brings along": jwt.encode(
        claims(), OTHER_KEY, algorithm="ES256", headers={"jwk": jwk(OTHER_KEY, "one")}
    ),
    "no key id": signed(claims(), key_id=None),
    "an unknown key id": signed(claims(), key_id="two"),
    "another key under the id": signed(claims(), key=OTHER_KEY),
    "wrong issuer": signed(claims(iss="https://keycloak.example/realms/other")),
    "wrong audience": signed(claims(aud="account")),
    "no audience": signed(claims(aud=None)),
    "another client": signed(claims(azp="somebody")),
    "an id token": signed(claims(typ="ID")),
    "no subject": signed(claims(sub=None)),
    "no session": signed(claims(sid=None)),
    "no user name": signed(claims(preferred_username=None)),
    "no time of the log-in": signed(claims(auth_time=None)),
    "no end": signed(claims(exp=None)),
    "an end that is no whole number": signed(claims(exp=SECOND + 300.5)),
    "a life of a day": signed(claims(exp=SECOND + 86_400)),
    "expired": signed(claims(iat=SECOND - 400, exp=SECOND - LEEWAY_SECONDS)),
    "not yet valid": signed(claims(nbf=SECOND + LEEWAY_SECONDS + 1)),
    "issued in the future": signed(claims(iat=SECOND + LEEWAY_SECONDS + 1)),
    "no groups": signed(claims(groups=None)),
    "no agency's group": signed(claims(groups=["/staff"])),
    "two agencies' groups": signed(claims(groups=["/agencies/FR-NCB", "/agencies/BR-NCB"])),
    "a group below an agency's": signed(claims(groups=["/agencies/FR-NCB/desk"])),
    "a group that ends like one": signed(claims(groups=["/other/agencies/FR-NCB"])),
    "a group by its name": signed(claims(groups=["FR-NCB"])),
    "groups that are text": signed(claims(groups="/agencies/FR-NCB")),
    "an attribute instead": signed(claims(groups=[], agency="FR-NCB")),
    "no binding": signed(claims(cnf=None)),
    "a binding to a key": signed(claims(cnf={"jkt": thumbprint(CERTIFICATE)})),
    "another certificate's binding": signed(
        claims(cnf={"x5t#S256": thumbprint(OTHER_CERTIFICATE)})
    ),
    "a binding that is no base64": signed(claims(cnf={"x5t#S256": "é"})),
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
@pytest.mark.threat("T100")
async def test_a_token_is_refused_that_is(provider: KeycloakOfOurs, token: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        await provider.identify(token)

    assert str(refused.value) == REFUSED_WORDS


@pytest.mark.parametrize(
    "content",
    [
        claims(iat=SECOND - 300, exp=SECOND - LEEWAY_SECONDS + 1),
        claims(iat=SECOND + LEEWAY_SECONDS),
        claims(nbf=SECOND + LEEWAY_SECONDS),
    ],
    ids=["ended", "begins", "not before"],
)
async def test_clocks_may_differ_a_little(
    provider: KeycloakOfOurs, content: dict[str, Any]
) -> None:
    assert await provider.identify(signed(content)) == "officer 1"


async def test_a_token_that_was_good_is_refused_when_its_time_is_up(
    provider: KeycloakOfOurs,
) -> None:
    token = signed(claims())
    await provider.identify(token)

    provider.now += timedelta(seconds=300 + LEEWAY_SECONDS)

    with pytest.raises(TokenRefused):
        await provider.identify(token)


@pytest.mark.parametrize(
    ("agency", "certificate"), [(BRAZIL, CERTIFICATE), (FRANCE, OTHER_CERTIFICATE)], ids=str
)
async def test_a_known_token_is_refused_on_another_channel(
    provider: KeycloakOfOurs, agency: AgencyId, certificate: str
) -> None:
    provider.directory.officers[BRAZIL, NAME] = provider.directory.officers[FRANCE, NAME]
    token = signed(claims())
    await provider.identify(token)

    with pytest.raises(TokenRefused):
        await provider.identify(token, agency, certificate)


# --- the hub's own table ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known",
    [
        None,
        KnownOfficer("officer 1", frozenset(), is_active=False),
        KnownOfficer("officer 1", frozenset(), is_active=True, not_before=NOW),
    ],
    ids=["not there", "locked", "logged out since"],
)
async def test_whom_the_table_does_not_let_is_refused_at_once(
    provider: KeycloakOfOurs, known: KnownOfficer | None
) -> None:
    token = signed(claims())
    await provider.identify(token)

    if known is None:
        provider.directory.officers.clear()
    else:
        provider.directory.officers[FRANCE, NAME] = known

    with pytest.raises(TokenRefused):
        await provider.identify(token)


async def test_a_session_that_was_ended_is_refused_though_it_was_refreshed_since(
    provider: KeycloakOfOurs,
) -> None:
    ended = KnownOfficer("officer 1", frozenset(), is_active=True, not_before=NOW)
    provider.directory.officers[FRANCE, NAME] = ended
    provider.now += timedelta(seconds=60)

    with pytest.raises(TokenRefused):
        await provider.identify(signed(claims(iat=SECOND + 60, exp=SECOND + 360)))


@pytest.mark.threat("T101")
async def test_roles_are_the_tables_and_not_the_tokens(provider: KeycloakOfOurs) -> None:
    content = claims(realm_access={"roles": ["ROLE_HUB_ADMINISTRATOR"]})
    supervisor = KnownOfficer("officer 1", frozenset({ROLE_SUPERVISOR}), is_active=True)
    provider.directory.officers[FRANCE, NAME] = supervisor

    found = await provider.officers.identify(
        signed(content), agency=FRANCE, certificate_id=CERTIFICATE
    )

    assert {ROLE_SUPERVISOR} == found.roles


async def logged_in(provider: KeycloakOfOurs) -> Officer:
    token = signed(claims())
    return await provider.officers.identify(token, agency=FRANCE, certificate_id=CERTIFICATE)


async def test_an_officer_stays_current_with_more_roles(provider: KeycloakOfOurs) -> None:
    officer = await logged_in(provider)
    roles = frozenset({ROLE_OFFICER, ROLE_SUPERVISOR})
    provider.directory.officers[FRANCE, NAME] = KnownOfficer("officer 1", roles, is_active=True)

    provider.officers.require_current(officer)


@pytest.mark.parametrize(
    "known",
    [
        KnownOfficer("officer 2", frozenset({ROLE_OFFICER}), is_active=True),
        KnownOfficer("officer 1", frozenset({ROLE_OFFICER}), is_active=False),
        KnownOfficer("officer 1", frozenset({ROLE_SUPERVISOR}), is_active=True),
        KnownOfficer("officer 1", frozenset({ROLE_OFFICER}), is_active=True, not_before=NOW),
    ],
    ids=["not there", "locked", "with another role", "logged out since"],
)
async def test_an_open_stream_ends_for_who_is_no_longer_let(
    provider: KeycloakOfOurs, known: KnownOfficer
) -> None:
    officer = await logged_in(provider)
    provider.directory.officers[FRANCE, NAME] = known

    with pytest.raises(TokenRefused):
        provider.officers.require_current(officer)


async def test_a_token_after_the_last_log_out_is_taken(provider: KeycloakOfOurs) -> None:
    ended = KnownOfficer(
        "officer 1", frozenset(), is_active=True, not_before=NOW - timedelta(seconds=1)
    )
    provider.directory.officers[FRANCE, NAME] = ended

    assert await provider.identify(signed(claims())) == "officer 1"


# --- keys ---------------------------------------------------------------------------------------


async def test_a_new_key_is_fetched_when_a_token_names_it(provider: KeycloakOfOurs) -> None:
    await provider.identify(signed(claims()))
    provider.keys.append(jwk(OTHER_KEY, "two"))
    provider.moment += RETRY_SECONDS

    assert await provider.identify(signed(claims(), key=OTHER_KEY, key_id="two")) == "officer 1"


async def test_invented_key_ids_are_asked_for_seldom(provider: KeycloakOfOurs) -> None:
    for number in range(20):
        with pytest.raises(TokenRefused):
            await provider.identify(signed(claims(), key_id=f"invented {number}"))

    assert provider.asked == 1


@pytest.mark.threat("T100")
async def test_a_token_of_a_withdrawn_key_is_refused_though_it_was_known(
    provider: KeycloakOfOurs,
) -> None:
    token = signed(claims())
    await provider.identify(token)
    provider.keys = [jwk(OTHER_KEY, "two")]

    await provider.signing_keys.refresh()

    with pytest.raises(TokenRefused):
        await provider.identify(token)


@pytest.mark.parametrize(
    "other", [{"use": "enc"}, {"alg": "RS256"}, {"alg": "none"}, {"crv": "P-0"}], ids=str
)
async def test_a_key_for_something_else_verifies_nothing(
    provider: KeycloakOfOurs, other: dict[str, str]
) -> None:
    provider.keys = [jwk(KEY, "one", **other)]

    with pytest.raises(TokenRefused):
        await provider.identify(signed(claims()))


async def test_known_keys_go_on_while_keycloak_is_away(provider: KeycloakOfOurs) -> None:
    await provider.identify(signed(claims()))
    provider.away = True
    await provider.signing_keys.refresh()

    assert await provider.identify(signed(claims(sid="another session"))) == "officer 1"


async def test_a_realm_that_is_not_set_up_yet_counts_as_away() -> None:
    async def fetch() -> list[Mapping[str, Any]]:
        raise MalformedInput("Keycloak refused: 404 Realm does not exist")

    keys = SigningKeys(fetch, algorithms=REALM.algorithms, monotonic=lambda: 0.0)

    await keys.refresh()

    with pytest.raises(IdentityProviderAway):
        await keys.get("one")


async def test_a_hub_that_never_had_the_keys_says_that_keycloak_is_away(
    provider: KeycloakOfOurs,
) -> None:
    provider.away = True

    with pytest.raises(IdentityProviderAway):
        await provider.identify(signed(claims()))
