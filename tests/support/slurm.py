"""A real Slurm of one node on this machine, for integration tests.

    with Slurm(directory) as slurm:
        subprocess.run(["sbatch", ...], env=slurm.environment)

Munge, slurmctld and slurmd listen on 127.0.0.1 or on sockets in the directory only, and leave the
machine's own Slurm, if there is one, alone. There is no accounting, as on many small clusters: what
jobs there were stands in `jobs`, Slurm's own list of completed jobs. Only root can start it:
`apt-get install slurm-wlm munge`, with nothing configured, is all it needs. `missing()` tells
whether all that is there.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NODE = "node"
_PROGRAMS = ("setpriv", "munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo")
# Whatever becomes of this process, its daemons do not outlive it.
_TIED_TO_US = ("setpriv", "--pdeathsig", "TERM")
_PATIENCE_S = 60.0
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
# No control groups, no prolog, no limits enforced: what needs more than a container has.
_CONFIGURATION = """
ClusterName=sirenflow
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={directory}/munge/socket
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobCompType=jobcomp/filetxt
JobCompLoc={directory}/completed
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb}
PartitionName=main Nodes={node} Default=YES State=UP
"""


def missing() -> str | None:
    """Tell why no Slurm can be started here; None if one can."""
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "snakemake-executor-plugin-slurm is not installed: the extra `slurm`"
    absent = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
    if absent:
        return f"Slurm needs slurm-wlm and munge: no {', '.join(absent)}"
    return None if os.geteuid() == 0 else "only root can start Slurm's daemons"


class Slurm:
    """A Slurm with its state and logs in one directory; a context manager.

    Parameters
    ----------
    directory
        A new or empty directory, of a short path: sockets in it have at most 107 characters.
    cpus
        Processors the node claims to have. They are counted, not enforced.
    memory_mb
        Memory the node claims to have.

    Attributes
    ----------
    environment
        What Slurm's commands need in their environment to find this one.
    """

    def __init__(self, directory: Path, cpus: int = 4, memory_mb: int = 8000) -> None:
        self.directory = directory.resolve()
        self.environment = {
            **os.environ,
            "PATH": _PATH,
            "SLURM_CONF": str(self.directory / "slurm.conf"),
        }
        self._cpus = cpus
        self._memory_mb = memory_mb
        self._stack = ExitStack()

    def __enter__(self) -> Slurm:
        with ExitStack() as stack:
            self._prepare()
            munge = self.directory / "munge"
            self._start(
                stack,
                "munged",
                *("--foreground", "--force", f"--socket={munge / 'socket'}"),
                *(f"--key-file={munge / 'key'}", f"--pid-file={munge / 'pid'}"),
                *(f"--log-file={munge / 'log'}", f"--seed-file={munge / 'seed'}"),
            )
            self._wait_until(lambda: (munge / "socket").exists())
            self._start(stack, "slurmctld", "-D")
            self._start(stack, "slurmd", "-D", "-N", NODE)
            self._wait_until(lambda: "idle" in self.run("sinfo", "--noheader", "--format=%T"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands; return what it prints, nothing if it fails."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout if done.returncode == 0 else ""

    def jobs(self) -> list[dict[str, str]]:
        """Tell of the jobs that have ended: JobId, JobState, ProcCnt and what else Slurm lists."""
        completed = self.directory / "completed"
        lines = completed.read_text().splitlines() if completed.exists() else []
        return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]

    def logs(self) -> str:
        """Give the end of what the daemons wrote."""
        outputs = {file.stem: file.read_text() for file in self.directory.glob("*.out")}
        return "\n".join(f"{program}:\n{text[-3000:]}" for program, text in outputs.items())

    def _prepare(self) -> None:
        for name in ("munge", "state", "spool"):
            (self.directory / name).mkdir(parents=True)
        key = self.directory / "munge/key"
        key.touch(0o600)
        key.write_bytes(os.urandom(1024))
        controller_port, node_port = _free_ports(2)
        text = _CONFIGURATION.format(
            directory=self.directory,
            host=socket.gethostname().split(".")[0],
            node=NODE,
            controller_port=controller_port,
            node_port=node_port,
            cpus=self._cpus,
            memory_mb=self._memory_mb,
        )
        (self.directory / "slurm.conf").write_text(text)
        # The plugin for v1 is the one that asks nothing of the system; later versions need none.
        version = tuple(map(int, re.findall(r"\d+", self.run("slurmd", "-V"))))
        plugin = "disabled" if version >= (23, 11) else "cgroup/v1"
        (self.directory / "cgroup.conf").write_text(f"CgroupPlugin={plugin}\n")

    def _start(self, stack: ExitStack, program: str, *arguments: str) -> None:
        output = stack.enter_context((self.directory / f"{program}.out").open("wb"))
        process = subprocess.Popen(
            [*_TIED_TO_US, program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        stack.callback(_stop, process)

    def _wait_until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not holds():
            if time.monotonic() > end:
                raise RuntimeError(f"Slurm does not come up\n{self.logs()}")
            time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
