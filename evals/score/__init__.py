"""Holding what an auditor said against the answer keys."""
