"""The workflow as a user runs it, with plain `snakemake`."""

import json
import shutil
from pathlib import Path

import pytest
from paths import ROOT, SAMPLE_ALERTS, SAMPLES
from snakemake_runs import checksums, ingest, jobs, snakemake
from warm_commands import warm_snakemake

SUPEREVENTS = {path.name.split("-")[0] for path in SAMPLE_ALERTS}


JSON_PRODUCTS = ("alerts", "localization", "regions", "visibility", "event")


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a working directory in which the samples are taken in and processed."""
    directory = tmp_path_factory.mktemp("processed")
    ingest(directory / "inbox", SAMPLES)
    each = dict.fromkeys(("extract", "report"), len(SUPEREVENTS))
    assert jobs(snakemake(directory)) == {"all": 1, "catalogue": 1, **each}
    return directory


@pytest.fixture
def worked(processed: Path, tmp_path: Path) -> Path:
    """Copy the processed directory, to be changed; files keep their times."""
    return shutil.copytree(processed, tmp_path / "worked")


def test_every_superevent_has_every_product(processed: Path) -> None:
    results = processed / "results"
    for superevent in SUPEREVENTS:
        for name in ("index.html", "circular.txt", *(f"{stem}.json" for stem in JSON_PRODUCTS)):
            assert (results / superevent / name).stat().st_size > 0
    for name in (
        "index.html",
        *(f"catalogue.{suffix}" for suffix in ("ecsv", "csv", "json", "vot")),
    ):
        assert all(id_ in (results / name).read_text() for id_ in SUPEREVENTS)


def test_finished_work_is_not_done_again(processed: Path) -> None:
    run = snakemake(processed)
    assert "Nothing to be done" in run.stdout
    assert jobs(run) == {}


def test_one_more_alert_redoes_its_superevent_and_the_catalogue(worked: Path) -> None:
    before = checksums(worked / "results")
    original = SAMPLES / "MS260926m-01-retraction-alone.json"
    record = json.loads(original.read_text()) | {"time_created": "2026-09-27T00:00:00Z"}
    later = worked / "later.json"
    later.write_text(json.dumps(record))
    ingest(worked / "inbox", later)
    again = dict.fromkeys(("extract", "report"), 1)
    assert jobs(warm_snakemake(worked)) == {"all": 1, "catalogue": 1, **again}
    after = checksums(worked / "results")
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed
    assert {Path(name).parts[0] for name in changed} <= {
        *("MS260926m", "index.html", "events.atom"),
        *(f"catalogue.{suffix}" for suffix in ("ecsv", "csv", "json", "vot")),
    }


def test_retraction_is_said_by_every_product(worked: Path) -> None:
    """All but the maps, which are as they were sent."""
    record = json.loads((SAMPLES / "MS260926m-01-retraction-alone.json").read_text())
    record |= {"superevent_id": "MS260803a", "time_created": "2026-08-04T00:00:00Z"}
    (worked / "later.json").write_text(json.dumps(record))
    ingest(worked / "inbox", worked / "later.json")
    assert jobs(warm_snakemake(worked))["report"] == 1
    results = worked / "results/MS260803a"
    for stem in JSON_PRODUCTS:
        assert json.loads((results / f"{stem}.json").read_text())["retracted"] is True, stem
    files = [results / "index.html", results / "circular.txt", *results.glob("regions/01-*")]
    assert len(files) == 2 + 4
    for file in files:
        assert b"retract" in file.read_bytes().lower(), file.name
    rows = (worked / "results/catalogue.csv").read_text().splitlines()
    (row,) = (row for row in rows if "MS260803a" in row)
    assert ",retracted,True," in row


def test_products_hold_no_path_of_this_machine(processed: Path) -> None:
    for path in (processed / "results").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(processed).encode() not in data
            assert str(ROOT).encode() not in data


def test_own_configuration_comes_before_the_one_beside_the_snakefile(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("inbox: mine\nresults: ours\n")
    ingest(tmp_path / "mine", SAMPLES / "MS260926m-01-retraction-alone.json")
    assert jobs(warm_snakemake(tmp_path))["extract"] == 1
    assert (tmp_path / "ours/MS260926m/index.html").exists()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("inbx=here", ["unknown key 'inbx'", "inbox, results"]),
        ("credible_levels_percent=[50,68]", ["was renamed to `skymaps: extra_credible_levels"]),
        ("inbox=nowhere", ["'nowhere' does not exist", "sirenflow ingest"]),
    ],
)
def test_wrong_setting_stops_the_run_and_is_named(
    tmp_path: Path, setting: str, told: list[str]
) -> None:
    run = warm_snakemake(tmp_path, "--config", setting)
    assert run.returncode == 1
    assert all(words in run.stdout for words in told), run.stdout
    assert "Traceback" not in run.stdout
    assert not (tmp_path / "results").exists()


def test_empty_inbox_gives_an_empty_catalogue(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    assert jobs(warm_snakemake(tmp_path)) == {"all": 1, "catalogue": 1}
    assert (tmp_path / "results/index.html").exists()


def test_broken_files_in_the_inbox_stop_nothing_and_are_told(tmp_path: Path) -> None:
    good = SAMPLES / "TS260902f-02-preliminary-single-detector.avro"
    ingest(tmp_path / "inbox", good)
    directory = tmp_path / "inbox/TS260902f/PRELIMINARY"
    (directory / "truncated.avro").write_bytes(good.read_bytes()[:5000])
    other = tmp_path / "inbox/TS260101a/UPDATE"
    other.mkdir(parents=True)
    (other / "empty.avro").touch()
    assert jobs(warm_snakemake(tmp_path))["extract"] == 2
    results = tmp_path / "results"
    alerts = json.loads((results / "TS260902f/alerts.json").read_text())
    assert [alert["alert_type"] for alert in alerts["alerts"]] == ["PRELIMINARY"]
    (rejected,) = alerts["rejected"]
    assert rejected["file"] == "PRELIMINARY/truncated.avro"
    assert "truncated" in rejected["reason"]
    assert "truncated" in (results / "TS260902f/index.html").read_text()
    nothing = json.loads((results / "TS260101a/alerts.json").read_text())
    assert nothing["alerts"] == []
    assert "empty" in nothing["rejected"][0]["reason"]
    assert "TS260101a" in (results / "catalogue.csv").read_text()


def test_failing_stage_leaves_its_traceback_in_the_log_and_others_go_on(tmp_path: Path) -> None:
    ingest(tmp_path / "inbox", SAMPLES / "MS260926m-01-retraction-alone.json")
    assert warm_snakemake(tmp_path).returncode == 0
    results = tmp_path / "results"
    (results / "MS260926m/localization.json").write_text("{")
    ingest(tmp_path / "inbox", SAMPLES / "TS260902f-03-retraction.avro")
    assert warm_snakemake(tmp_path).returncode == 1
    assert "JSONDecodeError" in (results / "logs/report/MS260926m.log").read_text()
    assert (results / "TS260902f/index.html").exists()


def test_what_is_no_file_in_the_inbox_is_told_and_stops_nothing(tmp_path: Path) -> None:
    ingest(tmp_path / "inbox", SAMPLES / "MS260926m-01-retraction-alone.json")
    directory = tmp_path / "inbox/TS260101a/UPDATE"
    (directory / "folder.avro").mkdir(parents=True)
    (directory / "gone.avro").symlink_to("nowhere")
    run = warm_snakemake(tmp_path)
    assert jobs(run)["extract"] == 2
    assert "folder.avro' is not taken for an alert" in run.stdout
    # A link that leads nowhere may have been an alert.
    (rejected,) = json.loads((tmp_path / "results/TS260101a/alerts.json").read_bytes())["rejected"]
    assert rejected["file"] == "UPDATE/gone.avro"
    assert rejected["reason"] == "cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("file", "content", "arguments", "problem"),
    [
        (
            "config/config.yaml",
            "galaxies: {max_listed: 1}\ngalaxies: null\n",
            (),
            "config/config.yaml: galaxies is set more than once, on lines 1 and 2; keep one",
        ),
        (
            "mine.yaml",
            "candidates:\n  columns: {ra: a}\n  columns: {ra: b}\n",
            ("--configfile", "mine.yaml"),
            "mine.yaml: candidates, columns is set more than once, on lines 2 and 3; keep one",
        ),
        (
            "config/config.yaml",
            "visibility:\n\tsites: []\n",
            (),
            "config.yaml cannot be read: while",
        ),
        ("config/config.yml", "", (), "config/config.yml is not read; rename it to config.yaml"),
    ],
)
def test_plain_snakemake_is_as_strict_about_the_configuration(
    file: str, content: str, arguments: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / file).write_text(content)
    run = warm_snakemake(tmp_path, "--dry-run", *arguments)
    assert run.returncode == 1
    assert problem in " ".join(run.stdout.split())
