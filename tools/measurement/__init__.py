"""The measurement layer: the only code that turns what a server did into evidence."""
