"""Operators: reference, implementations and served shapes; the evaluation harness joins them in layers.

A package of the same name exists on the public index and is imported by transformers. Where both can be seen, this one
extends its path over the other and hands unknown attributes to it, so that neither hides the other.
"""

from __future__ import annotations

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
