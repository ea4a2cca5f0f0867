"""Suspicious reading: files that somebody else wrote become typed objects, problems and digests."""
