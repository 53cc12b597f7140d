"""Messages between processes: lines of JSON on a socket, so no code can be in them."""

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

_PART_BYTES = 1 << 16


class Connection:
    """One end of a socket pair on which both sides send messages.

    The other side may send several messages before this side reads one: what follows the first one
    is kept for the next call of `receive`.

    Parameters
    ----------
    sock
        The socket. This object closes it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._received = bytearray()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message.

        Raise TypeError if JSON cannot hold it; then nothing was sent. Raise OSError if the other
        side is closed.
        """
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> dict[str, Any]:
        """Wait for the next message and return it.

        Raise EOFError if the other side is closed and all complete messages were returned. Raise
        OSError if the connection is broken, or after the time set with `set_timeout`.
        """
        while (end := self._received.find(b"\n")) < 0:
            part = self._socket.recv(_PART_BYTES)
            if not part:
                raise EOFError
            self._received += part
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        message: dict[str, Any] = json.loads(line)
        return message

    def wait(self) -> None:
        """Wait until `receive` has something to read, or the other side is closed."""
        if not self._received:
            self._socket.recv(1, socket.MSG_PEEK)

    def set_timeout(self, seconds: float | None) -> None:
        """Set the longest time in s that one operation may wait; None is no limit."""
        self._socket.settimeout(seconds)

    def fileno(self) -> int:
        """Return the file descriptor, for `select`."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket; other processes that share it can use it further."""
        self._socket.close()

    def shut_down(self) -> None:
        """Close the connection, also if other processes share this end of it."""
        with suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
