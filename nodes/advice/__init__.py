"""Proposals of language models: checked against the search space, logged, and measured like all other candidates."""
