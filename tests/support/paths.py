"""Places in the repository, and next to it, that tests use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "workflow" / "schemas"
SAMPLES = ROOT / "samples"
SAMPLE_ALERTS = sorted(SAMPLES.glob("*-[0-9][0-9]-*"))
REAL_ALERTS = Path(os.environ.get("SIRENFLOW_REAL_ALERTS", ROOT.parent / "shared" / "data"))
"""The directory of alerts that were really sent, which are not part of the project."""
BIN = Path(sys.executable).parent
"""The directory of the console scripts `sirenflow` and `snakemake`."""
