"""Each module of the package has its test file at the same place in this directory.

What a module does may be shown where it is used instead; then `TESTED_BY` says where.
"""

from __future__ import annotations

from pathlib import Path

from paths import ROOT

PACKAGE = ROOT / "scripts/sirenflow"
TESTS = ROOT / "tests"

TESTED_BY = {
    "unit/alerts/test_claimed_identity.py": ["alerts/alert_type"],
    "unit/alerts/test_alert.py": ["alerts/identifier"],
    "unit/inbox/test_identify_isolated.py": ["alerts/identify", "alerts/self_test_inputs"],
    "unit/inbox/test_receiver.py": ["inbox/arrival"],
    "unit/inbox/test_ingest.py": ["inbox/archives"],
    "unit/monitoring/test_quarantine_metrics.py": ["inbox/acknowledgements"],
    "unit/catalogue/test_catalogue.py": [
        *(f"catalogue/{name}" for name in ("page", "row")),
        "catalogue/tables",
    ],
    "unit/catalogue/test_cache.py": ["stages/catalogue"],
    "unit/cli/test_cli.py": [
        *(f"cli/{name}" for name in ("ingest", "options", "reprocess", "show")),
        *("cli/standard_streams", "cli/terminal"),
    ],
    "unit/pipeline/test_working_directory.py": ["cli/init", "pipeline/project"],
    "unit/comparison/test_superevents.py": ["comparison/differences"],
    "unit/comparison/test_page.py": ["comparison/summary", "comparison/table"],
    "unit/comparison/test_values.py": ["comparison/text"],
    "unit/crossmatch/test_source_table.py": [
        *("crossmatch/table_reader", "crossmatch/unusable_table", "observing/angles"),
    ],
    "unit/cli/test_crossmatch.py": ["crossmatch/superevents"],
    "unit/stages/test_candidates.py": [
        *("crossmatch/candidates", "stages/candidate_list", "stages/candidate_table"),
        *("report/candidates", "products/candidates"),
    ],
    "unit/stages/test_galaxies.py": [
        *("crossmatch/galaxies", "stages/galaxy_catalogue", "formats/ecsv", "products/galaxies"),
        "products/source_tables",
    ],
    "unit/stages/test_regions.py": ["stages/flatten", "products/regions"],
    "unit/stages/test_visibility.py": ["products/visibility"],
    "unit/report/test_report.py": [
        *("stages/report", "report/event_page", "report/html", "products/event"),
        *("report/figures/bars", "report/figures/draw"),
    ],
    "unit/report/figures/test_sky.py": ["report/figures/svg_path"],
    "unit/report/figures/test_figure_layout.py": [
        *("report/figures/labels", "report/figures/sky_labels"),
    ],
    "unit/skymap/test_skymap.py": ["skymap/fits_table"],
    "unit/superevent/test_unreadable_messages.py": ["superevent/unreadable_text"],
    "unit/superevent/test_summarize.py": ["alerts/event_record"],
    "unit/products/test_base.py": ["products/alerts", "products/localization", "products/skymap"],
    "unit/products/test_schema.py": ["products/catalogue", "products/documentation"],
    "unit/kafka/test_messages.py": ["kafka/new_group"],
    "unit/monitoring/test_health.py": ["kafka/connection_state"],
    "workflow/test_listener.py": ["kafka/listener"],
    "unit/pipeline/test_build_state.py": ["pipeline/input_state"],
    "unit/pipeline/test_fatal_superevents.py": ["pipeline/progress"],
    "unit/pipeline/test_snakemake_hooks.py": [
        *(f"pipeline/snakemake/{name}" for name in ("driver", "environment", "workflow_hooks")),
    ],
    "unit/pipeline/test_snakemake_dir.py": ["pipeline/snakemake/snakemake_dir"],
    "unit/processes/test_pool.py": [
        *(f"processes/{name}" for name in ("interpreter", "process_limit", "worker")),
        *("processes/worker_process", "processes/worker_supervisor", "stages/self_check"),
    ],
    "unit/pipeline/test_fatal_alerts.py": ["pipeline/stage_workers"],
    "unit/cli/test_reference.py": ["processes/exit_codes"],
    "workflow/test_supervised_commands.py": ["processes/supervised_commands"],
    "workflow/test_watch.py": ["pipeline/watch", "cli/watch"],
    "workflow/test_run.py": [
        *("cli/run", "cli/run_report", "pipeline/run", "pipeline/build_plan"),
    ],
}


def _modules() -> list[str]:
    """List the modules, as paths without suffix."""
    files = (file.relative_to(PACKAGE) for file in PACKAGE.rglob("*.py"))
    return sorted(str(file.with_suffix("")) for file in files if not file.name.startswith("__"))


def _test_file(module: str) -> Path:
    path = Path(module)
    return TESTS / "unit" / path.parent / f"test_{path.name}.py"


def test_each_module_has_its_test_file_or_is_tested_by_another() -> None:
    elsewhere = [module for modules in TESTED_BY.values() for module in modules]
    without_file = [module for module in _modules() if not _test_file(module).exists()]
    assert sorted(elsewhere) == without_file


def test_files_that_test_others_exist() -> None:
    assert [file for file in TESTED_BY if not (TESTS / file).exists()] == []
