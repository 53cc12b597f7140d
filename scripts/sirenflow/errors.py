"""What can go wrong, in kinds that a caller can tell apart."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class SirenflowError(Exception):
    """Root of all errors that Sirenflow raises on purpose."""


class AlertError(SirenflowError):
    """The bytes are not one alert that can be keyed and decoded.

    Attributes
    ----------
    kind
        The reason in a word, for machines: ``too_large``, ``empty``, ``not_alert`` (neither Avro
        nor JSON), ``undecodable``, ``invalid_identity`` (id, type or
        time missing or wrong), ``no_value``,
        ``offloaded`` (sent by reference, and not fetched), ``internal_error`` (of Sirenflow),
        ``crash`` (the decoding process crashed), ``killed`` (that process was killed).
    claims
        What the record says of itself, where it could be decoded: see
        `sirenflow.alerts.claimed_identity`.
    """

    def __init__(
        self,
        message: str,
        kind: str = "undecodable",
        claims: Mapping[str, str | None] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.claims = claims


class SkymapError(SirenflowError):
    """The bytes are not a multi-order sky map: nothing can be delivered."""


class SkymapValueError(SkymapError):
    """A readable multi-order sky map whose values allow no honest numbers."""


class InboxError(SirenflowError):
    """The inbox cannot be read or written."""


class WorkerUnavailableError(SirenflowError):
    """No worker process can be started, or workers fail on every alert: a fault of the machine.

    Attributes
    ----------
    output
        The last lines that the process wrote to standard error before it was ready.
    """

    def __init__(self, message: str, output: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.output = tuple(output)


class StreamError(SirenflowError):
    """A Kafka address, credential or server is not as needed."""


class BusyError(SirenflowError):
    """Another process does this already."""


class ConfigError(SirenflowError):
    """The configuration has a wrong key or value."""


class TableError(SirenflowError):
    """A user's own table cannot be read, or is not as the configuration says.

    Attributes
    ----------
    may_pass
        Whether the cause is not the table, so that reading it again may succeed.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


@contextmanager
def os_errors_as(kind: type[SirenflowError], path: object, action: str) -> Iterator[None]:
    """Raise a kind of error in place of each OSError: "PATH cannot be ACTION: the system's reason".

    Parameters
    ----------
    action
        Past participle of what is tried, as ``"written"``.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{path} cannot be {action}: {error.strerror or error}") from error
