"""The processes that are compared, each with what makes it fast, and how one speaks to them."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent

# More steps in one turn of JAX's loop pay where the loop itself costs something.
UNROLLED = 4
UNROLLED_FLOPS = 5e6
UNROLLED_LAYERS = 12


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

    def suits(self, network):
        """Whether a network of this size could gain by the variant."""
        small = network.product_flops() <= UNROLLED_FLOPS
        return self.mode != "unrolled" or (small and len(network.layers) <= UNROLLED_LAYERS)


def python(peer, mode, threads, script, *arguments, **environment):
    command = (sys.executable, str(HERE / script), *map(str, arguments))
    return Variant(peer, mode, threads, command, environment)


def variants(nnc, thread_counts=(1, 2)):
    """All libraries in all variants. `nnc` is the executable of our side."""
    found = []
    for threads in thread_counts:
        # Freed memory is kept: a run begins with warm memory, as those of the peers do.
        keep = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
        found.append(Variant("nnc", "", threads, (nnc, "--threads", str(threads)), keep))
        for mode in ("eager", "compile"):
            arguments = ("--mode", mode, "--threads", threads)
            found.append(python("PyTorch", mode, threads, "torch_worker.py", *arguments))
        # JAX takes its number of threads from these.
        settings = {"JAX_PLATFORMS": "cpu", "PJRT_NPROC": str(threads), "NPROC": str(threads)}
        found.append(python("JAX", "", threads, "jax_worker.py", **settings))
        unroll = ("--unroll", UNROLLED)
        found.append(python("JAX", "unrolled", threads, "jax_worker.py", *unroll, **settings))
        found.append(python("scikit-learn", "", threads, "sklearn_worker.py"))
    return found


def exact():
    """PyTorch in f64, whose losses are what all others are held against."""
    arguments = ("--mode", "eager", "--threads", 2, "--precision", "f64")
    return python("PyTorch", "f64", 2, "torch_worker.py", *arguments)


class Process:
    """A worker that lives through the whole comparison and sleeps while others have their turn."""

    def __init__(self, variant, log):
        self.variant = variant
        libraries = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        threads = {name: str(variant.threads) for name in libraries}
        self.process = subprocess.Popen(
            variant.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | threads | variant.environment,
        )

    def tell(self, do, **more):
        """Gives the answer to a command; `None` if the library cannot express the network."""
        try:
            print(json.dumps({"do": do, **more}), file=self.process.stdin, flush=True)
        except BrokenPipeError as error:
            raise Failed("the process has ended") from error
        line = self.process.stdout.readline()
        if not line:
            raise Failed("the process has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return None if "unsupported" in answer else answer

    def end(self):
        self.process.stdin.close()
        self.process.wait()
