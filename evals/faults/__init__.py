"""Injectable faults with a strength, and honest changes that must not be mistaken for one."""
