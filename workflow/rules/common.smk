# Functions that the rules use.


def work(stage, input, output, log, outside=None, **arguments):
    """Run the stage of a rule, its files as arguments of the names that the rule gives them.

    `outside` names files that are not products, and thus not inputs: see
    sirenflow.pipeline.input_state.
    """
    snakefile.run_rule(workflow, stage, input, output, log[0], outside or {}, arguments)


def alerts_state(wildcards):
    """Name the file with the state of a superevent's alerts, which are not products."""
    return INPUTS.alerts_state(wildcards.superevent)


def report_category(wildcards):
    """Name the menu of a superevent in Snakemake's report."""
    return snakefile.report_category(wildcards.superevent)


def report_month(wildcards):
    """Name the submenu of a superevent in Snakemake's report."""
    return snakefile.report_month(wildcards.superevent)
