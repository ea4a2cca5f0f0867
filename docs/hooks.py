"""Hooks of mkdocs: the built site must open without a network, so no page may load anything from elsewhere."""

from __future__ import annotations

import re
from typing import Any

from mkdocs.exceptions import PluginError

LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=[\"']?(?:https?:)?//[^\"' >]+"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preload|preconnect|icon|prefetch))"
    r"[^>]*?\bhref=[\"']?(?:https?:)?//[^\"' >]+",
    re.IGNORECASE,
)
"""A tag that makes a browser fetch something from another place. Links that a reader follows are not among them."""


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Refuse a page that loads anything from elsewhere. Raises ``PluginError``, which ends the build."""
    found = LOADED.search(output)
    if found:
        raise PluginError(f"Cannot build {page.file.src_uri}: it loads from elsewhere: {found.group(0)[:200]}.")
    return output
