"""Reads a table with pandas or polars, several times, and says how long each took: `python
table_worker.py LIBRARY TABLE PATH`."""

import json
import sys
import time
from pathlib import Path

READS = 3


def reader(library):
    """What reads a file into a frame, and the sums of the frame's columns of numbers."""
    if library == "polars":
        import polars
        from polars import selectors

        return polars.read_csv, lambda frame: frame.select(selectors.numeric().sum()).row(0)
    import pandas

    return (
        lambda path: pandas.read_csv(path, engine="c"),
        lambda frame: frame.select_dtypes("number").sum().tolist(),
    )


def memory(kind):
    """Bytes that the process has (`VmRSS`) or had at most (`VmHWM`)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(kind))
    return int(line.split()[1]) * 1024


def main():
    library, _, path = sys.argv[1:]
    read, sums = reader(library)
    before = memory("VmRSS")
    seconds = []
    for _ in range(READS):
        frame = None
        begin = time.perf_counter()
        frame = read(path)
        seconds.append(time.perf_counter() - begin)
        if len(seconds) == 1:
            peak = memory("VmHWM") - before
    print(json.dumps({"seconds": seconds, "peak": peak, "sums": [float(sum) for sum in sums(frame)]}))


if __name__ == "__main__":
    main()
