"""What has been made of which alerts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sirenflow.pipeline import build_state as module
from sirenflow.pipeline.build_state import Record, basis_of, notes, read_record, write_record
from sirenflow.pipeline.input_state import files_digest

CONFIG: dict[str, Any] = {
    "inbox": "inbox",
    "results": "results",
    "superevents": None,
    "catalogue": {"parquet": False},
    "galaxies": None,
    "candidates": None,
    "visibility": {"sites": []},
}


def test_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = Record("basis", {"S240422ed": "abc"})
    write_record(tmp_path / "deep" / "done.json", record)
    assert read_record(tmp_path / "deep" / "done.json") == record


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"basis": "basis"}', b'{"basis":"basis","superevents":3}'],
)
def test_damaged_record_means_that_nothing_is_done(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "done.json"
    assert read_record(file) == Record("")
    file.write_bytes(content)
    assert read_record(file) == Record("")


def test_record_on_another_basis_does_not_hold(tmp_path: Path) -> None:
    write_record(tmp_path / "done.json", Record("then", {"S240422ed": "abc"}))
    then = read_record(tmp_path / "done.json")
    assert then.on("now") == Record("now")
    assert then.on("then") == then


def test_outdated_is_what_has_other_files_or_none_before() -> None:
    record = Record("basis", {"S1": "a", "S2": "b", "S3": "c"})
    assert record.outdated({"S1": "a", "S2": "other", "S4": "d"}) == ["S2", "S4"]
    assert record.only(["S1", "S9"]) == Record("basis", {"S1": "a"})
    assert record.without(["S1", "S9"]) == Record("basis", {"S2": "b", "S3": "c"})
    done = record.with_done({"S2": "x"}, "here")
    assert done.superevents == {"S1": "a", "S2": "x", "S3": "c"}


def test_overtaken_is_what_has_other_files_or_was_noted_elsewhere_on_another_basis() -> None:
    current = {"S1": "a", "S2": "other", "S4": "d"}
    record = Record("basis", {"S1": "a", "S2": "b", "S3": "c"}, "here")
    assert record.overtaken(current, "basis", "here") == ["S2"]
    assert record.overtaken(current, "basis", "elsewhere") == ["S2"]
    assert record.overtaken(current, "now", "here") == ["S2"]
    assert record.overtaken(current, "now", "elsewhere") == ["S1", "S2"]
    mixed = record.with_done({"S2": "other"}, "elsewhere")
    assert mixed.overtaken(current, "now", "elsewhere") == ["S1", "S2"]
    whole = Record("basis").with_done(current, "elsewhere")
    assert whole.overtaken(current, "now", "elsewhere") == []


def test_notes_are_others_elsewhere_and_after_a_new_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        said.append(notes())
        Path(".snakemake").mkdir()
        said.append(notes())
        assert notes() == said[-1]
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


def test_basis_is_all_that_products_depend_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("name,ra,dec\n")
    with_table = {**CONFIG, "candidates": {"table": str(table), "columns": {}}}
    bases = [
        basis_of(CONFIG),
        basis_of({**CONFIG, "visibility": {"sites": [{"name": "here"}]}}),
        basis_of({**CONFIG, "catalogue": {"parquet": True}}),
        basis_of(with_table),
    ]
    table.write_text("name,ra,dec\na,1,2\n")
    bases.append(basis_of(with_table))
    monkeypatch.setattr(module, "__version__", "999")
    bases.append(basis_of(CONFIG))
    assert len(set(bases)) == len(bases)


def test_where_things_are_is_no_part_of_the_basis() -> None:
    elsewhere = {**CONFIG, "inbox": "/a", "results": "/b", "superevents": ["S240422ed"]}
    assert basis_of(elsewhere) == basis_of(CONFIG)


def test_record_holds_no_path(tmp_path: Path) -> None:
    file = tmp_path / "inbox" / "UPDATE" / "x.avro"
    write_record(tmp_path / "done.json", Record("b", {"S240422ed": files_digest([file])}))
    assert str(tmp_path) not in json.dumps((tmp_path / "done.json").read_text())
