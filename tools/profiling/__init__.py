"""Where the time of a serving window goes: reading torch-profiler traces and adding them up by operator and phase."""

from tools.profiling.aggregate import aggregate
from tools.profiling.records import Profile
from tools.profiling.trace import is_complete, read_trace

__all__ = ["Profile", "aggregate", "is_complete", "read_trace"]
