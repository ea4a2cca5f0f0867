"""Overlays: operators of a running engine replaced reversibly, by a folder on its path. Nothing installed is edited."""
