"""The catalogue's memory: products are those of a catalogue made of everything, whatever it is."""

import json
import os
import pickle
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from event_products import HOSTILE, PRODUCTS, event_json, rejected_json
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from sirenflow.catalogue import cache
from sirenflow.stages.catalogue import catalogue

IDS = ("S261122ab", "S261120c", "MS261124a", "S241102br", "MS240101z")
TEXTS = st.sampled_from(
    ["AllSky", "100 %d", 'a "b", c', "tab\tand\nline", "\u202f\ud7ff", *HOSTILE]
)
EVENTS = st.builds(
    lambda text, far, share, kind: {
        "search": text,
        "far": far,
        "classification": {"BNS": share, text: 1 - share},
        "rejected": kind,
    },
    TEXTS,
    st.floats(1e-20, 1e-3),
    st.floats(0, 1),
    st.booleans(),
)
CHANGES = st.lists(
    st.lists(st.tuples(st.sampled_from(IDS), st.none() | EVENTS), max_size=3),
    min_size=1,
    max_size=5,
)


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be old enough to be remembered."""
    monkeypatch.setattr(cache, "time_ns", lambda: time.time_ns() + 10**10)


def write(folder: Path, superevent_id: str, **event: Any) -> Path:
    """Write an event.json of another state than it had; it may be changed in the same tick."""
    path = folder / superevent_id / "event.json"
    path.parent.mkdir(exist_ok=True)
    before = state(path)
    made = (
        rejected_json(superevent_id)
        if event.pop("rejected", False)
        else event_json(superevent_id, **event)
    )
    while state(path) == before:
        path.write_text(json.dumps(made), encoding="utf-8")
    return path


def state(path: Path) -> int | None:
    return path.stat().st_ctime_ns if path.exists() else None


def make(folder: Path, memory: Path | None) -> dict[str, bytes]:
    """Make the catalogue of a folder; give its products."""
    files = {name: folder / file for name, file in PRODUCTS.items()}
    catalogue(sorted(folder.glob("*/event.json")), **files, memory=memory)
    return {name: file.read_bytes() for name, file in files.items()}


def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Note which event.json are read from now on."""
    read: list[Path] = []
    real: Callable[[Path], tuple[str, bytes]] = cache._read

    def note(event: Path) -> tuple[str, bytes]:
        read.append(event)
        return real(event)

    monkeypatch.setattr(cache, "_read", note)
    return read


@pytest.mark.slow
@settings(max_examples=25)
@given(CHANGES)
def test_products_equal_those_made_of_everything(changes: list[list[tuple[str, Any]]]) -> None:
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        for changed in changes:
            for superevent_id, event in changed:
                path = folder / superevent_id / "event.json"
                if event is not None:
                    write(folder, superevent_id, **event)
                elif path.exists():
                    path.unlink()
            updated = make(folder, folder / "memory")
            assert updated == make(folder, folder / "memory") == make(folder, None)


def test_only_what_changed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path, superevent_id) for superevent_id in IDS]
    read = reads(monkeypatch)
    make(tmp_path, tmp_path / "private" / "memory")
    assert sorted(read) == sorted(paths)
    read.clear()
    make(tmp_path, tmp_path / "private" / "memory")
    assert read == []
    changed = write(tmp_path, IDS[1], far=1e-12)
    make(tmp_path, tmp_path / "private" / "memory")
    assert read == [changed]
    assert [file.name for file in (tmp_path / "private").iterdir()] == ["memory"]


def test_time_of_the_file_as_a_program_may_set_it_hides_no_change(tmp_path: Path) -> None:
    path = write(tmp_path, IDS[0], search="AAA")
    before = path.stat()
    make(tmp_path, tmp_path / "memory")
    write(tmp_path, IDS[0], search="BBB")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert b"BBB" in make(tmp_path, tmp_path / "memory")["csv"]


def test_file_that_may_change_in_the_same_tick_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "time_ns", time.time_ns)
    path = write(tmp_path, IDS[0])
    read = reads(monkeypatch)
    make(tmp_path, tmp_path / "memory")
    make(tmp_path, tmp_path / "memory")
    assert read == [path, path]


def test_superevents_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    for superevent_id in IDS:
        write(tmp_path, superevent_id)
    make(tmp_path, tmp_path / "memory")
    (tmp_path / IDS[0] / "event.json").unlink()
    assert IDS[0].encode() not in b"".join(make(tmp_path, tmp_path / "memory").values())
    assert f"/{IDS[0]}/".encode() not in (tmp_path / "memory").read_bytes()


