"""The client's side of a log-in, given answers of every kind. The real ones: tests/system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from agency_client.keycloak_login import KeycloakLogIn, _error_of, _NoRedirect
from agency_client.profile import Profile
from comity.errors import IdentityProviderAway, LogInRequired, MalformedInput
from comity.identity import AgencyId

ISSUER = "https://keycloak.example/realms/comity"
REDIRECT = "http://127.0.0.1:50123/callback"
DEVICE = {
    "device_code": "a code",
    "user_code": "ABCD-EFGH",
    "verification_uri": f"{ISSUER}/device",
    "verification_uri_complete": f"{ISSUER}/device?user_code=ABCD-EFGH",
    "interval": 5,
    "expires_in": 20,
}
TOKENS = {
    "access_token": "an access token",
    "expires_in": 300,
    "refresh_token": "a refresh token",
    "refresh_expires_in": 1800,
}


class Answering(KeycloakLogIn):
    """Takes one answer after another, the last for ever, and notes what was asked and waited."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        profile = Profile(Path("none"), AgencyId("FR-NCB"), "hub.example", "127.0.0.1:1")
        super().__init__(
            profile,
            issuer=ISSUER,
            client_id="comity",
            sleep=self._note,
        )
        self.answers = list(answers)
        self.waited: list[float] = []
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def _note(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def _post(self, route: str, **request: str) -> Mapping[str, Any]:
        self.asked.append((route, request))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def refusal(error: str) -> Exception:
    return _error_of(400, f'{{"error": "{error}"}}'.encode())


PENDING = refusal("authorization_pending")


async def test_a_device_is_asked_after_until_the_officer_has_logged_in() -> None:
    client = Answering(DEVICE, PENDING, refusal("slow_down"), PENDING, TOKENS)
    begun = await client.begin_device()

    tokens = await client.finish_device(replace(begun, expires_seconds=60.0))

    assert tokens.access_token == "an access token"
    assert client.waited == [5.0, 5.0, 10.0, 10.0]


async def test_a_device_is_given_up_when_its_time_is_over() -> None:
    client = Answering(DEVICE, PENDING)
    begun = await client.begin_device()

    with pytest.raises(LogInRequired, match="in time"):
        await client.finish_device(begun)

    assert sum(client.waited) <= begun.expires_seconds + begun.interval_seconds


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "denied at the page"),
        ("expired_token", "in time"),
        ("invalid_grant", "has ended"),
        ("something_else", "something_else"),
    ],
)
async def test_a_refusal_says_what_to_do(error: str, words: str) -> None:
    client = Answering(DEVICE, refusal(error))
    begun = await client.begin_device()

    with pytest.raises(LogInRequired, match=words):
        await client.finish_device(begun)


async def test_what_is_begun_is_proven_by_who_ends_it() -> None:
    client = Answering(TOKENS)
    begun = client.begin_code(redirect_uri=REDIRECT)
    shown = parse_qs(urlsplit(begun.url).query)

    await client.finish_code(begun, code="a code", state=begun.state)

    assert shown["code_challenge_method"] == ["S256"]
    assert begun.verifier not in begun.url
    assert begun.verifier == client.asked[0][1]["code_verifier"]


async def test_a_browser_that_comes_back_from_another_log_in_is_refused() -> None:
    client = Answering(TOKENS)
    begun = client.begin_code(redirect_uri=REDIRECT)

    with pytest.raises(LogInRequired):
        await client.finish_code(begun, code="a code", state="another")

    assert client.asked == []


@pytest.mark.parametrize("answer", [{}, {**TOKENS, "expires_in": "soon"}], ids=str)
async def test_what_is_no_answer_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(IdentityProviderAway):
        await Answering(answer).refresh("a refresh token")
    with pytest.raises(IdentityProviderAway):
        await Answering(answer).begin_device()


async def test_logging_out_of_what_has_ended_is_no_error() -> None:
    await Answering(refusal("invalid_grant")).log_out("a refresh token")


def test_faults_of_keycloak_and_of_gateways_are_told_from_refusals() -> None:
    assert IdentityProviderAway is type(_error_of(502, b"<html>"))
    assert IdentityProviderAway is not type(_error_of(400, b"{}"))
    with pytest.raises(IdentityProviderAway):
        _error_of(400, b"<html>")


def test_an_issuer_without_https_is_refused() -> None:
    profile = Profile(Path("none"), AgencyId("FR-NCB"), "hub.example", "127.0.0.1:1")
    with pytest.raises(MalformedInput):
        KeycloakLogIn(profile, issuer="http://keycloak.example/realms/comity", client_id="comity")


def test_nothing_is_followed_elsewhere() -> None:
    follow: Callable[[], object] = _NoRedirect().redirect_request

    assert follow() is None


async def test_secrets_are_not_shown_where_a_log_in_is_printed() -> None:
    client = Answering(DEVICE, TOKENS)
    begun = await client.begin_device()
    tokens = await client.finish_device(begun)

    for secret in ("a code", begun.verifier, "an access token", "a refresh token"):
        assert secret not in f"{begun!r} {tokens!r} {client.begin_code(redirect_uri=REDIRECT)!r}"
