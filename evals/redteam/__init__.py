"""A generator of frauds over recorded runs: mutations that leave each record plausible, and honest ones beside them."""
