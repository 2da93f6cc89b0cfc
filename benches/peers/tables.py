"""Reads tables of a million rows with nnc, pandas and polars, in turns, and reports. See README.md."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import machine
from report import number, spread

# The tables that nnc's bench writes, by their numbers there.
TABLES = {0: "six digits", 1: "all digits", 2: "whole, three decimals, a category"}
TABLES |= {number + 4: f"{name}, 5% empty" for number, name in TABLES.items()}
ROWS, COLUMNS = 1_000_000, 30
MATRIX = ROWS * COLUMNS * 4

# pandas' quick parser may miss the nearest double by a unit in the last place.
TOLERANCE = 1e-9


@dataclass(frozen=True, order=True)
class Reader:
    """One way to read, on a number of threads."""

    library: str
    threads: int
    command: tuple

    def read(self, table, path):
        """What one process says: `seconds` of its reads, `peak` bytes, `sums` of the columns."""
        environment = os.environ | {"POLARS_MAX_THREADS": str(self.threads)}
        command = [*self.command, str(table), str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{self.library}: {done.stderr}")
        return json.loads(done.stdout)


def readers(nnc):
    worker = (sys.executable, str(machine.HERE / "table_worker.py"))
    found = []
    for threads in (1, 2):
        found.append(Reader("nnc", threads, (nnc, "--read", str(threads))))
        found.append(Reader("polars", threads, (*worker, "polars")))
    # Its C engine runs on one thread; told the types, or to map the file, it is no faster.
    return [*found, Reader("pandas", 1, (*worker, "pandas"))]


def apart(sums, exact):
    """The largest distance of two lists of sums, of 1 or of what they are."""
    pairs = zip(sums, exact, strict=True)
    return max(abs(a - b) / max(abs(b), 1.0) for a, b in pairs)


def measure(table, path, every, rounds):
    """By readers, the best seconds of each round and the most memory."""
    exact = every[0].read(table, path)["sums"]
    found = {reader: {"seconds": [], "peak": 0} for reader in every}
    for turn in range(rounds):
        order = list(every)
        random.Random(turn).shuffle(order)
        for reader in order:
            answer = reader.read(table, path)
            distance = apart(answer["sums"], exact)
            if not distance <= TOLERANCE:
                sys.exit(f"{reader.library} reads other numbers: sums are {distance:.1e} apart")
            found[reader]["seconds"].append(min(answer["seconds"]))
            found[reader]["peak"] = max(found[reader]["peak"], answer["peak"])
    return found


def best(found, library):
    own = [item for item in found.items() if item[0].library == library]
    return min(own, key=lambda item: statistics.median(item[1]["seconds"]))


def row(name, megabytes, found):
    """A line of the report: each library at its best, and ratios by rounds."""
    ours = best(found, "nnc")[1]
    cells = [f"{name}, {megabytes:.0f} MB"]
    for library in ("nnc", "pandas", "polars"):
        own = sorted(reader for reader in found if reader.library == library)
        medians = [number(1e3 * statistics.median(found[reader]["seconds"])) for reader in own]
        cells.append(" / ".join(medians) + " ms")
    for library in ("pandas", "polars"):
        theirs = best(found, library)[1]
        cells.append(spread([b / a for a, b in zip(ours["seconds"], theirs["seconds"])]))
    for library in ("nnc", "pandas", "polars"):
        cells.append(f"{best(found, library)[1]['peak'] / MATRIX:.2f}")
    return "| " + " | ".join(cells) + " |"


def heading(facts, rounds):
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    columns = ["a million rows of 30", "nnc", "pandas", "polars", "pandas / nnc", "polars / nnc"]
    columns += [f"memory {library}" for library in ("nnc", "pandas", "polars")]
    return "\n".join(
        [
            f"{facts['processor']}, {facts['cores']} cores, {facts['date']}, commit {facts['commit']}, "
            f"{versions}, {rounds} rounds. Milliseconds on one and on two threads; ratios at each one's "
            "best; memory as multiples of the matrix in f32.",
            "",
            "| " + " | ".join(columns) + " |",
            "|" + " --- |" * len(columns),
        ]
    )


def main():
    parser = argparse.ArgumentParser(prog="benches/peers/run --tables", description=__doc__)
    parser.add_argument("--nnc", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 20")
    parser.add_argument("--into", type=Path, default=machine.ROOT / "target/peers", help="folder of the report")
    options = parser.parse_args()
    rounds = 5 if options.quick else 20
    lines = [heading(machine.facts(["pandas", "polars"]), rounds)]
    print(lines[0], flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for table, name in TABLES.items():
            path = Path(folder) / f"{table}.csv"
            subprocess.run([options.nnc, "--write", str(table), str(path)], check=True)
            found = measure(table, path, readers(options.nnc), rounds)
            lines.append(row(name, path.stat().st_size / 1e6, found))
            print(lines[-1], flush=True)
            path.unlink()
    options.into.mkdir(parents=True, exist_ok=True)
    (options.into / "tables.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
