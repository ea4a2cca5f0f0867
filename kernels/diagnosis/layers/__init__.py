"""The evaluation harness: layers that each look at a kernel in their own way, run as jobs of a graph."""
