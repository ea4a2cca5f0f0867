"""Whole runs in which scripted models, or a small served one, play every role: ``bankable scripted``."""
