"""The runtime of an overlay. It runs inside the engine: standard library, and torch where the engine has it loaded."""
