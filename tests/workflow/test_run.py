"""`sirenflow run`: only what is new, from cron or by hand."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path

import pytest
from arrivals import put_in_quarantine, retry
from paths import BIN, SAMPLES
from snakemake_runs import checksums, ingest, jobs, snakemake
from warm_commands import warm_run, warm_snakemake

from sirenflow.errors import AlertError
from sirenflow.inbox import quarantine
from sirenflow.inbox.acknowledgements import acknowledge
from sirenflow.pipeline.snakemake.snakemake_dir import snakemake_dir_id

BURST = SAMPLES / "TS260902f-02-preliminary-single-detector.avro"
RETRACTION = SAMPLES / "TS260902f-03-retraction.avro"
OTHER = SAMPLES / "MS260926m-01-retraction-alone.json"


def run_cold(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "sirenflow"), "run", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def touch(directory: Path, superevent: str) -> None:
    """Have the alerts of a superevent look as if they had just come."""
    for file in (directory / "inbox" / superevent).glob("*/*"):
        os.utime(file)


def done(run_: subprocess.CompletedProcess[str], code: int = 0) -> list[tuple[str, str | None]]:
    """List the jobs that a run with ``--format json`` tells of."""
    assert run_.returncode == code, run_.stdout + run_.stderr
    lines = [json.loads(line) for line in run_.stdout.splitlines()]
    assert lines[-1]["event"] == "summary"
    assert lines[-1]["exit_code"] == code
    return [(line["stage"], line["superevent"]) for line in lines if line["event"] == "done"]


def made_by_run(directory: Path, *arguments: str, code: int = 0) -> list[tuple[str, str | None]]:
    """Run `sirenflow run` in a directory; list its jobs."""
    return done(warm_run(directory, "--format", "json", *arguments), code)


def stages(superevent: str) -> list[tuple[str, str | None]]:
    return [(stage, superevent) for stage in ("extract", "report")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a working directory in which two superevents are done."""
    directory = tmp_path_factory.mktemp("made")
    ingest(directory / "inbox", BURST, OTHER)
    expected = sorted([*stages("TS260902f"), *stages("MS260926m"), ("catalogue", "None")])
    told = done(run_cold(directory, "--format", "json"))
    assert sorted((stage, str(superevent)) for stage, superevent in told) == expected
    return directory


@pytest.fixture
def worked(made: Path, tmp_path: Path) -> Path:
    directory = shutil.copytree(made, tmp_path / "worked")
    file = directory / "results/.sirenflow/done.json"
    with chdir(directory):
        state = json.loads(file.read_text()) | {"snakemake_dir_id": snakemake_dir_id()}
        file.write_text(json.dumps(state))
    return directory


@pytest.mark.snakemake
def test_products_are_those_of_a_plain_run(made: Path, tmp_path: Path) -> None:
    ingest(tmp_path / "inbox", BURST, OTHER)
    assert snakemake(tmp_path).returncode == 0
    assert checksums(tmp_path / "results") == checksums(made / "results")


def test_when_nothing_is_new_it_says_so_and_imports_no_snakemake(worked: Path) -> None:
    again = run_cold(worked)
    assert (again.returncode, again.stdout, again.stderr) == (0, "nothing new\n", "")
    check = (
        "import sys; from sirenflow.cli import main\n"
        "try: main(['run'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'snakemake', 'astropy', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", check], cwd=worked, capture_output=True, text=True, check=True
    )
    assert said.stdout == "nothing new\n[]\n"


def test_plain_run_after_it_has_nothing_to_do(worked: Path) -> None:
    assert "Nothing to be done" in warm_snakemake(worked).stdout


@pytest.mark.snakemake
def test_new_alert_makes_its_superevent_and_the_catalogue_only(worked: Path) -> None:
    ingest(worked / "inbox", RETRACTION)
    told = made_by_run(worked)
    assert sorted(told[:-1]) == sorted(stages("TS260902f"))
    assert told[-1] == ("catalogue", None)
    assert "Nothing to be done" in warm_snakemake(worked).stdout
    assert warm_run(worked).stdout == "nothing new\n"


def test_alert_that_was_copied_there_by_hand_is_found(worked: Path) -> None:
    target = worked / "inbox/TS260902f/RETRACTION/by-hand.avro"
    target.parent.mkdir(parents=True)
    shutil.copy(RETRACTION, target)
    assert ("report", "TS260902f") in made_by_run(worked)


