"""Build: copy the workflow, which lies beside the package in a clone, into the wheel."""

from pathlib import Path
from shutil import rmtree

from setuptools import setup
from setuptools.command.build_py import build_py

BUNDLED = ("Snakefile", "config/config.yaml", "profiles", "workflow")
# Sample alerts of all kinds that are small: half a megabyte, of eleven.
BUNDLED_SAMPLES = ("MS260607d-*", "MS260715s-*", "MS260926m-*", "TS260902f-01-*", "TS260902f-03-*")


class BuildWithWorkflow(build_py):
    """Build the package with the files that sirenflow.config.workflow_files looks for."""

    def run(self) -> None:
        """Copy the package, and then the workflow, unless the install is editable."""
        if not self.editable_mode:  # modules of an earlier build may have other names now
            rmtree(self.build_lib, ignore_errors=True)
        super().run()
        if not self.editable_mode:
            for source, target in self._workflow_files().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """List all files that are built."""
        outputs = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else [*outputs, *self._workflow_files().values()]

    def _workflow_files(self) -> dict[str, str]:
        """Map each file of the workflow to its place in the built package."""
        target = Path(self.build_lib, "sirenflow", "bundled")
        found = [file for name in BUNDLED for file in (Path(name), *Path(name).rglob("*"))]
        found += [file for name in BUNDLED_SAMPLES for file in Path("samples").glob(name)]
        files = [file for file in sorted(found) if file.is_file() and not _is_temporary(file)]
        return {str(file): str(target / file) for file in files}


def _is_temporary(file: Path) -> bool:
    """Return whether a file was left by Python, Snakemake or an editor."""
    return any(part.startswith((".", "__")) for part in file.parts)


setup(cmdclass={"build_py": BuildWithWorkflow})
