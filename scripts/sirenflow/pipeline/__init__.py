"""The workflow run for what is new: Snakemake, and what was built from what."""
