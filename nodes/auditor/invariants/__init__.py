"""Relations that hold between any two records of one quantity, declared as a table."""
