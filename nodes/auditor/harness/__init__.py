"""The isolated benchmark of one operator: its files as records, the winner's identity, the recomputed speed-up."""
