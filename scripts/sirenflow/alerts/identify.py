"""An alert's bytes in, which alert they are out."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sirenflow.alerts.alert import parse_alert
from sirenflow.alerts.claimed_identity import read_claimed_identity
from sirenflow.alerts.decoding import decode
from sirenflow.errors import AlertError


def identify(file: Path, by_content: bool) -> dict[str, Any]:
    """Return the `Identity` or content hash of the alert in a file, or why it holds none."""
    data = file.read_bytes()
    try:
        alert = parse_alert(data)
    except AlertError as error:
        return {"reason": str(error), "kind": error.kind, "claims": _claims(data)}
    return {"content_sha256": alert.content_sha256} if by_content else asdict(alert.identity)


def _claims(data: bytes) -> dict[str, str | None] | None:
    """Return the claims of a record that is not a valid alert; None if it cannot be decoded."""
    try:
        _, record = decode(data)
    except AlertError:
        return None
    return asdict(read_claimed_identity(record))
