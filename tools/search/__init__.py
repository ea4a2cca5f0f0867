"""Search over configurations: propose a trial, measure it, record the result."""
