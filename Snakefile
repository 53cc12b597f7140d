"""Sirenflow: alerts in the inbox become sky maps, numbers, reports and a catalogue."""

# This is the workflow of Sirenflow: `sirenflow run` recognises its own Snakefile by this line.

import sys
from pathlib import Path

# Of this file, also where it is a module of another workflow.
SOURCE = Path(workflow.current_basedir)
# Snakemake puts the directories of Snakefiles first on the module search path. One may be the
# working directory, in which no file, such as a token.py, may replace a module.
MAIN = Path(workflow.main_snakefile).absolute().parent
removed = []
while Path(sys.path[0]).absolute() in (SOURCE, MAIN):
    removed.append(sys.path.pop(0))

from sirenflow.pipeline import snakefile

if snakefile.is_module(workflow):  # the other workflow may import modules of its own
    sys.path[:0] = [folder for folder in removed if Path(folder).absolute() == MAIN]

snakefile.prepare(workflow)

if not snakefile.is_module(workflow):

    configfile: snakefile.find_configuration(SOURCE)


# In older versions of Snakemake (9.12) a module without `config:` has no name `config`.
INPUTS = snakefile.read_inputs(workflow, globals().get("config", {}), SOURCE)
config = INPUTS.config
RESULTS = INPUTS.results
LOGS = f"{RESULTS}/logs"


wildcard_constraints:
    superevent=INPUTS.superevent_pattern,


if snakefile.is_module(workflow):
    snakefile.start_before_first_job(workflow, INPUTS)
else:

    onstart:
        snakefile.start_run(workflow, INPUTS)


report: "workflow/report/workflow.rst"


rule all:
    """Reports of all superevents, the catalogue, and what else the configuration asks for"""
    input:
        lambda _: [*rules.superevents.input, *rules.tables.input],


include: "workflow/rules/common.smk"
include: "workflow/rules/extract.smk"
include: "workflow/rules/flatten.smk"
include: "workflow/rules/galaxies.smk"
include: "workflow/rules/candidates.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/catalogue.smk"


rule superevents:
    """Reports of superevents, without the catalogue"""
    input:
        expand(rules.report.output.page, superevent=INPUTS.alerts),
        INPUTS.missing_beside(rules.report.output.page, rules.report.output),
        expand(rules.flatten.output.flat, superevent=INPUTS.alerts)
        if config["skymaps"]["flat_nside"]
        else [],


rule tables:
    """What is about all superevents: the catalogue, and the candidates"""
    input:
        rules.catalogue.output.page,
        rules.candidate_table.output.page if config["candidates"] else [],