def test_page_that_is_gone_is_made_again(worked: Path) -> None:
    (worked / "results/TS260902f/index.html").unlink()
    assert made_by_run(worked) == [
        ("report", "TS260902f"),
        ("catalogue", None),
    ]


def test_summary_that_is_gone_is_made_again_and_stays_in_the_catalogue(worked: Path) -> None:
    (worked / "results/TS260902f/event.json").unlink()
    ingest(worked / "inbox", SAMPLES / "MS260926m-01-retraction-alone.json")
    assert ("report", "TS260902f") in made_by_run(worked)
    assert "TS260902f" in (worked / "results/catalogue.csv").read_text()


def test_damaged_summary_is_rebuilt_with_the_catalogue(worked: Path) -> None:
    """As a power cut may leave it."""
    summary = worked / "results/TS260902f/event.json"
    whole = summary.read_bytes()
    summary.write_bytes(whole[:100])
    for file in ("index.html", "catalogue.csv"):
        (worked / "results" / file).unlink()
    assert warm_run(worked).returncode == 0
    assert summary.read_bytes() == whole
    assert "TS260902f" in (worked / "results/catalogue.csv").read_text()


def test_summary_that_is_damaged_in_its_middle_is_rebuilt_when_the_catalogue_reads_it(
    worked: Path,
) -> None:
    """Its end is whole, so that only who reads all of it can see that."""
    summary = worked / "results/TS260902f/event.json"
    whole = summary.read_bytes()
    summary.write_bytes(whole[:100] + b"\0" * 200 + whole[300:])
    ingest(worked / "inbox", SAMPLES / "MS260607d-01-preliminary.avro")
    jobs_done = made_by_run(worked)
    assert ("extract", "TS260902f") not in jobs_done
    assert jobs_done[-2:] == [("report", "TS260902f"), ("catalogue", None)]
    assert summary.read_bytes() == whole
    listed = (worked / "results/catalogue.csv").read_text()
    assert all(superevent in listed for superevent in ("TS260902f", "MS260926m", "MS260607d"))
    assert warm_run(worked).stdout == "nothing new\n"


@pytest.mark.snakemake
@pytest.mark.parametrize("options", [["-n"], ["--until", "extract"]])
def test_run_that_makes_only_a_part_is_not_taken_for_whole(
    worked: Path, options: list[str]
) -> None:
    ingest(worked / "inbox", RETRACTION)
    warm_run(worked, "--", *options)
    told = warm_run(worked)
    assert "nothing new" not in told.stdout
    assert is_retracted(worked)


def is_retracted(directory: Path) -> bool:
    event = json.loads((directory / "results/TS260902f/event.json").read_bytes())
    return bool(event["retracted"])


def test_damaged_alert_that_is_restored_with_its_time_is_read_again(worked: Path) -> None:
    """Snakemake would not see it."""
    (file,) = (worked / "inbox/TS260902f").rglob("*.avro")
    shutil.copy2(file, worked / "backup")
    expected = checksums(worked / "results")
    file.write_bytes(file.read_bytes()[:1000])
    os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns - 10**9))
    made_by_run(worked, code=3)
    shutil.copy2(worked / "backup", file)
    made_by_run(worked)
    assert checksums(worked / "results") == expected


def test_alert_that_leaves_is_forgotten_whatever_snakemake_has_noted(worked: Path) -> None:
    ingest(worked / "inbox", RETRACTION)
    made_by_run(worked)
    assert is_retracted(worked)
    (file,) = (worked / "inbox/TS260902f/RETRACTION").glob("*.avro")
    file.unlink()
    shutil.rmtree(worked / ".snakemake")
    made_by_run(worked)
    assert not is_retracted(worked)


@pytest.mark.snakemake
def test_other_configuration_counts_whatever_snakemake_has_noted(worked: Path) -> None:
    shutil.rmtree(worked / ".snakemake")
    (worked / "config").mkdir()
    (worked / "config/config.yaml").write_text("skymaps: {extra_credible_levels_percent: [75]}\n")
    made_by_run(worked)
    assert "area_75" in (worked / "results/TS260902f/localization.json").read_text()


def test_run_that_is_killed_on_another_configuration_leaves_none_of_it(worked: Path) -> None:
    expected = checksums(worked / "results")
    (worked / "config").mkdir()
    (worked / "config/config.yaml").write_text("skymaps: {extra_credible_levels_percent: [75]}\n")
    process = subprocess.Popen([str(BIN / "sirenflow"), "run"], cwd=worked, process_group=0)
    localization = worked / "results/TS260902f/localization.json"
    while process.poll() is None and "area_75" not in read(localization):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (worked / "config/config.yaml").unlink()
    assert warm_run(worked).returncode == 0
    assert checksums(worked / "results") == expected


