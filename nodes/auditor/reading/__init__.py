"""Reads untrusted evidence files into typed records, a list of problems and content digests."""
