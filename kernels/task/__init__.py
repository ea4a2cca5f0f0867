"""The folder of a task: operator, shapes, tolerance, inputs and expected outputs for a faster kernel."""
