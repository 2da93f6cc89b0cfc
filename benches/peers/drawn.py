"""Networks drawn by a committed seed, from widths, depths, batches, activations, losses and optimizers
of the catalog: what no one chose."""

import math
import random
from dataclasses import replace

from networks import Call, Network, linear

SEED = 64
COUNT = 64

# A step may have at most as many floating-point operations as a core does in about 0.2 s.
MOST_FLOPS = 1.6e10
# The numbers of a run's rows, and the parameters.
MOST_NUMBERS = 1 << 24
# A run lasts about this long where the next two rates hold: long beside the start of a compiled loop.
RUN_SECONDS = 0.03
FLOPS_A_SECOND = 6e10
STEP_SECONDS = 3e-6
MOST_BATCHES = 64
MOST_EPOCHS = 32

ACTIVATIONS = [
    Call("Tanh"),
    Call("Sigmoid"),
    Call("ReLU"),
    Call("LeakyReLU", {"negative_slope": 0.1}),
    Call("ELU"),
    Call("GELU"),
    Call("GELU", {"approximate": "tanh"}),
    Call("SiLU"),
    Call("Softplus"),
    Call("Hardtanh"),
]
LOSSES = [
    Call("MSE"),
    Call("L1"),
    Call("Huber"),
    Call("CrossEntropy"),
    Call("CrossEntropy", {"label_smoothing": 0.1}),
    Call("BCEWithLogits"),
]
OPTIMIZERS = [
    Call("SGD", {"lr": 0.01}),
    Call("SGD", {"lr": 0.01, "momentum": 0.9}),
    Call("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}),
    Call("Adam", {"lr": 1e-3}),
    Call("Adam", {"lr": 1e-3, "weight_decay": 1e-4}),
    Call("Adam", {"lr": 1e-3, "amsgrad": True}),
    Call("AdamW", {"lr": 1e-3}),
]


def up_to(source, most):
    """A whole number from 1 to `most`, every doubling as likely as every other."""
    return min(most, math.floor(2 ** source.uniform(0, math.log2(most + 1))))


def body(source, depth, outputs):
    """`depth` Linears: half of the networks with one hidden width, half with a width for every layer."""
    same = up_to(source, 2048) if source.random() < 0.5 else None
    activation = source.choice(ACTIVATIONS)
    extra = source.choice([None, None, "Dropout", "BatchNorm1d"])
    rate = source.choice([0.1, 0.2, 0.5])
    layers = []
    for _ in range(depth - 1):
        layers.append(linear(same or up_to(source, 2048)))
        if extra == "BatchNorm1d":
            layers.append(Call(extra))
        layers.append(activation)
        if extra == "Dropout":
            layers.append(Call(extra, {"p": rate}))
    return (*layers, linear(outputs))


def draw(source):
    """One network, of whatever size."""
    depth = up_to(source, 32)
    loss = source.choice(LOSSES)
    fewest = 2 if loss.kind == "CrossEntropy" else 1
    layers = body(source, depth, max(fewest, up_to(source, 2048)))
    batch = up_to(source, 2048)
    inputs = up_to(source, 2048)
    if any(layer.kind == "BatchNorm1d" for layer in layers):
        batch = max(batch, 2)
    return Network("", inputs, layers, loss, source.choice(OPTIMIZERS), batch, 1, 1)


def describe(network):
    """The sizes and choices in one line."""
    widths = network.widths()
    hidden = widths[1:-1]
    if not hidden:
        middle = ""
    elif min(hidden) == max(hidden):
        middle = f"{hidden[0]}{f'×{len(hidden)}' if len(hidden) > 1 else ''}-"
    else:
        middle = f"({min(hidden)} to {max(hidden)})×{len(hidden)}-"
    between = [layer for layer in network.layers[:-1] if layer.kind != "Linear"]
    kinds = list(dict.fromkeys(layer.text() for layer in between))
    words = [f"{widths[0]}-{middle}{widths[-1]}", *kinds, network.loss.text()]
    words += [network.optimizer.text().replace("lr = ", ""), f"batch {network.batch}"]
    return " ".join(words)


def sized(network):
    """The same network with as many batches and epochs as make a run of some length; `None` if one step
    or the network is too large."""
    flops = network.product_flops()
    parameters = sum(math.prod(shape) for _, shape, _, _ in network.parameters())
    numbers = network.batch * (network.inputs + network.outputs)
    if flops > MOST_FLOPS or parameters > MOST_NUMBERS or numbers > MOST_NUMBERS:
        return None
    elements = network.batch * sum(network.widths())
    seconds = STEP_SECONDS + (flops + 8 * elements + 16 * parameters) / FLOPS_A_SECOND
    steps = max(2, round(RUN_SECONDS / seconds))
    batches = max(1, min(steps // 2, MOST_BATCHES, MOST_NUMBERS // numbers))
    return replace(network, batches=batches, epochs=max(2, min(steps // batches, MOST_EPOCHS)))


def networks():
    source = random.Random(SEED)
    found = []
    while len(found) < COUNT:
        network = sized(draw(source))
        if network:
            number = len(found) + 1
            name = f"d{number:02}: {describe(network)}"
            found.append(replace(network, name=name, seed=number, drawn=True))
    return found
