"""What serving costs, from a price for an hour of one device. Without a price there is no figure.

$ per million output tokens = price · devices / (output tokens per second · 3600 / 10⁶)
$ per thousand good requests = price · devices / (goodput · 3.6)
"""

from __future__ import annotations


def cost_of_million_tokens(price: float, devices: int, tokens_per_s: float) -> float | None:
    """Dollars for a million output tokens; ``None`` without any token."""
    return price * devices / (tokens_per_s * 3600.0 / 1e6) if tokens_per_s > 0 else None


def cost_of_thousand_requests(price: float, devices: int, requests_per_s: float) -> float | None:
    """Dollars for a thousand requests; ``None`` without any."""
    return price * devices / (requests_per_s * 3.6) if requests_per_s > 0 else None
