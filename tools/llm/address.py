"""Checks the address of a model server: https, or this machine; evidence is never sent unencrypted over a network."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from bankable.tools.errors import UserError

OPENAI = "https://api.openai.com/v1"
OPTION = "--llm-base-url"
EXAMPLE = "https://host/v1"


def check_address(url: str, *, plain_http: bool = False, option: str = OPTION, example: str = EXAMPLE) -> str:
    """The address without a trailing slash. Raises ``UserError`` for one that must not be used, naming ``option``.

    ``plain_http`` allows http to other machines. The address is never repeated in the message: it may hold a secret.
    """
    parts = _parts(url, option, example)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UserError(
            "Cannot use the address: it contains a user, a query or a fragment", option, "put keys into the environment"
        )
    if parts.scheme == "http" and not plain_http and not is_loopback(url):
        raise UserError(
            "Cannot use the address: plain http to another machine", option, "use https, or a server on this machine"
        )
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether the address names this machine by a loopback number, or as ``localhost``."""
    host = _parts(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parts(url: str, option: str = OPTION, example: str = EXAMPLE) -> SplitResult:
    wrong = UserError(
        "Cannot use the address: invalid URL", option, f"give {example}, or http:// with a port on this machine"
    )
    if not url.isprintable() or not url.isascii() or " " in url:
        raise wrong
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise wrong
    except ValueError:  # a port that is no number, half an IPv6 address
        raise wrong from None
    return parts
