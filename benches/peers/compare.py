"""Runs every network in every library, in turns, and keeps what was measured. See README.md."""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import networks
from peers import Failed, Process, arbiter, variants

ROOT = Path(__file__).parents[2]

# How far a curve of losses may be from that of PyTorch in f64: |a - b| ≤ tolerance · max(|b|, first b).
TOLERANCE = 1e-4


def distance(losses, reference):
    """The largest |a - b| / max(|b|, first b) of two curves."""
    if len(losses) < len(reference):
        reference = reference[: len(losses)]
    pairs = zip(losses, reference)
    return max((abs(a - b) / max(abs(b), abs(reference[0])) for a, b in pairs), default=0.0)


def disagreement(answer, exact):
    return max(distance(answer[part], exact[part]) for part in ("train", "validate"))


class Turns:
    """One network in all libraries that can express it."""

    def __init__(self, network, processes, exact_process, folder, options):
        self.network, self.options = network, options
        self.told = networks.write(network, folder, ROOT)
        self.result = {
            "batch": network.batch,
            "steps": network.batches * network.epochs,
            "product_flops": network.product_flops(),
            "text": self.told["text"],
            "variants": {},
        }
        exact_process.tell("load", network=self.told)
        self.exact = exact_process.tell("run", epochs=network.epochs, repeats=1)
        self.processes = [process for process in processes if self.load(process)]

    def load(self, process):
        """Loads and holds the losses against the exact ones."""
        name = process.variant.name
        try:
            loaded = process.tell("load", network=self.told)
            if loaded is None:
                return False
            # The first run pays for whatever is done once.
            epochs = self.epochs(process)
            process.tell("run", epochs=epochs, repeats=1)
            answer = process.tell("run", epochs=epochs, repeats=1)
        except Failed as failure:
            self.result["variants"][name] = {"failed": str(failure)}
            print(f"    {failure}", flush=True)
            return False
        apart = disagreement(answer, self.exact)
        agrees = apart <= TOLERANCE
        self.result["variants"][name] = {
            "peer": process.variant.peer,
            "mode": process.variant.mode,
            "threads": process.variant.threads,
            "load_seconds": loaded["seconds"],
            "losses_apart": apart,
            "void": not agrees,
            "epochs": epochs,
            "repeats": max(1, round(self.options.seconds / answer["seconds"] + 0.5)),
            "step_seconds": [],
        }
        if not agrees:
            print(f"    void: losses of {name} are {apart:.1e} apart", flush=True)
        return agrees

    def epochs(self, process):
        """A library that takes milliseconds for an epoch of microseconds runs the first of them."""
        if process.variant.peer == "PyTorch":
            return min(self.network.epochs, self.options.slow_epochs)
        return self.network.epochs

    def round(self):
        for process in self.processes:
            own = self.result["variants"][process.variant.name]
            answer = process.tell("run", epochs=own["epochs"], repeats=own["repeats"])
            apart = disagreement(answer, self.exact)
            if not apart <= TOLERANCE:
                own["void"] = True
            steps = own["epochs"] * own["repeats"] * self.network.batches
            own["step_seconds"].append(answer["seconds"] / steps)


def run(options):
    chosen = [
        network
        for network in networks.FIXED
        if not options.only or any(word in network.name for word in options.only)
    ]
    results = {}
    with open(options.log, "w") as log, tempfile.TemporaryDirectory() as folder:
        exact = Process(arbiter(), log)
        processes = [Process(variant, log) for variant in variants(options.nnc, [1, 2])]
        limit = processes[0]
        for network in chosen:
            print(network.name, flush=True)
            turns = Turns(network, processes, exact, folder, options)
            limits = []
            for _ in range(options.rounds):
                limits.append(limit.tell("limit")["flops"])
                turns.round()
            results[network.name] = turns.result | {"limit_flops": statistics.median(limits)}
            show(turns.result)
        for process in [exact, *processes]:
            process.end()
    Path(options.into).write_text(json.dumps(results, indent=1))


def show(result):
    for name, own in result["variants"].items():
        if own.get("step_seconds"):
            middle = statistics.median(own["step_seconds"]) * 1e6
            print(
                f"    {name:<32} {middle:>12.2f} µs a step, apart {own['losses_apart']:.1e}, "
                f"loaded in {own['load_seconds']:.2f} s",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nnc", required=True)
    parser.add_argument("--cli", required=True)
    parser.add_argument("--into", default="last.json")
    parser.add_argument("--log", default="/dev/null")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.05)
    parser.add_argument("--slow-epochs", type=int, default=200)
    parser.add_argument("--only", nargs="*")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