def read(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def test_superevent_that_left_the_inbox_leaves_the_catalogue(worked: Path) -> None:
    shutil.rmtree(worked / "inbox/MS260926m")
    assert made_by_run(worked) == [("catalogue", None)]
    assert "MS260926m" not in (worked / "results/catalogue.csv").read_text()
    assert warm_run(worked).stdout == "nothing new\n"


def test_superevent_that_left_is_not_forgotten_before_the_catalogue_is_made(worked: Path) -> None:
    shutil.rmtree(worked / "inbox/TS260902f")
    assert warm_run(worked, "--", "--dry-run").returncode == 0
    assert "TS260902f" in (worked / "results/catalogue.csv").read_text()
    assert warm_run(worked).returncode == 0
    assert "TS260902f" not in (worked / "results/catalogue.csv").read_text()


def test_other_configuration_makes_everything_anew(worked: Path) -> None:
    (worked / "config").mkdir()
    (worked / "config/config.yaml").write_text("visibility: {sites: []}\n")
    told = made_by_run(worked)
    assert sorted(told[:-1]) == [("report", "MS260926m"), ("report", "TS260902f")]
    assert warm_run(worked).stdout == "nothing new\n"


def test_one_superevent_under_another_configuration_leaves_the_others_due(worked: Path) -> None:
    (worked / "config").mkdir()
    (worked / "config/config.yaml").write_text("visibility: {sites: []}\n")
    one = made_by_run(worked, "--superevent", "TS260902f")
    assert one == [("report", "TS260902f"), ("catalogue", None)]
    rest = made_by_run(worked)
    assert rest == [("report", "MS260926m"), ("catalogue", None)]


@pytest.mark.parametrize("name", ["2024", "1e5", "true", "-x", '"a, b" = [c]: #'])
def test_directories_may_have_any_name(tmp_path: Path, name: str) -> None:
    ingest(tmp_path / "inbox", OTHER)
    (tmp_path / "inbox").rename(tmp_path / f"{name}'")
    told = warm_run(tmp_path, f"--inbox={name}'", f"--results={name}")
    assert told.returncode == 0, told.stderr
    assert told.stdout.endswith(f"; catalogue: {name}/index.html\n")
    assert (tmp_path / name / "MS260926m/index.html").exists()


def test_choices_of_superevents(worked: Path) -> None:
    touch(worked, "TS260902f")
    for begin in ("2026-09-10T00:00Z", "2026-09-10.0"):
        touch(worked, "MS260926m")
        since = made_by_run(worked, "--since", begin)
        assert {superevent for _, superevent in since} == {"MS260926m", None}
    one = made_by_run(worked, "--superevent", "TS260902f")
    assert {superevent for _, superevent in one} == {"TS260902f", None}
    assert made_by_run(worked, "--all") == []
    assert warm_run(worked).stdout == "nothing new\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--superevent", "S240422ed"], 1, "no alerts of S240422ed in inbox"),
        (
            ["--superevent", "TS260902f", "--all"],
            2,
            "choose one of --all, --superevent and --since",
        ),
        (["--since", "yesterday"], 2, "'yesterday'; expected a time in UTC"),
        (["--since", "04/05/2026"], 2, "can be 2026-05-04 or 2026-04-05"),
        (["--inbox", "nowhere"], 1, "'nowhere' does not exist"),
        (["--results", "inbox/results"], 1, "neither inside the other"),
        (["--inbox", "nowhere"], 1, "name another with `--inbox DIR`"),
        (["--all", "--", "--no-such-option"], 1, "--no-such-option"),
        (["--all", "--", "--configfile", "mine.yaml"], 2, "edit config/config.yaml instead"),
        (["--", "--config=skymaps={flat_nside: 16}"], 2, "edit config/config.yaml instead"),
        (["--", "-Cflat_nside=16"], 2, "edit config/config.yaml instead"),
        (["--", "-d", "elsewhere"], 2, "edit config/config.yaml instead"),
    ],
)
def test_wrong_wishes_are_told_in_a_line(
    worked: Path, arguments: list[str], code: int, told: str
) -> None:
    refused = warm_run(worked, *arguments)
    assert refused.returncode == code
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr


