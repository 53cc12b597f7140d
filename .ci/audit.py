"""Look for known vulnerabilities of every package that constraints.txt pins.

pip-audit asks the package index about each. Of an index that has no such data it says "No known
vulnerabilities found", as of packages that have none: so one package is asked about first, and
where that has no answer nothing was audited, and this says so. With SIRENFLOW_REQUIRE_AUDIT=1 that
is an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def main() -> int:
    """Print what is found; give the exit code."""
    pinned = Path("constraints.txt")
    with TemporaryDirectory() as name:
        first = Path(name, "first.txt")
        first.write_text(_first(pinned.read_text(encoding="utf-8")), encoding="utf-8")
        problem = _without_answer(_audit(first))
    if problem is not None:
        print(f"NOT AUDITED, as there are no data on vulnerabilities here: {problem}")
        return 1 if os.environ.get("SIRENFLOW_REQUIRE_AUDIT") else 0
    packages = _audit(pinned)
    problem = _without_answer(packages)
    if problem is not None:
        print(f"NOT AUDITED in full: {problem}")
    for package in packages:
        for known in package.get("vulns", []):
            mended = ", ".join(known["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {known['id']}, mended in {mended}")
    vulnerable = any(package.get("vulns") for package in packages)
    print(f"audited {len(packages)} packages")
    return 1 if vulnerable or problem is not None else 0


def _first(pinned: str) -> str:
    """Give the first package of a list of pinned ones, with its hashes."""
    lines = pinned.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[: end + 1]) + "\n"


def _audit(pinned: Path) -> list[dict[str, Any]]:
    """Ask about every package of a file; what cannot be asked about has a reason instead."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(pinned)]
    command += ["--require-hashes", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off"]
    run = subprocess.run(command, capture_output=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(run.stdout)["dependencies"]
    except ValueError:
        last = run.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return [{"name": "pip-audit", "skip_reason": " ".join(last) or "no answer"}]
    return packages


def _without_answer(packages: list[dict[str, Any]]) -> str | None:
    """Find a package about which nothing could be asked, and why."""
    reasons = (package["skip_reason"] for package in packages if "skip_reason" in package)
    return next(reasons, None)


if __name__ == "__main__":
    sys.exit(main())
