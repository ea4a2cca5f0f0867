"""The measurement layer: the only code that turns measurements of a server into evidence."""