def test_rejected_alert_is_told_once_with_code_3(worked: Path) -> None:
    (worked / "inbox/TS260902f/PRELIMINARY/broken.avro").write_bytes(b"Obj\x01 and no more")
    first = warm_run(worked)
    assert first.returncode == 3
    assert "rejected TS260902f/PRELIMINARY/broken.avro: " in first.stderr
    assert "1 alert rejected" in first.stdout
    assert warm_run(worked).returncode == 0


@pytest.mark.snakemake
def test_failure_is_told_and_tried_again_and_the_rest_is_made(worked: Path) -> None:
    results = worked / "results"
    ingest(worked / "inbox", RETRACTION)
    touch(worked, "MS260926m")
    (results / "MS260926m/regions.json").unlink()
    (results / "MS260926m/regions.json").mkdir()
    (results / "MS260926m/regions.json/in the way").touch()
    failed = warm_run(worked)
    assert failed.returncode == 1
    assert "MS260926m: " in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "retracted" in (results / "catalogue.csv").read_text()
    assert warm_run(worked).returncode == 1
    shutil.rmtree(results / "MS260926m/regions.json")
    assert warm_run(worked).returncode == 0
    assert warm_run(worked).stdout == "nothing new\n"


def test_full_disk_fails_the_job_and_rejects_no_alert(tmp_path: Path) -> None:
    """No file may be larger than 0.5 MB, which a sky map is."""
    ingest(tmp_path / "inbox", BURST, OTHER)
    limited = (
        "import resource, sys; from sirenflow.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000,) * 2); main(['run'])"
    )
    failed = subprocess.run(
        [sys.executable, "-c", limited], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert failed.returncode == 1
    assert "TS260902f: extract failed: OSError: [Errno 27] File too large; see " in failed.stderr
    assert "rejected" not in failed.stdout + failed.stderr
    assert (tmp_path / "results/MS260926m/index.html").exists()
    again = warm_run(tmp_path)
    assert again.returncode == 0
    assert "1 superevent considered, of 1 alert: 3 jobs done" in again.stdout
    alerts = json.loads((tmp_path / "results/TS260902f/alerts.json").read_bytes())
    assert alerts["rejected"] == []


def test_error_is_told_if_the_log_cannot_be_written_and_no_catalogue_that_is_not_there(
    tmp_path: Path,
) -> None:
    ingest(tmp_path / "inbox", OTHER)
    in_the_way = ("MS260926m/localization.json", "events.atom")
    for name in ("logs/extract/MS260926m.log", "logs/catalogue.log", *in_the_way):
        (tmp_path / "results" / name / "something").mkdir(parents=True)
    failed = warm_run(tmp_path)
    assert failed.returncode == 1
    lines = failed.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("sirenflow: MS260926m: extract failed: ")
    assert lines[1].startswith("sirenflow: all: catalogue failed: ")
    assert all("Is a directory: " in line and "see " not in line for line in lines)
    assert "2 jobs failed" in failed.stdout
    assert "catalogue:" not in failed.stdout


def test_second_run_leaves_at_once(worked: Path) -> None:
    hold = (
        "import sys, time; from pathlib import Path; from sirenflow.files.lock import exclusive\n"
        "with exclusive(Path('results/.sirenflow/lock')):\n"
        " print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold], cwd=worked, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        busy = warm_run(worked)
        assert busy.returncode == 75
        assert f"process {holder.pid} on " in busy.stderr
        touch(worked, "TS260902f")
        plain = warm_snakemake(worked)
        assert plain.returncode == 1
        assert f"process {holder.pid} on " in plain.stdout
    finally:
        holder.kill()
        holder.communicate()
    assert warm_run(worked).returncode == 0


# ------------------------------------------------------------------------------------- quarantine

UNREADABLE_RETRACTION = json.loads(OTHER.read_text()) | {
    "superevent_id": "TS260902f",
    "time_created": "{superevent} <yesterday> \x1b[2J",
}


def quarantine_retraction(directory: Path) -> str:
    """Have a retraction of TS260902f in quarantine; return its name there."""
    data = json.dumps(UNREADABLE_RETRACTION).encode()
    error = AlertError(
        f"time_created {UNREADABLE_RETRACTION['time_created']!r}", "invalid_identity"
    )
    put_in_quarantine(directory / "inbox", data, error, {"way": "listen"})
    (entry,) = quarantine.list_entries(directory / "inbox")
    return entry.name


def warns(directory: Path) -> tuple[bool, bool]:
    """Tell whether the page of TS260902f, and the catalogue, say that a message is unreadable."""
    files = [directory / "results" / name for name in ("TS260902f/index.html", "index.html")]
    page, catalogue = ("could not be read" in file.read_text() for file in files)
    return page, catalogue


def sirenflow_run(directory: Path) -> None:
    made_by_run(directory)


def plain_run(directory: Path) -> None:
    assert jobs(warm_snakemake(directory)) == {"all": 1, "report": 1, "catalogue": 1}


def has_nothing_new(directory: Path) -> bool:
    return warm_run(directory).stdout == "nothing new\n"


def has_nothing_to_do(directory: Path) -> bool:
    return "Nothing to be done" in warm_snakemake(directory).stdout


@pytest.mark.parametrize(
    ("make", "is_idle"), [(sirenflow_run, has_nothing_new), (plain_run, has_nothing_to_do)]
)
def test_page_and_catalogue_follow_what_is_in_quarantine(
    worked: Path, make: Callable[[Path], None], is_idle: Callable[[Path], bool]
) -> None:
    """It comes, its reason changes, it is acknowledged, and dropped."""
    before = checksums(worked / "results")
    name = quarantine_retraction(worked)
    make(worked)
    assert warns(worked) == (True, True)
    after = checksums(worked / "results")
    changed = {file for file in before if before[file] != after[file]}
    pages = {f"TS260902f/{file}" for file in ("index.html", "event.json", "circular.txt")}
    assert changed - {"events.atom"} == {*pages, "index.html", "catalogue.json"}
    entry = quarantine.find_entry(worked / "inbox", name)
    acknowledge(worked / "inbox", [entry], datetime.now(UTC))
    assert is_idle(worked)
    entry.path.with_suffix(".reason.json").write_bytes(b'{"reason": "cut')
    make(worked)
    assert "missing or damaged" in (worked / "results/TS260902f/index.html").read_text()
    quarantine.drop_entry(entry)
    make(worked)
    assert checksums(worked / "results") == before
    assert is_idle(worked)


def test_inbox_that_lost_all_superevents_keeps_the_catalogue_until_accepted(worked: Path) -> None:
    """As where its file system is not mounted."""
    before = checksums(worked / "results")
    record_ = (worked / "results/.sirenflow/done.json").read_bytes()
    (worked / "inbox").rename(worked / "away")
    (worked / "inbox").mkdir()
    for arguments in ([], ["--since", "2020-01-01"]):
        again = warm_run(worked, *arguments)
        assert again.returncode == 1
        assert "all 2 superevents of the last run, such as MS260926m, cannot be f" in again.stderr
        assert "`sirenflow run --all`" in again.stderr
    assert checksums(worked / "results") == before
    assert (worked / "results/.sirenflow/done.json").read_bytes() == record_
    accepted = warm_run(worked, "--all")
    assert accepted.returncode == 0, accepted.stderr
    listed = json.loads((worked / "results/catalogue.json").read_text())["events"]
    assert listed == []
    assert warm_run(worked).stdout == "nothing new\n"


def test_directory_that_is_left_out_is_reported_by_every_run(worked: Path) -> None:
    shutil.copytree(worked / "inbox/MS260926m", worked / "inbox/ms260926m")
    for _ in range(2):
        again = warm_run(worked)
        assert again.returncode == 3, again.stdout
        assert "'ms260926m' of the inbox is left out" in again.stderr
    assert again.stdout == "nothing new\n"


def test_directory_that_cannot_be_listed_is_reported_by_every_run(worked: Path) -> None:
    (worked / "inbox/S260104d").symlink_to("S260104d")
    first = warm_run(worked)
    assert first.returncode == 3
    assert first.stderr.startswith("sirenflow: rejected S260104d: directory cannot be read: Too")
    assert first.stderr.count("S260104d") == 1
    again = warm_run(worked)
    assert (again.returncode, again.stdout) == (3, "nothing new\n")
    said = "inbox/S260104d cannot be listed: alerts of S260104d are missing\n"
    assert again.stderr == f"sirenflow: {said}"


def test_quarantine_that_cannot_be_read_is_reported_by_every_run(worked: Path) -> None:
    """Page and catalogue warned of a retraction: they warn that it may be missing now."""
    quarantine_retraction(worked)
    sirenflow_run(worked)
    directory = worked / "inbox/quarantine"
    directory.rename(worked / "away")
    directory.symlink_to("quarantine")
    said = "quarantine cannot be read"
    pages = [worked / "results" / name for name in ("TS260902f/index.html", "index.html")]
    for is_first in (True, False):
        again = warm_run(worked)
        assert again.returncode == 3
        assert ("nothing new" in again.stdout) is not is_first
        assert "quarantine inbox/quarantine cannot be read: Too many levels" in again.stderr
        assert all(said in page.read_text() for page in pages)
    directory.unlink()
    (worked / "away").rename(directory)
    assert "Nothing to be done" not in warm_snakemake(worked).stdout
    assert not any(said in page.read_text() for page in pages)
    (worked / "inbox/quarantine").rename(worked / "away")
    directory.symlink_to("quarantine")
    assert warm_snakemake(worked).returncode == 0
    assert all(said in page.read_text() for page in pages)


def test_message_about_no_known_superevent_makes_the_catalogue_only(worked: Path) -> None:
    data = json.dumps(UNREADABLE_RETRACTION | {"superevent_id": "S999999zz"}).encode()
    put_in_quarantine(worked / "inbox", data, AlertError("no"), {"way": "listen"})
    assert made_by_run(worked) == [("catalogue", None)]
    assert warns(worked) == (False, True)
    assert warm_run(worked).stdout == "nothing new\n"
    assert "Nothing to be done" in warm_snakemake(worked).stdout


def test_what_is_in_quarantine_counts_whatever_snakemake_has_noted(worked: Path) -> None:
    name = quarantine_retraction(worked)
    shutil.rmtree(worked / ".snakemake")
    sirenflow_run(worked)
    assert warns(worked) == (True, True)
    shutil.rmtree(worked / ".snakemake")
    quarantine.drop_entry(quarantine.find_entry(worked / "inbox", name))
    sirenflow_run(worked)
    assert warns(worked) == (False, False)


@pytest.mark.parametrize("name", ["catalogue.csv", "catalogue.vot", "events.atom"])
def test_file_of_the_catalogue_that_is_missing_is_written_again(worked: Path, name: str) -> None:
    file = worked / "results" / name
    before = file.read_bytes()
    file.unlink()
    assert made_by_run(worked) == [("catalogue", None)]
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["alerts.json", "localization.json", "regions.json"])
def test_product_that_is_missing_is_written_again(worked: Path, name: str) -> None:
    file = worked / "results/TS260902f" / name
    before = file.read_bytes()
    file.unlink()
    superevents = {superevent for _, superevent in made_by_run(worked)}
    assert superevents == {"TS260902f", None}
    assert file.read_bytes() == before


def test_run_of_the_first_stage_alone_needs_no_catalogue(worked: Path) -> None:
    (worked / "results/catalogue.csv").unlink()
    assert warm_run(worked, "--", "--until", "extract").returncode == 0
    assert "Traceback" not in warm_run(worked).stderr
    assert (worked / "results/catalogue.csv").exists()


def test_products_without_any_record_are_rebuilt(worked: Path) -> None:
    """Neither Snakemake nor we know then from what a page was built."""
    quarantine_retraction(worked)
    shutil.rmtree(worked / ".snakemake")
    (worked / "results/.sirenflow/done.json").unlink()
    assert ("extract", "TS260902f") in made_by_run(worked)
    assert warns(worked) == (True, True)


def test_retried_message_leaves_the_products_that_it_would_have_made(
    worked: Path, tmp_path: Path
) -> None:
    """Products do not tell whether an alert was in quarantine once."""
    data = json.dumps(UNREADABLE_RETRACTION | {"time_created": "2026-09-03T00:00:00Z"}).encode()
    put_in_quarantine(worked / "inbox", data, AlertError("a bug"), {"way": "listen"})
    sirenflow_run(worked)
    assert warns(worked) == (True, True)
    (entry,) = quarantine.list_entries(worked / "inbox")
    retry(worked / "inbox", entry)
    sirenflow_run(worked)
    (tmp_path / "later.json").write_bytes(data)
    ingest(tmp_path / "inbox", BURST, OTHER, tmp_path / "later.json")
    assert warm_snakemake(tmp_path).returncode == 0
    assert checksums(worked / "results") == checksums(tmp_path / "results")
    assert is_retracted(worked)


def test_quarantine_that_cannot_be_read_stops_no_page(worked: Path) -> None:
    (worked / "inbox/quarantine").touch()
    ingest(worked / "inbox", RETRACTION)
    assert ("report", "TS260902f") in made_by_run(worked, code=3)
