"""Directories that other machines write to are known by the table of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sirenflow.files import mount

# As the manual page proc_pid_mountinfo(5) has it; optional fields may be none or several.
MOUNTS = """\
22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
36 35 98:0 /mnt1 /{0}/home rw,noatime master:1 propagate_from:2 - nfs4 server:/home rw
37 36 0:41 / /{0}/home/me/scratch rw - xfs /dev/sdb rw
38 22 0:42 / /{0}/with\\040space rw shared:7 - cifs //server/share rw
39 22 0:43 / /{0}/donn\u00e9es rw - fuse.sshfs server: rw
40 22 0:44 / /{0}/twice rw - lustre server: rw
41 40 0:45 / /{0}/twice rw - tmpfs tmpfs rw
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a directory below which, says the system, are these mounts."""
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS.format(str(tmp_path).lstrip("/")), encoding="utf-8")
    monkeypatch.setattr(mount, "_MOUNTS", table)
    return tmp_path


@pytest.mark.parametrize(
    ("directory", "shared"),
    [
        ("inbox", False),
        ("home/inbox", True),
        ("home", True),
        ("homes", False),
        ("home/me/scratch/inbox", False),
        ("with space/inbox", True),
        ("donn\u00e9es", True),
        ("twice/inbox", False),
    ],
)
def test_nearest_and_latest_mount_decides(place: Path, directory: str, shared: bool) -> None:
    assert mount.is_shared(place / directory) is shared


def test_link_leads_to_where_the_files_are(place: Path) -> None:
    (place / "link").symlink_to("home/inbox")
    assert mount.is_shared(place / "link")


def test_system_without_such_a_table_is_taken_at_its_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mount, "_MOUNTS", tmp_path / "none")
    assert not mount.is_shared(tmp_path)


def test_snapshot_changes_with_a_new_file_and_survives_loops(tmp_path: Path) -> None:
    (tmp_path / "MS1/UPDATE").mkdir(parents=True)
    (tmp_path / "MS1/LOOP").symlink_to("LOOP")
    (tmp_path / "MS2").symlink_to(".")
    before = mount.snapshot(tmp_path)
    assert mount.snapshot(tmp_path) == before
    (tmp_path / "MS1/UPDATE/x.avro").write_bytes(b"x")
    after = mount.snapshot(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} >= {"MS1"}
    assert mount.snapshot(tmp_path / "missing") == {}
