"""One network in all libraries that can express it, in turns, after their losses have been compared."""

import math
import random
import statistics
from pathlib import Path

import agreement
import networks
from agreement import TOLERANCE
from machine import ROOT
from peers import Failed

# After so many rounds only those variants go on that are within `CLOSE` of their library's best.
FIRST_ROUNDS = 3
CLOSE = 1.25

# A library that takes milliseconds where others take microseconds runs fewer epochs, about this long.
SLOW_SECONDS = 0.25

# With Dropout, the epochs whose mean loss is compared.
SAMPLED_EPOCHS = 4

# Rows predicted one by one in a round.
PREDICTIONS = 300


class Turns:
    def __init__(self, network, folder):
        self.network, self.folder = network, Path(folder)
        self.told = networks.write(network, self.folder_of(network), ROOT)
        self.samples = None
        self.variants = {}
        self.active = []
        self.limits = []

    def compare(self, exact_process, processes):
        """Loads the network everywhere, and keeps those whose losses agree."""
        for rehearsal in agreement.rehearsals(self.network):
            told = networks.write(rehearsal, self.folder_of(rehearsal), ROOT)
            self.exact = agreement.Exact(exact_process, rehearsal, told, self.folder)
            if self.exact.comparable:
                break
        else:
            carried = f"rounding alone carries its losses {self.exact.carried[0]:.0e} away"
            self.variants = {"": {"void": f"nothing can be told: {carried}"}}
            return
        exact_process.tell("load", network=self.told)
        if agreement.has_dropout(self.network):
            self.sampled = min(self.network.epochs, SAMPLED_EPOCHS)
            self.samples = agreement.mean_losses(exact_process, self.sampled, self.sampled)
        self.prediction = exact_process.tell("predict", repeats=1)["outputs"]
        for process in processes:
            try:
                if self.admit(process):
                    self.active.append(process)
            except Failed as failure:
                self.note(process, failed=str(failure))

    def folder_of(self, network):
        """A folder for the files of the network or of another in its place."""
        folder = self.folder / f"{network.batches}"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def rehearsed(self):
        """Whether another network than the timed one is compared."""
        return self.exact.network != self.network

    def note(self, process, **facts):
        """Records facts of a variant."""
        variant = process.variant
        own = self.variants.setdefault(
            variant.name, {"peer": variant.peer, "mode": variant.mode, "threads": variant.threads}
        )
        own.update(facts)
        return own

    def admit(self, process):
        """Whether the variant can express the network and its losses agree."""
        if self.rehearsed:
            if process.tell("load", network=self.exact.told) is None:
                return False
            epochs = self.exact.network.epochs
            if not self.agrees(process, process.tell("run", epochs=epochs, repeats=1)):
                return False
        loaded = process.tell("load", network=self.told)
        if loaded is None:
            return False
        self.note(process, load_seconds=loaded["seconds"], step_seconds=[], row_seconds=[])
        if self.samples and not self.agrees_on_average(process):
            return False
        epochs = self.network.epochs
        answer = process.tell("run", epochs=epochs, repeats=1)
        if not self.rehearsed and not self.agrees(process, answer):
            return False
        if answer["seconds"] < SLOW_SECONDS:
            # What is done once has been done when this one is timed.
            answer = process.tell("run", epochs=epochs, repeats=1)
        self.note(process, repeats=1, epochs=epochs, run_seconds=answer["seconds"])
        return self.predicts(process)

    def agrees_on_average(self, process):
        """Whether the mean loss over some seeds is the exact one, where each run has its own Dropout."""
        ours = agreement.mean_losses(process, self.network.epochs, self.sampled)
        errors = agreement.standard_errors(ours, self.samples)
        own = self.note(process, standard_errors=errors)
        agrees = errors <= agreement.STANDARD_ERRORS
        if not agrees:
            own["void"] = f"with Dropout its mean loss is {errors:.0f} standard errors away"
        return agrees

    def agrees(self, process, answer):
        """Notes how far the losses are from the exact ones, and voids the variant if too far."""
        distance = agreement.apart(answer, self.exact.losses, self.exact.epochs)
        own = self.note(process)
        own["losses_apart"] = max(distance, own.get("losses_apart", 0.0))
        if not distance <= TOLERANCE:
            own["void"] = f"its losses are {distance:.1e} apart"
        return distance <= TOLERANCE

    def predicts(self, process):
        """Whether the output for one row is the exact one."""
        if not self.network.predict:
            return True
        outputs = process.tell("predict", repeats=1)["outputs"]
        scale = max(map(abs, self.prediction))
        pairs = zip(outputs, self.prediction, strict=True)
        distance = max(abs(ours - exact) for ours, exact in pairs) / scale
        if not distance <= TOLERANCE:
            self.note(process, void=f"its prediction is {distance:.1e} apart")
        return distance <= TOLERANCE

    def set_lengths(self, seconds):
        """How many runs make a turn of some length."""
        for process in self.active:
            own = self.note(process)
            run = own.pop("run_seconds")
            # A compiled loop has the number of epochs that it was compiled for.
            fixed = process.variant.peer == "JAX"
            if run > SLOW_SECONDS and not fixed:
                own["epochs"] = max(1, int(self.network.epochs * SLOW_SECONDS / run))
            own["repeats"] = max(1, round(1.2 * seconds / run))

    def round(self, number):
        """Every variant has its turn, in an order of the round's own."""
        order = list(self.active)
        random.Random(number).shuffle(order)
        for process in order:
            try:
                self.turn(process)
            except Failed as failure:
                self.note(process, failed=str(failure))
            own = self.note(process)
            if "void" in own or "failed" in own:
                own["step_seconds"] = []
                self.active.remove(process)
        if number + 1 == FIRST_ROUNDS:
            self.keep_the_best()

    def turn(self, process):
        own = self.note(process)
        answer = process.tell("run", epochs=own["epochs"], repeats=own["repeats"])
        if not self.rehearsed:
            self.agrees(process, answer)
        elif not all(map(math.isfinite, answer["train"])):
            own["void"] = "a loss is not finite"
        steps = own["epochs"] * own["repeats"] * self.network.batches
        own["step_seconds"].append(answer["seconds"] / steps)
        if self.network.predict:
            seconds = process.tell("predict", repeats=PREDICTIONS)["seconds"]
            own["row_seconds"].append(seconds / PREDICTIONS)
        if process.variant.peer == "nnc" and process.variant.threads == 1:
            self.limits.append(process.tell("limit")["flops"])

    def keep_the_best(self):
        """Variants far behind their library's best need no more rounds; both of nnc go on."""
        medians = {
            process: statistics.median(self.note(process)["step_seconds"])
            for process in self.active
        }
        for process, median in medians.items():
            peer = process.variant.peer
            best = min(other for key, other in medians.items() if key.variant.peer == peer)
            if peer != "nnc" and median > CLOSE * best:
                self.active.remove(process)

    def result(self):
        return {
            "drawn": self.network.drawn,
            "batch": self.network.batch,
            "steps": self.network.batches * self.network.epochs,
            "rehearsed": self.rehearsed,
            "steps_compared": self.exact.epochs * self.exact.network.batches,
            "carried": max(self.exact.carried[: max(1, self.exact.epochs)]),
            "product_flops": self.network.product_flops(),
            "limit_flops": statistics.median(self.limits) if self.limits else None,
            "text": self.told["text"],
            "variants": self.variants,
        }
