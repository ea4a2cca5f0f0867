"""Runs an auditor over every fixture and records the results, without reading any answer key."""
