"""Keeps secrets out of what is exported: a source that holds one is left out, other text loses it."""

from __future__ import annotations

import re
from collections.abc import Mapping

FORMS = re.compile(
    r"sk-[A-Za-z0-9_-]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|hf_[A-Za-z0-9]{20,}"
    r"|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|AIza[0-9A-Za-z_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----)?"
    r"|(?i:bearer)\s+[A-Za-z0-9._~+/-]{16,}=*"
    r"|://[^/\s:@]+:[^/\s:@]+@",
    re.DOTALL,
)
"""Keys of common services, private keys, and passwords in addresses."""
NAMED = re.compile(r"key|token|secret|passw|credential|auth|cookie|dsn", re.IGNORECASE)
SHORTEST = 8
MARK = "[secret]"


class SecretFilter:
    """Knows common forms of keys, and the values of this environment's variables that are named like one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        values = {
            value.strip() for name, value in environ.items() if NAMED.search(name) and len(value.strip()) >= SHORTEST
        }
        either = "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))
        self._values = re.compile(either) if either else None

    def holds(self, text: str) -> bool:
        """Whether a text has a secret in it."""
        return bool(FORMS.search(text) or (self._values and self._values.search(text)))

    def clean(self, value: object) -> object:
        """The value with every secret replaced, in all its text."""
        if isinstance(value, str):
            text = FORMS.sub(MARK, value)
            return self._values.sub(MARK, text) if self._values else text
        if isinstance(value, dict):
            return {str(self.clean(name)): self.clean(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.clean(item) for item in value]
        return value
