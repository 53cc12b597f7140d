"""Where the files of the workflow are: Snakefile, rules, schemas, captions, profiles, defaults.

A wheel carries them in the package (setup.py copies them there). An editable install uses those of
the clone. Both have the layout of the clone.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "bundled"

ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parents[1]
"""Directory that holds the Snakefile, workflow/, profiles/ and config/."""
SNAKEFILE = ROOT / "Snakefile"
"""The workflow."""
DEFAULT_CONFIG = ROOT / "config" / "config.yaml"
"""The commented default configuration."""
PROFILES = ROOT / "profiles"
"""Directory of Snakemake's workflow profiles."""
TEMPLATE = ROOT / "workflow" / "template"
"""Directory of the files that only `sirenflow init` writes."""
SAMPLES = ROOT / "samples"
"""Directory of sample alerts: in a wheel, the small ones."""
