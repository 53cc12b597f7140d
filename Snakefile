"""Sirenflow: alerts in the inbox become sky maps, numbers, reports and a catalogue."""

# This is the workflow of Sirenflow: `sirenflow run` recognises its own Snakefile by this line.

import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

# Of this file, also where it is a module of another workflow.
SOURCE = Path(workflow.current_basedir)
# Snakemake puts the directories of Snakefiles first on the module search path. One may be the
# working directory, in which no file, such as a token.py, may replace a module.
for folder in (SOURCE, Path(workflow.main_snakefile).absolute().parent):
    if Path(sys.path[0]).absolute() == folder:
        del sys.path[0]

import sirenflow
from sirenflow.pipeline import input_state, isolate_alerts, stage_workers
from sirenflow.pipeline.snakemake import workflow_hooks
from sirenflow.inbox import store as inbox
from sirenflow.alerts import identifier
from sirenflow.files import umask
from sirenflow.config.configuration import (
    CONFIG_FILE,
    credible_levels_percent,
    digest,
    find_config,
    load,
    validate,
)
from sirenflow.errors import SirenflowError
from sirenflow.pipeline.input_state import files_digest
from sirenflow.superevent.unreadable_messages import read_unreadable
from snakemake.exceptions import WorkflowError

IS_MODULE = workflow_hooks.is_module(workflow)
umask.refuse_others()
if IS_MODULE and workflow_hooks.has_prefix(workflow):
    raise WorkflowError(
        "module of Sirenflow: prefix and replace_prefix are not supported, as inputs of "
        "its rules are outside the products; set inbox and results in config: instead"
    )

if not IS_MODULE:
    workflow_hooks.protect_subprocesses()
    workflow_hooks.share_one_process(workflow)

    try:
        CONFIGURATION = find_config(SOURCE)
        if CONFIGURATION.exists():  # else --configfile may name another
            load(CONFIGURATION)
    except SirenflowError as error:
        raise WorkflowError(str(error)) from None

    configfile: CONFIGURATION


try:
    if not IS_MODULE:
        # Also those of --configfile: Snakemake takes the last value of a key that is set twice.
        for file in workflow.configfiles:
            load(Path(file))
    elif not workflow_hooks.has_config(workflow):
        # config/config.yaml and --config are those of the other workflow.
        config = load(SOURCE / CONFIG_FILE)
    config = validate(config)
    # Those to consider; all others stand as they are.
    ALERTS = inbox.list_superevents(
        INBOX := Path(config["inbox"]), config["superevents"]
    )
except SirenflowError as error:
    raise WorkflowError(str(error)) from None

UNREADABLE = read_unreadable(INBOX)
RESULTS = config["results"]
LOGS = f"{RESULTS}/logs"
PRIVATE = f"{RESULTS}/.sirenflow"


wildcard_constraints:
    # Of those that are not to be considered, no rule can make anything.
    superevent=(
        identifier.PATTERN
        if config["superevents"] is None
        else "|".join(ALERTS) or "(?!)"
    ),


if not IS_MODULE:

    onstart:
        take_lock()
        workflow_hooks.disable_rate_limit(workflow)


report: "workflow/report/workflow.rst"


rule all:
    """Reports of all superevents, the catalogue, and what else the configuration asks for"""
    input:
        lambda _: [*rules.superevents.input, *rules.tables.input],


include: "workflow/rules/common.smk"


if IS_MODULE:  # whose onstart: Snakemake ignores
    workflow_hooks.before_first_job(workflow, take_lock)


include: "workflow/rules/extract.smk"
include: "workflow/rules/regions.smk"
include: "workflow/rules/flatten.smk"
include: "workflow/rules/visibility.smk"
include: "workflow/rules/galaxies.smk"
include: "workflow/rules/candidates.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/catalogue.smk"


rule superevents:
    """Reports of superevents, without the catalogue"""
    input:
        expand(rules.report.output.page, superevent=ALERTS),
        # Each file that is named costs a millisecond: so of the others, only what is not there.
        [
            file
            for product in (rules.report.output.event, rules.report.output.circular)
            for file in expand(product, superevent=ALERTS)
            if not Path(file).exists()
        ],
        expand(rules.flatten.output.flat, superevent=ALERTS)
        if config["skymaps"]["flat_nside"]
        else [],


rule tables:
    """What is about all superevents: the catalogue, and the candidates"""
    input:
        rules.catalogue.output.page,
        rules.candidate_table.output.page if config["candidates"] else [],
