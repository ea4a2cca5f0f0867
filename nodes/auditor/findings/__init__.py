"""Checks that rules share between evidence of this project's runs and imported files."""
