"""The line to a Keycloak: TLS 1.3, the hub's own certificate, and its errors as ours.

The only module that imports python-keycloak. Its asynchronous half sends a client certificate only
where `verify` is an SSLContext that holds one; a path there silently sends none.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keycloak import KeycloakAdmin, KeycloakOpenID, KeycloakOpenIDConnection
from keycloak.exceptions import (
    KeycloakConnectionError,
    KeycloakError,
    KeycloakPostError,
    raise_error_from_response,
)

from comity.errors import IdentityProviderAway, MalformedInput
from hub.identity.keycloak.realm import Realm

TIMEOUT_SECONDS = 10  # nobody's call waits for it but that of who ends a session
SERVER_FAULT = 500
# The example of RFC 7636: what it begins, nobody ends.
_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
MASTER = "master"  # the realm of Keycloak's own administrators


@dataclass(frozen=True, slots=True)
class Administrator:
    """A log-in of Keycloak's own administration. Used for the setup alone, and never kept."""

    user_name: str
    password: str


class KeycloakLine:
    """How the hub reaches its realm. Files are read at every use: they get renewed."""

    def __init__(
        self, realm: Realm, *, certificate: Path, key: Path, load_secret: Callable[[], str]
    ) -> None:
        self.realm = realm
        self._load_secret = load_secret
        self._certificate = certificate
        self._key = key

    async def fetch_keys(self) -> list[Mapping[str, Any]]:
        """The realm's public keys, as JWKs.

        Raises: IdentityProviderAway.
        """
        with errors_as_ours():
            async with self._open_id(self.realm.log_in_client, self._anonymous()) as client:
                keys: list[Mapping[str, Any]] = (await client.a_certs())["keys"]
                return keys

    async def fetch_description(self) -> Mapping[str, Any]:
        """What the realm says of itself (OpenID Connect Discovery).

        Raises: IdentityProviderAway, MalformedInput.
        """
        with errors_as_ours():
            async with self._open_id(self.realm.log_in_client, self._anonymous()) as client:
                description: Mapping[str, Any] = await client.a_well_known()
                return description

    async def request_token(self) -> str:
        """An access token of the service client, asked for with the hub's certificate.

        Raises: IdentityProviderAway, MalformedInput.
        """
        return await self._service_token(self._mutual())

    async def request_token_without_certificate(self) -> str:
        """The same without one; a Keycloak that is set up right refuses it.

        Raises: IdentityProviderAway, MalformedInput.
        """
        return await self._service_token(self._anonymous())

    async def request_device_code(self) -> None:
        """Begins a log-in by device, as officers do, and leaves it at that.

        Raises: IdentityProviderAway, MalformedInput.
        """
        path = f"realms/{self.realm.name}/protocol/openid-connect/auth/device"
        request = {
            "client_id": self.realm.log_in_client,
            "code_challenge": _CHALLENGE,
            "code_challenge_method": "S256",
        }
        with errors_as_ours():
            async with self._open_id(self.realm.log_in_client, self._mutual()) as client:
                answer = await client.connection.a_raw_post(path, data=request)
                raise_error_from_response(answer, KeycloakPostError)

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[KeycloakAdmin]:
        """The realm, as the hub's service client may change it.

        Raises: IdentityProviderAway, MalformedInput.
        """
        connection = self._connection(
            client_id=self.realm.service_client,
            client_secret_key=self._load_secret(),
            grant_type="client_credentials",
            user_realm_name=self.realm.name,
        )
        async with _administration(connection) as admin:
            yield admin

    @asynccontextmanager
    async def as_administrator(self, login: Administrator) -> AsyncIterator[KeycloakAdmin]:
        """The realm, as Keycloak's administrator may make and change it.

        Raises: IdentityProviderAway, MalformedInput.
        """
        connection = self._connection(
            username=login.user_name, password=login.password, user_realm_name=MASTER
        )
        async with _administration(connection) as admin:
            yield admin

    async def _service_token(self, context: ssl.SSLContext) -> str:
        secret = self._load_secret()
        with errors_as_ours():
            async with self._open_id(self.realm.service_client, context, secret=secret) as client:
                answer = await client.a_token(grant_type="client_credentials")
                return str(answer["access_token"])

    def _connection(self, **how: Any) -> KeycloakOpenIDConnection:
        return KeycloakOpenIDConnection(
            server_url=self.realm.server_url,
            realm_name=self.realm.name,
            verify=self._mutual(),  # type: ignore[arg-type]  # says str; httpx takes a context
            timeout=TIMEOUT_SECONDS,
            **how,
        )

    @asynccontextmanager
    async def _open_id(
        self, client_id: str, context: ssl.SSLContext, *, secret: str | None = None
    ) -> AsyncIterator[KeycloakOpenID]:
        client = KeycloakOpenID(
            server_url=self.realm.server_url,
            realm_name=self.realm.name,
            client_id=client_id,
            client_secret_key=secret,
            verify=context,  # type: ignore[arg-type]
            timeout=TIMEOUT_SECONDS,
        )
        try:
            yield client
        finally:
            await client.connection.async_s.aclose()

    def _anonymous(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=str(self.realm.authority))
        except OSError as error:  # ssl.SSLError is one
            raise MalformedInput(f"{self.realm.authority} holds no certificate.") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context

    def _mutual(self) -> ssl.SSLContext:
        context = self._anonymous()
        try:
            context.load_cert_chain(self._certificate, self._key)
        except OSError as error:
            raise MalformedInput(
                f"{self._certificate} and {self._key} are no certificate and its key."
            ) from error
        return context


@asynccontextmanager
async def _administration(connection: KeycloakOpenIDConnection) -> AsyncIterator[KeycloakAdmin]:
    with errors_as_ours():
        try:
            yield KeycloakAdmin(connection=connection)
        finally:
            await connection.async_s.aclose()
            if connection._keycloak_openid is not None:
                await connection._keycloak_openid.connection.async_s.aclose()


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """Turns Keycloak's errors into ours: away, or refused with its words."""
    try:
        yield
    except KeycloakConnectionError as error:
        raise IdentityProviderAway() from error
    except KeycloakError as error:
        if error.response_code is None or error.response_code >= SERVER_FAULT:
            raise IdentityProviderAway() from error
        raise MalformedInput(
            f"Keycloak refused: {error.response_code} {_words_of(error)}"
        ) from error


def _words_of(error: KeycloakError) -> str:
    text = error.error_message
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