def test_links_are_those_of_the_page_that_is_made(tmp_path: Path) -> None:
    write(tmp_path, IDS[0])
    make(tmp_path, tmp_path / "memory")
    below = tmp_path / "pages"
    below.mkdir()
    files = {name: below / file for name, file in PRODUCTS.items()}
    catalogue(sorted(tmp_path.glob("*/event.json")), **files, memory=tmp_path / "memory")
    assert f'href="../{IDS[0]}/index.html"' in files["page"].read_text(encoding="utf-8")


class Runs:
    """What would leave a file, were it unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.file), "w")


def of_other_version(memory: bytes) -> bytes:
    head, _, body = memory.partition(b"\n")
    known = json.loads(head)
    return json.dumps([known[0], "0.0.1", *known[2:]]).encode() + b"\n" + body


def of_other_columns(memory: bytes) -> bytes:
    head, _, body = memory.partition(b"\n")
    known = json.loads(head)
    return json.dumps([*known[:2], known[2][1:], *known[3:]]).encode() + b"\n" + body


def of_other_format(memory: bytes) -> bytes:
    head, _, body = memory.partition(b"\n")
    return json.dumps([0, *json.loads(head)[1:]]).encode() + b"\n" + body


def with_body(memory: bytes, body: bytes) -> bytes:
    """Say of another body what a memory says of its own."""
    known = json.loads(memory.partition(b"\n")[0])
    return json.dumps([*known[:4], len(body), zlib.crc32(body)]).encode() + b"\n" + body


def with_entries(memory: bytes, entry: Any) -> bytes:
    """Put something else in place of every entry."""
    known = msgpack.decode(memory.partition(b"\n")[2])
    return with_body(memory, msgpack.encode(dict.fromkeys(known, entry)))


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda memory: memory[: len(memory) // 2],
    "cut after the head": lambda memory: memory[: memory.index(b"\n") + 1],
    "a byte": lambda memory: memory.replace(b"AllSky", b"AllSkz", 1),
    "other version": of_other_version,
    "other format": of_other_format,
    "other columns": of_other_columns,
    "foreign": lambda _: b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "foreign JSON": lambda _: b'{"schema_version": 1}\n',
    "deep": lambda _: b"[" * 100_000,
    "no entries": lambda memory: with_body(memory, b""),
    "no MessagePack": lambda memory: with_body(memory, b"\xc1\xff"),
    "entries of no type": lambda memory: with_entries(memory, None),
    "too little": lambda memory: with_entries(memory, ["", [{}]]),
    "too few": lambda memory: with_entries(memory, ["", [{}, ["[]", []]]]),
    "deep entries": lambda memory: with_body(memory, b"\x91" * 100_000),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_memory_that_is_not_whole_and_ours_is_not_used(
    spoil: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    for superevent_id in IDS:
        write(tmp_path, superevent_id, search="AllSky")
    memory = tmp_path / "memory"
    whole = make(tmp_path, memory)
    good = memory.read_bytes()
    memory.write_bytes(spoil(good))
    assert memory.read_bytes() != good
    assert make(tmp_path, memory) == whole
    assert memory.read_bytes() == good


def test_memory_is_never_unpickled(tmp_path: Path) -> None:
    write(tmp_path, IDS[0])
    left = tmp_path / "left"
    (tmp_path / "memory").write_bytes(pickle.dumps(Runs(left)))
    assert make(tmp_path, tmp_path / "memory") == make(tmp_path, None)
    assert not left.exists()


def test_memory_that_cannot_be_written_or_read_costs_nothing_but_time(tmp_path: Path) -> None:
    write(tmp_path, IDS[0])
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    for memory in (tmp_path / "file" / "memory", tmp_path / "directory"):
        assert make(tmp_path, memory) == make(tmp_path, None)
    assert not [file for file in tmp_path.iterdir() if file.suffix == ".tmp"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema_version": 7}\n'])
def test_damaged_event_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    good, damaged = write(tmp_path, IDS[0]), write(tmp_path, IDS[1])
    damaged.write_bytes(content)
    events = [good, damaged]
    (entry,) = cache.read_entries(events, tmp_path / "index.html", tmp_path / "memory")
    assert entry.row.superevent_id == IDS[0]
    assert IDS[1] in caplog.text
