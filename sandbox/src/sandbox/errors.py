"""What can go wrong in the sandbox: what is, what was expected, what to do."""


class SandboxError(Exception):
    """Something in the sandbox was refused or failed."""

    code = "SB000"

    def __init__(self, message: str) -> None:
        super().__init__(f"{self.code}  {message}")
