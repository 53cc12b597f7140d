"""What `make audit` says of pip-audit's answers: never that all is well where none knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT

AUDIT = ROOT / ".ci/audit.py"
SOUND = {"name": "numpy", "version": "2.4", "vulns": []}
HURT = {"name": "six", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
UNKNOWN = {"name": "six", "skip_reason": "Dependency not found on PyPI"}
PINNED = "numpy==2.4 \\\n    --hash=sha256:00\nsix==1 \\\n    --hash=sha256:11\n"
# Answers of the first package to one of two lines, and of all to more.
FAKE = """
import json, sys
from pathlib import Path
lines = Path(sys.argv[sys.argv.index("--requirement") + 1]).read_text().splitlines()
answer = json.loads({answers!r})[len(lines) > 2]
print(answer if isinstance(answer, str) else json.dumps({{"dependencies": answer}}))
"""


@pytest.mark.parametrize(
    ("first", "everything", "code", "said"),
    [
        ([SOUND], [SOUND, SOUND], 0, "audited 2 packages"),
        ([SOUND], [SOUND, HURT], 1, "six 1: PYSEC-1, mended in 2"),
        ([SOUND], [SOUND, UNKNOWN], 1, "NOT AUDITED in full: Dependency not found"),
        ([UNKNOWN], [SOUND, HURT], 0, "NOT AUDITED, as there are no data"),
        ("no network", [SOUND], 0, "NOT AUDITED, as there are no data"),
    ],
    ids=["sound", "vulnerable", "one unknown", "no data", "no network"],
)
def test_audit(first: object, everything: object, code: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text(PINNED)
    fake = FAKE.format(answers=json.dumps([first, everything]))
    (tmp_path / "pip_audit.py").write_text(fake)
    run = subprocess.run(
        [sys.executable, AUDIT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code, run.stderr
    assert said in run.stdout
