"""A tiny engine with sglang's module names, for tests of the code around it."""
