"""The objective of a run: limits, guards, and what the launches of a comparison say about them."""
