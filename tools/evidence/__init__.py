"""Append-only evidence: typed records, digests, the ledger and the folders that hold them."""
