"""Whole runs in which scripted models, or a small served model, play every role: ``bankable scripted``."""
