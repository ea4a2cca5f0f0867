"""Prompts: one Markdown file per role, with placeholders that are all known."""
