"""Snakemake's directory in the working directory: its identity, and stale locks in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sirenflow.pipeline.snakemake.snakemake_dir import remove_stale_locks


def test_only_snakemakes_locks_on_these_results_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    locks = tmp_path / ".snakemake/locks"
    locks.mkdir(parents=True)
    contents = {
        "0.input.lock": "inbox/S1/a.avro\n",
        "0.output.lock": "results/S1/index.html\nresults/index.html\n",
        "1.input.lock": "data.csv\n",
        "1.output.lock": "results/S2/index.html\nfigures/other.pdf\n",
        "2.output.lock": "results/S3/index.html\n",
        "3.output.lock": "",
    }
    for name, content in contents.items():
        (locks / name).write_text(content)
    remove_stale_locks(Path("results"))
    left = {"1.input.lock", "1.output.lock", "3.output.lock"}
    assert {file.name for file in locks.iterdir()} == left
    remove_stale_locks(Path("elsewhere"))
    assert {file.name for file in locks.iterdir()} == left
