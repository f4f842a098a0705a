"""Links of an entry: https with a domain name, and nothing hidden in them. Never fetches one."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_CHARACTERS = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")  # RFC 3986 section 2


def web_address_fault(url: str) -> str | None:
    """What is wrong with a link; None where it is good."""
    if not url:
        return "is missing"
    if not url.startswith("https://"):
        return "does not begin with https://"
    if not _CHARACTERS.fullmatch(url):
        return "holds characters that a web address has to escape"
    try:
        parts = urlsplit(url)
        host, user = parts.hostname or "", parts.username
    except ValueError:
        return "is no web address"
    if user is not None:
        return "holds a user name"
    return None if _HOST.fullmatch(host) else "has no domain name"
