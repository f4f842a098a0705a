"""Log-in of an officer at the hub's Keycloak: by device, by authorization code with PKCE, refresh.

RFC 8628 (device), RFC 7636 (PKCE), RFC 8705 (tokens bound to the agency's certificate). Called by
the command line and by the desk. No password passes here: officers type it at Keycloak's own pages.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import ssl
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from agency_client.profile import CERTIFICATE, HUB_CA, Profile
from agency_client.tls_pair import load_tls_pair
from comity.errors import IdentityProviderAway, LogInRequired, MalformedInput
from comity.v1.sessions_pb2 import Tokens

KEYCLOAK_CA = "keycloak-ca.pem"  # in the profile where another authority than the hub's signed it
ANSWER_SECONDS = 15.0
MAX_ANSWER_BYTES = 262_144  # tokens are kilobytes; whatever is longer is no answer
SLOWER_SECONDS = 5.0  # RFC 8628 §3.5
VERIFIER_BYTES = 48  # 64 characters, within the 43 to 128 of RFC 7636 §4.1
MAX_INTERVAL_SECONDS = 60.0
SCOPE = "openid"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True, repr=False)
class KeycloakTokens:
    """Secrets: an access token for the hub, and what the next is had with. Lives are in seconds."""

    access_token: str
    access_seconds: float
    refresh_token: str
    refresh_seconds: float


def tokens_message(tokens: KeycloakTokens) -> Tokens:
    """Keycloak's tokens as they are kept beside the hub's own."""
    message = Tokens(access_token=tokens.access_token, refresh_token=tokens.refresh_token)
    message.access_expires_in.FromTimedelta(timedelta(seconds=tokens.access_seconds))
    message.refresh_expires_in.FromTimedelta(timedelta(seconds=tokens.refresh_seconds))
    return message


@dataclass(frozen=True, slots=True, repr=False)
class DeviceLogIn:
    """A log-in that waits for its officer at a page. `verifier` and `device_code` are secrets."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str
    device_code: str
    verifier: str
    interval_seconds: float
    expires_seconds: float


@dataclass(frozen=True, slots=True, repr=False)
class CodeLogIn:
    """A log-in by a browser, which comes back to the redirect URI with this `state` and a code."""

    url: str
    redirect_uri: str
    state: str
    verifier: str


