"""Support for a chip that is made up: it is "there" where the file ``example-npu`` lies in the task's folder."""
