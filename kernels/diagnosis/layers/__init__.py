"""The layers of a diagnosis: independent measurements of one kernel, run as jobs of a graph."""