class KeycloakLogIn:
    """Where the officers of a hub log in."""

    def __init__(
        self,
        profile: Profile,
        *,
        issuer: str,
        client_id: str,
        passphrase: Callable[[], bytes | None] = lambda: None,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Takes issuer and client as the hub names them.

        Raises: MalformedInput where the issuer is no https address.
        """
        if urlsplit(issuer).scheme != "https":
            raise MalformedInput("The hub's identity provider has no https address.")
        self._profile = profile
        self._routes = f"{issuer.rstrip('/')}/protocol/openid-connect"
        self._client_id = client_id
        self._passphrase = passphrase
        self._token_bytes = token_bytes
        self._sleep = sleep

    async def begin_device(self) -> DeviceLogIn:
        """Begins a log-in by device; the officer opens the page that it names.

        Raises: IdentityProviderAway, LogInRequired, MalformedInput.
        """
        verifier = self._secret()
        challenge = _challenge(verifier)
        try:
            answer = await self._post(
                "auth/device",
                scope=SCOPE,
                code_challenge=challenge,
                code_challenge_method="S256",
            )
        except _OAuthError as error:
            raise _refused(error) from error
        try:
            return DeviceLogIn(
                user_code=str(answer["user_code"]),
                verification_uri=str(answer["verification_uri"]),
                verification_uri_complete=str(answer["verification_uri_complete"]),
                device_code=str(answer["device_code"]),
                verifier=verifier,
                interval_seconds=min(float(answer.get("interval", 5)), MAX_INTERVAL_SECONDS),
                expires_seconds=float(answer["expires_in"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise IdentityProviderAway("The identity provider's answer is not one.") from error

    async def finish_device(self, begun: DeviceLogIn) -> KeycloakTokens:
        """Waits until the officer has logged in at the page.

        Raises: LogInRequired where that was denied or took too long; IdentityProviderAway.
        """
        interval, waited = begun.interval_seconds, 0.0
        while waited <= begun.expires_seconds:
            await self._sleep(interval)
            waited += interval
            try:
                return await self._tokens(
                    grant_type=_DEVICE_GRANT,
                    device_code=begun.device_code,
                    code_verifier=begun.verifier,
                )
            except _OAuthError as error:
                if error.error == "slow_down":
                    interval += SLOWER_SECONDS
                elif error.error != "authorization_pending":
                    raise _refused(error) from error
        raise LogInRequired("Nobody logged in at the page in time. Begin again.")

    def begin_code(self, *, redirect_uri: str) -> CodeLogIn:
        """The page that a browser has to open, for a log-in by authorization code with PKCE."""
        verifier, state = self._secret(), self._secret()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": redirect_uri,
                "scope": SCOPE,
                "state": state,
                "code_challenge": _challenge(verifier),
                "code_challenge_method": "S256",
            }
        )
        return CodeLogIn(f"{self._routes}/auth?{query}", redirect_uri, state, verifier)

    async def finish_code(self, begun: CodeLogIn, *, code: str, state: str) -> KeycloakTokens:
        """The tokens for what the browser came back with.

        Raises: LogInRequired where it is of another log-in or too late; IdentityProviderAway.
        """
        if not secrets.compare_digest(state.encode(), begun.state.encode()):
            raise LogInRequired("The browser came back from another log-in. Begin again.")
        return await self._tokens_or_log_in(
            grant_type="authorization_code",
            code=code,
            redirect_uri=begun.redirect_uri,
            code_verifier=begun.verifier,
        )

    async def refresh(self, refresh_token: str) -> KeycloakTokens:
        """New tokens for old ones; the refresh token is good for once.

        Raises: LogInRequired where the session has ended, or the certificate is another now;
        IdentityProviderAway.
        """
        return await self._tokens_or_log_in(grant_type="refresh_token", refresh_token=refresh_token)

    async def log_out(self, refresh_token: str) -> None:
        """Ends the session.

        Raises: IdentityProviderAway.
        """
        try:
            await self._post("logout", refresh_token=refresh_token)
        except _OAuthError:
            return  # it had ended before

    async def _tokens_or_log_in(self, **request: str) -> KeycloakTokens:
        try:
            return await self._tokens(**request)
        except _OAuthError as error:
            raise _refused(error) from error

    async def _tokens(self, **request: str) -> KeycloakTokens:
        answer = await self._post("token", **request)
        try:
            return KeycloakTokens(
                access_token=str(answer["access_token"]),
                access_seconds=float(answer["expires_in"]),
                refresh_token=str(answer["refresh_token"]),
                refresh_seconds=float(answer["refresh_expires_in"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise IdentityProviderAway("The identity provider's answer is not one.") from error

    async def _post(self, route: str, **request: str) -> Mapping[str, Any]:
        body = urlencode({"client_id": self._client_id, **request}).encode()
        return await asyncio.to_thread(self._post_now, f"{self._routes}/{route}", body)

    def _post_now(self, url: str, body: bytes) -> Mapping[str, Any]:
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self._context()), _NoRedirect()
        )
        try:
            with opener.open(url, body, timeout=ANSWER_SECONDS) as answer:
                return _parse(answer.read(MAX_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                raise _error_of(error.code, error.read(MAX_ANSWER_BYTES)) from error
        except OSError as error:  # urllib's own are OSErrors
            raise IdentityProviderAway() from error

    def _context(self) -> ssl.SSLContext:
        """TLS 1.3 with the agency's certificate, so that what is handed out is bound to it."""
        self._profile.require_joined()
        passphrase = self._passphrase()
        # Says what is wrong; OpenSSL would ask on the screen.
        key = load_tls_pair(self._profile, passphrase).key_path
        own = self._profile.path(KEYCLOAK_CA)
        context = ssl.create_default_context(
            cafile=str(own if own.exists() else self._profile.path(HUB_CA))
        )
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self._profile.path(CERTIFICATE), key, passphrase)
        return context

    def _secret(self) -> str:
        return _base64(self._token_bytes(VERIFIER_BYTES))


class _OAuthError(Exception):
    """What Keycloak answers where it hands out nothing (RFC 6749 §5.2). Stays in this module."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: no secret goes to another address than the one that the hub named."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        """Gives no request to go on with."""


def _refused(error: _OAuthError) -> LogInRequired:
    words = {
        "access_denied": "The log-in was denied at the page.",
        "expired_token": "Nobody logged in at the page in time. Begin again.",
        "invalid_grant": "The log-in has ended, or is of another certificate. Log in again.",
    }
    otherwise = f"The identity provider refused ({error.error}). Log in again."
    return LogInRequired(words.get(error.error, otherwise))


def _error_of(status: int, body: bytes) -> IdentityProviderAway | _OAuthError:
    if status >= _SERVER_FAULT:
        return IdentityProviderAway()
    code = _parse(body).get("error")
    return _OAuthError(code if isinstance(code, str) and code.isidentifier() else str(status))


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body) if body else {}
    except ValueError as error:
        raise IdentityProviderAway("The identity provider's answer is not one.") from error
    return answer if isinstance(answer, dict) else {}


def _challenge(verifier: str) -> str:
    return _base64(hashlib.sha256(verifier.encode()).digest())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
