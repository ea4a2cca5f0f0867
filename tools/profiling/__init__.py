"""Where the time of a serving window goes: reading torch-profiler traces and adding them up by operator and phase."""
