"""Just enough for the engine probe: no accelerator."""


class cuda:  # noqa: N801 - torch's name
    @staticmethod
    def is_available() -> bool:
        return False
