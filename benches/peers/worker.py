"""What the Python workers share: the lines of JSON that they answer, and the files that they read."""

import json
import sys
import time

import numpy as np


def numbers(path, shape):
    return np.fromfile(path, dtype="<f4").reshape(shape)


def weights(network):
    """The first values of the parameters by name, in PyTorch's shapes: f32, or moved ones in f64."""
    if "exact_weights" in network:
        rest = np.fromfile(network["exact_weights"], dtype="<f8")
    else:
        rest = np.fromfile(network["weights"], dtype="<f4")
    values = {}
    for parameter in network["parameters"]:
        size = int(np.prod(parameter["shape"]))
        values[parameter["name"]] = rest[:size].reshape(parameter["shape"])
        rest = rest[size:]
    return values


def rows(network, part):
    """Inputs `[rows, inputs]`, and targets: class indices `[rows]`, or numbers `[rows, outputs]`."""
    part = network[part]
    inputs = numbers(part["inputs"], (part["rows"], network["inputs"]))
    if network["classes"]:
        return inputs, numbers(part["targets"], (part["rows"],)).astype(np.int64)
    return inputs, numbers(part["targets"], (part["rows"], network["outputs"]))


def timed(function):
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


class Unsupported(Exception):
    """The library cannot express the network."""


def serve(make):
    """Answers the driver's lines until there are no more. `make(network)` loads a network and gives an
    object with `prepare(epochs)`, `restart(seed)`, `train(epochs)` (training and validation losses) and
    `predict()` (the output for the first row)."""
    answers, sys.stdout = sys.stdout, sys.stderr
    model = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            match command["do"]:
                case "load":
                    model = None
                    seconds, model = timed(lambda: make(command["network"]))
                    compiled, _ = timed(lambda: model.prepare(command["network"]["epochs"]))
                    answer = {"seconds": seconds + compiled}
                case "run":
                    total = 0.0
                    for _ in range(command["repeats"]):
                        model.restart(command.get("seed", 0))
                        seconds, (train, validate) = timed(lambda: model.train(command["epochs"]))
                        total += seconds
                    answer = {"seconds": total, "train": train, "validate": validate}
                case "predict":
                    model.restart(0)
                    outputs = model.predict()
                    seconds, _ = timed(lambda: [model.predict() for _ in range(command["repeats"])])
                    answer = {"seconds": seconds, "outputs": outputs}
                case other:
                    answer = {"error": f"`{other}` is not known"}
        except Unsupported as reason:
            answer = {"unsupported": str(reason)}
        except Exception as error:  # noqa: BLE001: the driver reports it and goes on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
