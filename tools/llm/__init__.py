"""Asks a language model one structured question, and handles every possible failure.

Nothing in here is imported unless a model was asked for; the rest of the project is complete without one.
"""
