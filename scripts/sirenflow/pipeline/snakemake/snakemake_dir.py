"""Snakemake's own directory ``.snakemake``, in the working directory."""

from pathlib import Path

_DIRECTORY = Path(".snakemake")
NO_DIRECTORY = "none"
"""Identity of a directory that does not exist."""


def snakemake_dir_id() -> str:
    """Return what differs between two ``.snakemake`` directories, and after one is replaced.

    Reason: Snakemake keeps there with what parameters it made each product, and only there. In
    another working directory, or after the directory was deleted, it cannot know that a product
    was made with another configuration or version. Without it: such products would stay.
    """
    try:
        return f"{_DIRECTORY.resolve()} {_DIRECTORY.stat().st_ino}"
    except OSError:
        return NO_DIRECTORY


def remove_stale_locks(results: Path) -> None:
    """Remove Snakemake's locks on results that a killed run has left behind.

    Reason: Snakemake's locks outlive the process; then a plain `snakemake` refuses to run until the
    user unlocks the directory. Our own lock is released by the system when its process ends, and a
    run holds it from before its first job to its end. So the holder of our lock knows that no other
    run works on these results. Hook: ``locks/*.output.lock``, a file name per line. `snakemake
    --unlock` would also remove locks on the files of other workflows. Without it: a user has to
    run `snakemake --unlock` after a crash.

    Parameters
    ----------
    results
        Directory whose lock the caller holds. Locks on other files are kept.
    """
    for file in sorted((_DIRECTORY / "locks").glob("*.output.lock")):
        locked = file.read_text(errors="replace").splitlines()
        if locked and all(
            Path(name).resolve().is_relative_to(results.resolve()) for name in locked
        ):
            file.unlink()
            file.with_name(file.name.replace(".output.", ".input.")).unlink(missing_ok=True)
