"""An alert's bytes in, which alert they are out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sirenflow.alert import parse_alert
from sirenflow.errors import AlertError


def identify(file: Path, by_content: bool) -> dict[str, Any]:
    """Tell which alert a file holds: an `Identity`, or its content's hash; or why it holds none."""
    try:
        alert = parse_alert(file.read_bytes())
    except AlertError as error:
        return {"reason": str(error), "kind": error.kind}
    return {"content_sha256": alert.content_sha256} if by_content else asdict(alert.identity)
