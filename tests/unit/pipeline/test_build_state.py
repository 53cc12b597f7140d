"""What has been made of which alerts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sirenflow.pipeline import build_state
from sirenflow.pipeline.build_state import (
    BuildState,
    read_build_state,
    shared_digest,
    write_build_state,
)
from sirenflow.pipeline.input_state import files_digest
from sirenflow.pipeline.snakemake.snakemake_dir import NO_DIRECTORY, snakemake_dir_id

CONFIG: dict[str, Any] = {
    "inbox": "inbox",
    "results": "results",
    "superevents": None,
    "catalogue": {"parquet": False},
    "galaxies": None,
    "candidates": None,
    "visibility": {"sites": []},
}


def test_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = BuildState("basis", {"S240422ed": "abc"})
    write_build_state(tmp_path / "deep" / "done.json", state)
    assert read_build_state(tmp_path / "deep" / "done.json") == state


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"shared_digest": "basis"}',
        b'{"shared_digest":"a","superevents":3,"snakemake_dir_id":"","unreadable":""}',
    ],
)
def test_damaged_state_means_that_nothing_is_done(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "done.json"
    assert read_build_state(file) == BuildState("")
    file.write_bytes(content)
    assert read_build_state(file) == BuildState("")


def test_state_on_another_basis_does_not_hold(tmp_path: Path) -> None:
    write_build_state(tmp_path / "done.json", BuildState("then", {"S240422ed": "abc"}))
    then = read_build_state(tmp_path / "done.json")
    assert then.valid_for("now") == BuildState("now")
    assert then.valid_for("then") == then


def test_outdated_is_what_has_other_files_or_none_before() -> None:
    state = BuildState("basis", {"S1": "a", "S2": "b", "S3": "c"})
    assert state.outdated({"S1": "a", "S2": "other", "S4": "d"}) == ["S2", "S4"]
    assert state.without(["S1", "S9"]) == BuildState("basis", {"S2": "b", "S3": "c"})
    done = state.with_built({"S2": "x"}, "here")
    assert done.superevents == {"S1": "a", "S2": "x", "S3": "c"}


def test_rerun_is_forced_where_files_differ_or_parameters_are_in_another_directory() -> None:
    current = {"S1": "a", "S2": "other", "S4": "d"}
    state = BuildState("basis", {"S1": "a", "S2": "b", "S3": "c"}, "here")
    assert state.force_rerun(current, "basis", "here") == ["S2"]
    assert state.force_rerun(current, "basis", "elsewhere") == ["S2"]
    assert state.force_rerun(current, "now", "here") == ["S2"]
    assert state.force_rerun(current, "now", "elsewhere") == ["S1", "S2"]
    mixed = state.with_built({"S2": "other"}, "elsewhere")
    assert mixed.force_rerun(current, "now", "elsewhere") == ["S1", "S2"]
    whole = BuildState("basis").with_built(current, "elsewhere")
    assert whole.force_rerun(current, "now", "elsewhere") == []


def test_superevents_that_neither_this_state_nor_snakemake_knows_are_rebuilt() -> None:
    current = {"S1": "a", "S2": "b"}
    state = BuildState("basis", {"S1": "a"})
    assert state.force_rerun(current, "basis", NO_DIRECTORY) == ["S2"]
    assert state.force_rerun(current, "basis", "here") == []


def test_snakemake_dir_id_differs_elsewhere_and_after_the_directory_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        said.append(snakemake_dir_id())
        Path(".snakemake").mkdir()
        said.append(snakemake_dir_id())
        assert snakemake_dir_id() == said[-1]
    assert len(set(said)) == 3


def test_files_are_told_apart_by_name_type_size_and_time(tmp_path: Path) -> None:
    for name in ("INITIAL/a.avro", "UPDATE/a.avro", "INITIAL/b.avro"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, ns=(1, 1))
    files = [tmp_path / "INITIAL/a.avro"]
    first = files_digest(files)
    assert files_digest(files) == first
    others = [
        files_digest([tmp_path / "UPDATE/a.avro"]),
        files_digest([tmp_path / "INITIAL/b.avro"]),
        files_digest([*files, tmp_path / "INITIAL/b.avro"]),
        files_digest([]),
    ]
    (tmp_path / "INITIAL/a.avro").write_bytes(b"xy")
    os.utime(tmp_path / "INITIAL/a.avro", ns=(1, 1))
    others.append(files_digest(files))
    os.utime(tmp_path / "INITIAL/a.avro", ns=(2, 2))
    others.append(files_digest(files))
    assert len({first, *others}) == 7


def test_shared_digest_covers_all_that_every_product_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("name,ra,dec\n")
    with_table = {**CONFIG, "candidates": {"table": str(table), "columns": {}}}
    bases = [
        shared_digest(CONFIG),
        shared_digest({**CONFIG, "visibility": {"sites": [{"name": "here"}]}}),
        shared_digest({**CONFIG, "catalogue": {"parquet": True}}),
        shared_digest(with_table),
    ]
    table.write_text("name,ra,dec\na,1,2\n")
    bases.append(shared_digest(with_table))
    monkeypatch.setattr(build_state, "__version__", "999")
    bases.append(shared_digest(CONFIG))
    assert len(set(bases)) == len(bases)


def test_shared_digest_does_not_depend_on_paths() -> None:
    elsewhere = {**CONFIG, "inbox": "/a", "results": "/b", "superevents": ["S240422ed"]}
    assert shared_digest(elsewhere) == shared_digest(CONFIG)


def test_state_holds_no_path(tmp_path: Path) -> None:
    file = tmp_path / "inbox" / "UPDATE" / "x.avro"
    write_build_state(tmp_path / "done.json", BuildState("b", {"S240422ed": files_digest([file])}))
    assert str(tmp_path) not in json.dumps((tmp_path / "done.json").read_text())
