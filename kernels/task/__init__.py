"""The folder of a task: what has to be made faster, at which shapes, how right, with which inputs and answers."""
