"""Trains every fixture's model with nnc, and loads the weights that a run leaves behind into the
corresponding PyTorch module: every name and shape must be there, and none besides.

    python tests/parity/load.py target/release/nnc
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from reference import DTYPES, build, read_table
from setups import SETUPS

HERE = Path(__file__).parent


def main():
    program = Path(sys.argv[1]).resolve()
    loaded = 0
    for setup in SETUPS:
        for precision in setup.precisions:
            fixture = HERE / (setup.name if precision == "f32" else f"{setup.name}-f64")
            with tempfile.TemporaryDirectory() as folder:
                run = Path(folder) / "run"
                command = [program, "run", fixture / "model.nn", fixture / "data.csv"]
                command += ["--out", run, "--seed", "1", "--quiet"]
                subprocess.run(command, check=True)
                weights = load_file(run / "weights.safetensors")
            network = build(setup, read_table(fixture / "data.csv")).to(DTYPES[precision])
            network.load_state_dict(weights, strict=True)
            for path, value in network.state_dict().items():
                assert torch.equal(value, weights[path]), f"{fixture.name}: {path}"
                assert value.dtype == weights[path].dtype, f"{fixture.name}: {path}"
            loaded += 1
    print(f"the weights of {loaded} models were loaded")


if __name__ == "__main__":
    main()
