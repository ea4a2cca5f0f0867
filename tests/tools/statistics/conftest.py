"""Property tests here judge values, not the speed of a machine that may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("values", deadline=None)
settings.load_profile("values")
