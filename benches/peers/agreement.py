"""Whether libraries train the same network: their losses against those of PyTorch in f64.

Two curves of losses are `distance` apart: the largest |a - b| / max(|b|, first b). A curve that is more
than `TOLERANCE` from the exact one voids the timing. How long curves can be compared is measured too:
the exact training is repeated from weights moved by `PERTURBATION`, about a rounding of f32, and an
epoch counts as long as that carried the losses less than `CARRIED` away.

Some networks cannot be compared as they are timed: with Dropout every library draws other numbers, and a
chaotic one (32 BatchNorms over two rows) loses all digits within an epoch. Such a network has a
`rehearsal`, which is compared in its place: without Dropout, or with one batch as an epoch, whose losses
come step by step."""

import math
import statistics
from dataclasses import replace

import numpy as np

from networks import Call

TOLERANCE = 1e-4
PERTURBATION = 1e-7
CARRIED = 1e-5
DRAWS = 2

# Steps whose losses are compared, unless an epoch has more: a whole number of epochs.
STEPS = 512

# The second loss is the first that depends on gradients and updates.
FEWEST_EPOCHS = 2
REHEARSED_STEPS = 16

# With Dropout, the mean loss over the runs of so many seeds may differ from the exact one by so many
# standard errors.
SEEDS = 8
STANDARD_ERRORS = 6


def distances(losses, exact):
    """By epoch, for as long as both have losses."""
    return [abs(a - b) / max(abs(b), abs(exact[0])) for a, b in zip(losses, exact)]


def apart(answer, exact, epochs):
    """How far the curves of a run are from the exact ones; not a number if a loss is none."""
    both = [
        distance
        for part in ("train", "validate")
        for distance in distances(answer[part][:epochs], exact[part])
    ]
    return max(both, key=lambda value: math.inf if math.isnan(value) else value)


def has_dropout(network):
    return any(layer.kind == "Dropout" for layer in network.layers)


def rehearsals(network):
    """What may be compared in place of the network, the likest first; the network itself if it can be."""
    layers = (Call("Identity") if layer.kind == "Dropout" else layer for layer in network.layers)
    plain = replace(network, layers=tuple(layers))
    return [plain, replace(plain, batches=1, epochs=REHEARSED_STEPS)]


def mean_losses(process, epochs, compared):
    """The mean loss over the compared epochs, for every seed."""
    runs = (process.tell("run", epochs=epochs, repeats=1, seed=seed) for seed in range(SEEDS))
    return [statistics.fmean(answer["train"][:compared]) for answer in runs]


def standard_errors(ours, exact):
    """How many standard errors lie between two means."""
    difference = abs(statistics.fmean(ours) - statistics.fmean(exact))
    error = math.sqrt((statistics.variance(ours) + statistics.variance(exact)) / SEEDS)
    # Where Dropout hardly matters, rounding may be more than the spread.
    return difference / (error + TOLERANCE * abs(statistics.fmean(exact)) / STANDARD_ERRORS)


class Exact:
    """The losses of a network by PyTorch in f64, and how many epochs of them can be compared."""

    def __init__(self, process, network, told, folder):
        self.network, self.told = network, told
        wanted = network.epochs
        if not network.validate:
            wanted = min(wanted, max(FEWEST_EPOCHS, math.ceil(STEPS / network.batches)))
        process.tell("load", network=told)
        self.losses = process.tell("run", epochs=wanted, repeats=1)
        self.carried = [0.0] * wanted
        weights = np.fromfile(told["weights"], dtype="<f4")
        for draw in range(DRAWS):
            signs = np.random.default_rng(draw).choice([-1.0, 1.0], len(weights))
            moved = folder / f"moved-{draw}.f64"
            (weights * (1 + PERTURBATION * signs)).astype("<f8").tofile(moved)
            process.tell("load", network=told | {"exact_weights": str(moved)})
            answer = process.tell("run", epochs=wanted, repeats=1)
            for part in ("train", "validate"):
                by_epoch = distances(answer[part], self.losses[part])
                for epoch, distance in enumerate(by_epoch):
                    self.carried[epoch] = max(self.carried[epoch], distance)
        # NaN is not below either.
        enough = (not carried <= CARRIED for carried in self.carried)
        self.epochs = next((epoch for epoch, over in enumerate(enough) if over), wanted)

    @property
    def comparable(self):
        return self.epochs >= FEWEST_EPOCHS
