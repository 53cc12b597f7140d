"""Fuzz every target for a while, or one on a file: `make fuzz`.

    python -m fuzz [--seconds 120] [--keep .fuzz]    all targets, one after the other
    python -m fuzz TARGET FILE                       one target on one input, as when it was found

Run with `tests/` and `tests/support/` on PYTHONPATH. Each target is a process of its own, which
atheris guides by what the bytes reach. What it learnt is kept, and the next run begins there. Exits
with 1 if anything was found; the input that did it is then in the directory of its target.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

# Of the time; products take a thousand times as long as the rest.
_SHARES = {"parse": 0.3, "skymap": 0.2, "archive": 0.15, "products": 0.35}
_MOST_BYTES = {"parse": 8192, "skymap": 16384, "archive": 65536, "products": 1024}
_GUIDED = ("sirenflow", "fuzz.", "pages", "every_stage")
_SLOWEST_SECONDS = 10  # of any input
# The fuzzer itself grows by half a megabyte with each run of the products, which without it take
# 130 MB however many follow each other: so it begins anew now and then.
_MOST_MEGABYTES = 4096
_MOST_SECONDS = 100.0
_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)|Done (\d+) runs")
_COVERED = re.compile(r"cov: (\d+)")


def main() -> int:
    """Read the command line; give the exit code."""
    parser = argparse.ArgumentParser(
        prog="fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", nargs="?", choices=_SHARES)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), metavar="DIRECTORY")
    parser.add_argument("--guided", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.guided is not None:
        _guided(arguments.target, arguments.guided)
    if arguments.target:
        from fuzz.targets import TARGETS

        TARGETS[arguments.target][0](arguments.file.read_bytes())
        return 0
    found = []
    for name, share in _SHARES.items():
        left = share * arguments.seconds
        while left > 0:
            found.append(_fuzz(name, min(left, _MOST_SECONDS), arguments.keep))
            left -= _MOST_SECONDS
    return 1 if any(found) else 0


def _fuzz(name: str, seconds: float, keep: Path) -> bool:
    """Fuzz one target in a process of its own; tell whether it found anything."""
    from fuzz.targets import TARGETS

    corpus = keep / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in TARGETS[name][1]():
        (corpus / sha256(seed).hexdigest()[:40]).write_bytes(seed)
    before = set((keep / name).iterdir())
    begin = time.monotonic()
    log = keep / name / "log.txt"
    with log.open("wb") as stream:
        code = subprocess.run(
            [
                *(sys.executable, "-W", "error", "-m", "fuzz", name, "--guided"),
                f"-artifact_prefix={keep / name}/",
                f"-max_total_time={max(1, round(seconds))}",
                f"-max_len={_MOST_BYTES[name]}",
                f"-timeout={_SLOWEST_SECONDS}",
                f"-rss_limit_mb={_MOST_MEGABYTES}",
                "-print_final_stats=1",
                str(corpus),
            ],
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    text = log.read_text(errors="replace")
    executions = max((int(a or b) for a, b in _EXECUTIONS.findall(text)), default=0)
    covered = max(map(int, _COVERED.findall(text)), default=0)
    print(  # noqa: T201
        f"{name}: {executions} executions in {time.monotonic() - begin:.0f} s, "
        f"{covered} edges reached, {len(list(corpus.iterdir()))} inputs kept, "
        + ("nothing found" if code == 0 else f"exit code {code}"),
        flush=True,
    )
    for find in sorted(set((keep / name).iterdir()) - before - {log}):
        print(f"  found: {find}\n  repeat: python -m fuzz {name} {find}")  # noqa: T201
    if code != 0:
        print("\n".join(text.splitlines()[-40:]), flush=True)  # noqa: T201
    return code != 0


def _guided(name: str, options: list[str]) -> None:
    """Become the fuzzer of a target; does not return."""
    import atheris

    with atheris.instrument_imports(include=["astropy.io.fits.card"]):
        importlib.import_module("astropy.io.fits")
    # A second time, and then watched: to sift what other libraries import takes half a minute.
    importlib.import_module("fuzz.targets")
    for module in [module for module in sys.modules if module.startswith(_GUIDED)]:
        del sys.modules[module]
    with atheris.instrument_imports(include=["sirenflow"]):
        from fuzz.targets import TARGETS
        from sirenflow import stages

        for stage in pkgutil.iter_modules(stages.__path__):  # which are imported when they are run
            importlib.import_module(f"{stages.__name__}.{stage.name}")

    target = TARGETS[name][0]

    def run(data: bytes) -> None:
        target(data)

    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
