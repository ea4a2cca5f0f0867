"""The builders of kernel patches, under one roof for the tests of the rules."""

from __future__ import annotations

from bankable.evals.fixtures.build.kernel import (
    OPERATOR,
    PATCH,
    TUNED,
    kernel_run,
    legs_say,
    marker,
    markers_say,
    part,
    serve,
    servers_say,
    sign_off,
)

__all__ = [
    "OPERATOR",
    "PATCH",
    "TUNED",
    "kernel_run",
    "legs_say",
    "marker",
    "markers_say",
    "part",
    "serve",
    "servers_say",
    "sign_off",
]
