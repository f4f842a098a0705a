"""An officer's browser at Keycloak's pages: follows redirects, keeps cookies, fills in forms."""

from __future__ import annotations

import hmac
import html
import re
import ssl
import struct
import time
import urllib.error
import urllib.request
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

_FORM = re.compile(r'<form[^>]*\baction="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'\b(name|value|type)="([^"]*)"')
_NEW_SECOND_FACTOR = re.compile(r'name="totpSecret" value="([^"]+)"')


def one_time_code(secret: bytes) -> str:
    """The code of this half minute (RFC 6238), as an officer's telephone shows it."""
    moment = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(secret, moment, "sha1")
    start = digest[-1] & 0x0F
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFF_FFFF) % 1_000_000:06}"


class Browser:
    """Has no certificate of an agency's, as an officer's telephone has none."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(CookieJar()),
            _StopAtLoopback(),
        )
        self.url = ""
        self.page = ""

    def open(self, url: str, **fields: str) -> str:
        """Opens a page, or sends a form; gives the page that it ends at."""
        body = urlencode(fields).encode() if fields else None
        try:
            with self._opener.open(url, body, timeout=30) as answer:
                self._take(answer)
        except urllib.error.HTTPError as error:
            with error:
                self._take(error)
        return self.page

    def submit(self, **fields: str) -> str:
        """Sends the page's form with some fields filled in."""
        found = _FORM.search(self.page)
        assert found is not None, self.page
        kept = {}
        for tag in _INPUT.findall(found[2]):
            attributes = dict(_ATTRIBUTE.findall(tag))
            if attributes.get("type") == "hidden" or "value" in attributes:
                kept[attributes.get("name", "")] = html.unescape(attributes.get("value", ""))
        kept.pop("", None)
        kept.pop("cancel", None)
        return self.open(urljoin(self.url, html.unescape(found[1])), **{**kept, **fields})

    def log_in(self, user_name: str, password: str) -> str:
        """Fills in the log-in form, and what else is asked for: a second factor, consent."""
        self.submit(username=user_name, password=password)
        if found := _NEW_SECOND_FACTOR.search(self.page):
            self.submit(totp=one_time_code(found[1].encode()), userLabel="sample telephone")
        if 'name="accept"' in self.page:
            self.submit(accept="Yes")
        return self.page

    def _take(self, answer: HTTPResponse | urllib.error.HTTPError | Any) -> None:
        self.url = answer.headers.get("Location") or answer.geturl()
        self.page = answer.read().decode(errors="replace")


class _StopAtLoopback(urllib.request.HTTPRedirectHandler):
    """Stops before an officer's own machine, where the desk would be listening."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme == "http":
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)
