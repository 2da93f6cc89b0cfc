"""Writes every fixture of this directory. See README.md.

    python tests/parity/generate.py
"""

import csv
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from reference import DTYPES, build, read_table, train
from setups import SETUPS

HERE = Path(__file__).parent

# Relative change of every initial weight, and how far it may carry by the last epoch: a fixture that
# amplified rounding further could not tell a wrong formula from a different order of summation.
PERTURBATION = {"f32": 1e-7, "f64": 1e-15}
ALLOWED = {"f32": 3e-5, "f64": 1e-11}
DRAWS = 3


def difference(ours, theirs):
    """Largest |a − b| / max(|b|, s), s the series' first loss or the tensor's largest magnitude."""
    (losses, state), (other_losses, other_state) = ours, theirs
    pairs = [
        (torch.tensor(losses[key]), torch.tensor(other_losses[key]), abs(other_losses[key][0]))
        for key in losses
        if losses[key]
    ]
    pairs += [
        (state[path].double(), value.double(), value.double().abs().max().item())
        for path, value in other_state.items()
    ]
    return max(
        ((a - b).abs() / b.abs().clamp(min=max(scale, 1e-300))).max().item()
        for a, b, scale in pairs
    )


def perturbed(state, relative, draw):
    """Every weight moved by `relative`, up or down."""
    generator = torch.Generator().manual_seed(draw)
    moved = {}
    for path, value in state.items():
        moved[path] = value
        if value.is_floating_point():
            signs = torch.randint(0, 2, value.shape, generator=generator) * 2 - 1
            moved[path] = (value.double() * (1 + relative * signs)).to(value.dtype)
    return moved


def converted(state, precision):
    return {
        path: (value.to(DTYPES[precision]) if value.is_floating_point() else value).clone()
        for path, value in state.items()
    }


def write(setup, precision, directory):
    """One fixture; returns its row of the table of conditioning."""
    directory.mkdir(exist_ok=True)
    (directory / "model.nn").write_text(setup.text(precision), encoding="utf-8")
    with open(directory / "data.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(setup.table)
        writer.writerows(zip(*setup.table.values()))
    table = read_table(directory / "data.csv")

    initial = converted(build(setup, table).state_dict(), precision)
    records = []
    losses, final, updates = train(setup, table, initial, precision, records)
    save_file(initial, directory / "initial.safetensors")
    save_file(converted(final, precision), directory / "final.safetensors")
    expected = {
        "torch": torch.__version__.split("+")[0],
        "precision": precision,
        "epochs": setup.epochs,
        "updates": updates,
        "rows": dict(zip(("train", "validate", "test"), map(len, setup.rows(table)))),
        **losses,
    }
    if setup.watches:
        expected["watch"] = records
    (directory / "expected.json").write_text(
        json.dumps(expected, separators=(",", ":")) + "\n", encoding="utf-8"
    )

    carried = 0.0
    for draw in range(DRAWS):
        moved = perturbed(initial, PERTURBATION[precision], draw)
        moved_losses, moved_final, _ = train(setup, table, moved, precision)
        carried = max(carried, difference((moved_losses, moved_final), (losses, final)))
    against_f64 = None
    if precision == "f32":
        exact_losses, exact_final, _ = train(setup, table, converted(initial, "f64"), "f64")
        against_f64 = difference((losses, final), (exact_losses, exact_final))
    return losses, carried, against_f64


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    chosen = sys.argv[1:]
    print(f"{'fixture':<28} {'train':>21} {'perturbed':>10} {'f32 to f64':>10}")
    failed = []
    for setup in SETUPS:
        for precision in setup.precisions:
            name = setup.name if precision == "f32" else f"{setup.name}-f64"
            if chosen and name not in chosen:
                continue
            losses, carried, against_f64 = write(setup, precision, HERE / name)
            first_and_last = f"{losses['train'][0]:.4g} to {losses['train'][-1]:.4g}"
            rounding = "" if against_f64 is None else f"{against_f64:.1e}"
            print(f"{name:<28} {first_and_last:>21} {carried:>10.1e} {rounding:>10}", flush=True)
            if max(carried, against_f64 or 0.0) > ALLOWED[precision]:
                failed.append(name)
    if failed:
        sys.exit(f"badly conditioned: {', '.join(failed)}")


if __name__ == "__main__":
    main()
