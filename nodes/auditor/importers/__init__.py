"""Imports benchmark files of other tools: one reader per format, all into one typed leg; missing records are named."""
