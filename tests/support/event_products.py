"""Contents of event.json that a test needs, and the catalogue's products."""

from typing import Any

from msgspec import to_builtins
from summaries import summarize

PRODUCTS = {
    "page": "index.html",
    "ecsv": "catalogue.ecsv",
    "csv": "catalogue.csv",
    "json": "catalogue.json",
    "votable": "catalogue.vot",
    "feed": "events.atom",
}

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]></TD>&amp;<b>",
    "\"' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "\ufffe",
)


def event_json(superevent_id: str, created: str = "2026-11-22T03:08:33Z", **event: Any) -> Any:
    record = {"event": {"time": created, "far": 9.9e-9, "significant": True, **event}}
    alert = {"number": 1, "alert_type": "UPDATE", "time_created": created, "record": record}
    skymap = {"kind": "gw", "file": "01.fits", "area_90_deg2": 270.4, "distance_mean_mpc": 186.2}
    summary = summarize(
        {"superevent_id": superevent_id, "alerts": [alert], "rejected": []},
        {"alerts": [{"number": 1, "skymaps": [skymap]}]},
    )
    return to_builtins(summary)


def rejected_json(superevent_id: str) -> Any:
    content = {"superevent_id": superevent_id, "alerts": [], "rejected": [{"reason": "truncated"}]}
    return to_builtins(summarize(content, {}))
