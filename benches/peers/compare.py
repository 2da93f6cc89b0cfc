"""Runs every network in every library, in turns, and writes down what was measured. See README.md."""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import drawn
import machine
import networks
import report
from machine import ROOT
from peers import Process, exact, variants
from turns import Turns


PACKAGES = ("torch", "jax", "scikit-learn", "numpy")


def starts(cli, rounds):
    """Seconds from the start of `nnc run` to its end, for the thermometer with one epoch."""
    model = (ROOT / "models/thermometer.nn").read_text()
    one_epoch = model.replace("epochs    = 5000", "epochs    = 1")
    assert one_epoch != model, "the thermometer's model has changed"
    table = str(ROOT / "models/thermometer.csv")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thermometer.nn"
        path.write_text(one_epoch)
        for number in range(rounds):
            command = [cli, "run", str(path), table, "--quiet", "--out", f"{folder}/{number}"]
            begin = time.perf_counter()
            subprocess.run(command, check=True)
            found.append(time.perf_counter() - begin)
    return found


def chosen(options):
    found = (drawn.networks() if options.drawn else []) + ([] if options.drawn else networks.FIXED)
    words = options.only
    return [one for one in found if not words or any(word in one.name for word in words)]


def measure(network, processes, exact_process, options):
    with tempfile.TemporaryDirectory() as folder:
        turns = Turns(network, folder)
        turns.compare(exact_process, [one for one in processes if one.variant.suits(network)])
        turns.set_lengths(options.seconds)
        for number in range(options.rounds):
            turns.round(number)
        return turns.result()


def run(options, results):
    wanted = options.peers or (["JAX"] if options.drawn else ["PyTorch", "JAX", "scikit-learn"])
    log = open(options.into / "log.txt", "w")
    exact_process = Process(exact(), log)
    processes = [
        Process(variant, log)
        for variant in variants(options.nnc)
        if variant.peer in ["nnc", *wanted]
    ]
    facts = machine.facts(PACKAGES)
    for network in chosen(options):
        print(network.name, flush=True)
        result = measure(network, processes, exact_process, options)
        results["networks"][network.name] = result | {"machine": facts}
        print(report.short(result), flush=True)
        write(options.into, results)
    for process in [exact_process, *processes]:
        process.end()
    log.close()


def write(folder, results):
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run", description=__doc__)
    parser.add_argument("--nnc", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cli", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--drawn", action="store_true", help="the 64 drawn networks, against JAX")
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 20")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="networks with these in their names")
    parser.add_argument("--peers", nargs="+", help="PyTorch, JAX, scikit-learn")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the report anew")
    parser.add_argument("--into", type=Path, default=ROOT / "target/peers", help="folder of the results")
    options = parser.parse_args()
    options.rounds, options.seconds = (5 if options.quick else 20), 0.05
    options.into.mkdir(parents=True, exist_ok=True)
    path = options.into / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {"networks": {}}
    if not options.report:
        run(options, results)
        if not options.drawn:
            seconds = starts(options.cli, options.rounds)
            results["start_seconds"] = statistics.quantiles(seconds, n=4)
    write(options.into, results)
    report.write(options.into, results)


if __name__ == "__main__":
    main()
