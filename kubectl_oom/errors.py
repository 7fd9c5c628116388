"""The one error a user sees: a line as kubectl words it, and the next step."""


class OomError(Exception):
    """A request that cannot be answered.

    `message` is printed to stderr as it stands (it carries kubectl's own prefix, such as `error: ` or
    `Error from server (NotFound): `); `hint` follows on a line of its own. The exit code is 1.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
