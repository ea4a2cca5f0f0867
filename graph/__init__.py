"""The state machine of an optimization run: configuration, state, steps, routing and the command line."""

import os

# Read by langgraph when it is imported: only types that the state declares are unpacked from a checkpoint.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
