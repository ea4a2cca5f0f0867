"""Formats a profile for a role's prompt: corrected shares of wall time, by phase of a request."""

from __future__ import annotations

import orjson

from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.route import settled_wall_share

MOST = 12


def profile_text(profile: Profile | None) -> str:
    """The largest operators and chains; names of operators come from the engine and are marked as data."""
    if profile is None:
        return "none could be taken"
    fields = {
        "device": profile.device,
        "outside operators": round(profile.host_share, 3),
        "phases": [
            {"phase": phase.phase, "steps": phase.steps, "tokens": phase.tokens, "share": round(phase.wall_share, 3)}
            for phase in profile.phases
        ],
        "operators": [
            {
                "name": entry.op[:80],
                "family": entry.family,
                "share": round(settled_wall_share(entry), 4),
                "calls": entry.count,
            }
            for entry in profile.top(MOST)
        ],
        "chains": [
            {
                "name": chain.name[:80],
                "family": chain.family,
                "share of operator time": round(chain.share, 4),
                "calls": chain.count,
            }
            for chain in profile.chains[:MOST]
        ],
    }
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode()
