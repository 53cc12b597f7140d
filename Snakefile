"""Sirenflow: alerts in the inbox become sky maps, numbers, reports and a catalogue."""

import traceback
from pathlib import Path

import sirenflow
from sirenflow import inbox, stages, workers
from sirenflow.config import CONFIG_FILE, SCHEMA_FILE, digest, validate
from sirenflow.errors import SirenflowError
from snakemake.exceptions import WorkflowError

SOURCE = Path(workflow.basedir)


configfile: CONFIG_FILE if CONFIG_FILE.exists() else SOURCE / CONFIG_FILE


try:
    config = validate(config, SOURCE / SCHEMA_FILE)
    ALERTS = inbox.list_superevents(Path(config["inbox"]))
except SirenflowError as error:
    raise WorkflowError(str(error)) from None

RESULTS = config["results"]
LOGS = f"{RESULTS}/logs"


wildcard_constraints:
    superevent=inbox.SUPEREVENT_ID.pattern,


onstart:
    # Snakemake's limit of 100 jobs a second is for clusters. On one machine it only costs, and more
    # the longer a run is: each round of the scheduler arms a timer that starts one more round.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


report: "workflow/report/workflow.rst"


rule all:
    """Reports of all superevents, the catalogue, and what else the configuration asks for"""
    input:
        f"{RESULTS}/index.html",
        expand(f"{RESULTS}/{{superevent}}/flat", superevent=ALERTS)
        if config["flat_nside"]
        else [],
        f"{RESULTS}/candidates.html" if config["candidates"] else [],


include: "workflow/rules/common.smk"
include: "workflow/rules/extract.smk"
include: "workflow/rules/regions.smk"
include: "workflow/rules/flatten.smk"
include: "workflow/rules/visibility.smk"
include: "workflow/rules/galaxies.smk"
include: "workflow/rules/candidates.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/catalogue.smk"
