"""Coverage-guided fuzzing of all code that reads evidence."""
