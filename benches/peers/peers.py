"""The processes that are compared, each with what makes it fast, and how one speaks to them."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


class Failed(Exception):
    """A process could not do what it was told."""


@dataclass(frozen=True)
class Variant:
    """One way to run one library, on a number of threads."""

    peer: str
    mode: str
    threads: int
    command: tuple
    environment: dict = field(default_factory=dict)

    @property
    def name(self):
        words = [self.peer, self.mode, f"{self.threads} thread{'s' if self.threads > 1 else ''}"]
        return " ".join(word for word in words if word)


def variants(nnc, thread_counts):
    """nnc's executable and the Python workers, in the order in which they take turns."""
    found = []

    def add(peer, mode, script, *arguments, **environment):
        for threads in thread_counts:
            command = (sys.executable, str(HERE / script), *arguments)
            found.append(Variant(peer, mode, threads, command, environment))

    for threads in thread_counts:
        # Freed memory is kept: a run begins with warm memory, as those of the peers do.
        keep = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
        found.append(Variant("nnc", "", threads, (nnc, "--threads", str(threads)), keep))
    for threads in thread_counts:
        for mode in ("eager", "compile"):
            script = (sys.executable, str(HERE / "torch_worker.py"))
            command = (*script, "--mode", mode, "--threads", str(threads))
            found.append(Variant("PyTorch", mode, threads, command))
    add("JAX", "", "jax_worker.py", JAX_PLATFORMS="cpu")
    add("JAX", "unrolled", "jax_worker.py", "--unroll", "4", JAX_PLATFORMS="cpu")
    return found


def arbiter():
    """PyTorch in f64, whose losses are what all others are held against."""
    command = (sys.executable, str(HERE / "torch_worker.py"), "--mode", "eager", "--threads", "2")
    return Variant("PyTorch", "f64", 2, (*command, "--precision", "f64"))


class Process:
    """A worker that lives through the whole comparison and sleeps while others have their turn."""

    def __init__(self, variant, log):
        self.variant = variant
        cores = sorted(os.sched_getaffinity(0))[: variant.threads]
        threads = {
            name: str(variant.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
        }
        self.process = subprocess.Popen(
            variant.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | threads | variant.environment,
            # JAX takes as many threads as it has cores.
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def tell(self, do, **more):
        """Gives the answer to a command; one that the library cannot express is `None`."""
        print(json.dumps({"do": do, **more}), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.variant.name} ended")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(f"{self.variant.name}: {answer['error']}")
        return None if "unsupported" in answer else answer

    def end(self):
        self.process.stdin.close()
        self.process.wait()
