"""Scores an auditor's verdicts against the answer keys."""
