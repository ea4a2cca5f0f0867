"""Benchmark files of anybody: one reader per format, all into one typed leg; what a format cannot show is named."""
