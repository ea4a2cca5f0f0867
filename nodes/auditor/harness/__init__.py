"""An operator's benchmark: what its files say, whether the winner is another program, what it really gained."""
