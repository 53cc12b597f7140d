"""All that Sirenflow needs from Snakemake beyond its documented interfaces.

No other package imports Snakemake or uses its files. pyproject.toml bounds the versions: `make
test-lowest` and `make test-newest` run the workflow tests and the tests of these hooks,
``tests/unit/pipeline/test_snakemake_hooks.py``, with the oldest and the newest one that is allowed.

======================  ===========================================================================
module                  hooks
======================  ===========================================================================
`driver`                run the command in this process, stop it by signals, list its options
`environment`           run it without a home, a user name, temporary files or `which`
`workflow_hooks`        in the Snakefile: `module`, nodes, rate limit, records of jobs, `onstart:`
`snakemake_dir`         identity of ``.snakemake``, stale locks in it
======================  ===========================================================================

Progress is reported by a logger plugin, `snakemake_logger_plugin_sirenflow`, as documented.
"""
