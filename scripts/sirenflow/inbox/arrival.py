"""What arrived: bytes, how they came, and where they are on disk."""

import base64
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Arrival:
    """Bytes from a topic, a file, the spool or the quarantine, before or after they are decoded.

    Attributes
    ----------
    how
        How and when they came, in JSON's types: ``way``, ``time_received`` (ISO 8601, UTC), and
        what is known of their source. It is written next to the stored file.
    spooled
        A file in the inbox, synced to disk, that holds these bytes: storing them only links it.
    """

    data: bytes
    how: Mapping[str, Any]
    spooled: Path | None = None

    @classmethod
    def now(cls, data: bytes, way: str, **how: Any) -> Self:
        """Return bytes that arrive at this moment."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(data, {"way": way, "time_received": time, **how})

    @cached_property
    def sha256(self) -> str:
        """Hash of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def bytes_to_text(data: bytes) -> str:
    """Return text from which the bytes can be read back: as UTF-8, else as base64.

    >>> bytes_to_text(b"avro"), bytes_to_text(bytes([255]))
    ('avro', 'base64:/w==')
    """
    with suppress(UnicodeDecodeError):
        if not data.startswith(b"base64:"):
            return data.decode("utf-8")
    return "base64:" + base64.b64encode(data).decode("ascii")
