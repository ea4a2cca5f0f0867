"""A profile as a role is told it: shares of wall time, corrected, and where in a request they fall."""

from __future__ import annotations

import orjson

from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.route import settled_wall_share

MOST = 12


def profile_text(profile: Profile | None) -> str:
    """The largest operators and chains; names of operators come from the engine, and stand there as data."""
    if profile is None:
        return "none could be taken"
    told = {
        "device": profile.device,
        "outside operators": round(profile.host_share, 3),
        "phases": [
            {"phase": it.phase, "steps": it.steps, "tokens": it.tokens, "share": round(it.wall_share, 3)}
            for it in profile.phases
        ],
        "operators": [
            {"name": it.op[:80], "family": it.family, "share": round(settled_wall_share(it), 4), "calls": it.count}
            for it in profile.top(MOST)
        ],
        "chains": [
            {"name": it.name[:80], "family": it.family, "share of operator time": round(it.share, 4), "calls": it.count}
            for it in profile.chains[:MOST]
        ],
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()
