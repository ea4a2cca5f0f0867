"""Where candidates are evaluated: on this machine by default, on a Ray cluster when asked."""
