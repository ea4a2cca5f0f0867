"""Evaluations of the project itself: accuracy and speed of the auditor, and efficiency of the search."""
