"""The networks that are compared: what they are made of, their `.nn` text, their data and first weights."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Call:
    """A layer, loss or optimizer under its name in PyTorch and nnc, with the same arguments."""

    kind: str
    arguments: dict = field(default_factory=dict)

    def text(self):
        """As the language writes it."""
        arguments = [f"{key} = {literal(value)}" for key, value in self.arguments.items()]
        return f"{self.kind}({', '.join(arguments)})" if arguments else self.kind


def literal(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return value if isinstance(value, str) else repr(value)


def linear(width):
    return Call("Linear", {"out_features": width})


@dataclass(frozen=True)
class Network:
    name: str
    inputs: int
    layers: tuple
    loss: Call
    optimizer: Call
    batch: int
    # Batches in an epoch, and epochs in a run: every run begins from the same weights.
    batches: int
    epochs: int
    # Rows whose loss is taken after every epoch.
    validate: int = 0
    seed: int = 1
    # Rows of a table of the repository instead of drawn ones.
    table: str = ""
    # Whether the time of one row's prediction is taken too.
    predict: bool = False
    # Whether it was drawn by a seed, and not chosen.
    drawn: bool = False

    @property
    def rows(self):
        return self.batch * self.batches

    @property
    def classes(self):
        return self.loss.kind == "CrossEntropy"

    def linears(self):
        """The position, width in and width out of every `Linear`."""
        width = self.inputs
        for position, layer in enumerate(self.layers):
            if layer.kind == "Linear":
                yield position, width, layer.arguments["out_features"]
                width = layer.arguments["out_features"]

    def widths(self):
        return [self.inputs] + [width for _, _, width in self.linears()]

    @property
    def outputs(self):
        return self.widths()[-1]

    def product_flops(self):
        """Floating-point operations of a step's matrix products: forward, and the gradients of all
        weights and of all inputs but the network's own."""
        products = [width_in * width_out for _, width_in, width_out in self.linears()]
        return 2 * self.batch * (3 * sum(products) - products[0])

    def parameters(self):
        """Name, shape and bound of the uniform first values (0: the constant in `start`)."""
        width = self.inputs
        for position, layer in enumerate(self.layers):
            if layer.kind == "Linear":
                out = layer.arguments["out_features"]
                bound = 1 / np.sqrt(width)
                yield f"{position}.weight", (out, width), bound, 0.0
                yield f"{position}.bias", (out,), bound, 0.0
                width = out
            elif layer.kind == "BatchNorm1d":
                yield f"{position}.weight", (width,), 0.0, 1.0
                yield f"{position}.bias", (width,), 0.0, 0.0

    def text(self):
        """The `.nn` file."""
        target = "target y: category" if self.classes else 'target y: vector from "y*"'
        layers = "\n".join(f"    {layer.text()}" for layer in self.layers)
        return (
            f'data {{\n    input x: vector from "x*"\n    {target}\n}}\n\n'
            f"net {{\n{layers}\n}}\n\n"
            f"train {{\n    loss = {self.loss.text()}\n    optimizer = {self.optimizer.text()}\n"
            f"    epochs = {self.epochs}\n    batch = {self.batch}\n    shuffle = false\n"
            f"    seed = {self.seed}\n}}\n"
        )


def targets(network, inputs, generator):
    """What a linear teacher says of the inputs, with noise."""
    teacher = generator.standard_normal((network.inputs, network.outputs)) / np.sqrt(network.inputs)
    values = inputs @ teacher + 0.1 * generator.standard_normal((len(inputs), network.outputs))
    match network.loss.kind:
        case "CrossEntropy":
            return values.argmax(axis=1)[:, None]
        case "BCEWithLogits":
            return values > 0
    return values


def rows_of(network, generator, count):
    inputs = generator.standard_normal((count, network.inputs))
    return inputs, targets(network, inputs, generator)


def first_values(network, generator):
    """All parameters in order, one after another."""
    values = []
    for _, shape, bound, start in network.parameters():
        values.append(generator.uniform(-1, 1, shape).ravel() * bound + start)
    return np.concatenate(values)


def thermometer_rows(table):
    """The book's table as `models/thermometer.nn` reads it: the last two rows validate."""
    cells = np.loadtxt(table, delimiter=",", skiprows=1)
    inputs, target = cells[:, 1:] * 0.1, cells[:, :1]
    return (inputs[:-2], target[:-2]), (inputs[-2:], target[-2:])


def write(network, folder, root):
    """Writes data and first weights into a folder, and gives what a worker is told of the network."""
    folder = Path(folder)
    generator = np.random.default_rng([network.seed, 2026])
    if network.table:
        train, validate = thermometer_rows(root / network.table)
    else:
        inputs, target = rows_of(network, generator, network.rows + network.validate)
        train = inputs[: network.rows], target[: network.rows]
        validate = inputs[network.rows :], target[network.rows :]

    def put(name, values):
        np.ascontiguousarray(values, dtype="<f4").tofile(folder / name)
        return str(folder / name)

    parts = {
        part: {
            "rows": len(inputs),
            "inputs": put(f"{part}-inputs.f32", inputs),
            "targets": put(f"{part}-targets.f32", target),
        }
        for part, (inputs, target) in {"train": train, "validate": validate}.items()
    }
    return {
        "name": network.name,
        "text": network.text(),
        "inputs": network.inputs,
        "outputs": network.outputs,
        "classes": network.classes,
        "layers": [asdict(layer) for layer in network.layers],
        "loss": asdict(network.loss),
        "optimizer": asdict(network.optimizer),
        "batch": network.batch,
        "batches": network.batches,
        "epochs": network.epochs,
        "weights": put("weights.f32", first_values(network, generator)),
        "parameters": [
            {"name": name, "shape": shape} for name, shape, _, _ in network.parameters()
        ],
        **parts,
    }


def dense(widths, activation):
    """`Linear`s of these widths with an activation between them."""
    layers = []
    for width in widths[1:]:
        layers += [linear(width), Call(activation)]
    return tuple(layers[:-1])


def fixed(name, widths, activation, loss, optimizer, batch, batches, epochs, **more):
    return Network(
        name,
        widths[0],
        dense(widths, activation),
        Call(loss),
        optimizer,
        batch,
        batches,
        epochs,
        **more,
    )


ADAM = Call("Adam", {"lr": 1e-3})
SGD = Call("SGD", {"lr": 1e-2})

FIXED = [
    fixed(
        "1-8-1 tanh, 9 rows, SGD, validation",
        [1, 8, 1],
        "Tanh",
        "MSE",
        Call("SGD", {"lr": 1e-3}),
        9,
        1,
        5000,
        validate=2,
        table="models/thermometer.csv",
        # From most first weights this training is chaotic: rounding decides the late losses. From these
        # it settles.
        seed=13,
    ),
    fixed("11-64-64-1 ReLU, batch 64, Adam", [11, 64, 64, 1], "ReLU", "MSE", ADAM, 64, 76, 4),
    fixed(
        "54-256-256-7 ReLU, batch 256, Adam",
        [54, 256, 256, 7],
        "ReLU",
        "CrossEntropy",
        ADAM,
        256,
        100,
        1,
    ),
    fixed(
        "784-256-128-10 ReLU, batch 128, Adam",
        [784, 256, 128, 10],
        "ReLU",
        "CrossEntropy",
        ADAM,
        128,
        100,
        1,
        predict=True,
    ),
    fixed("1024x4 GELU, batch 512, SGD", [1024] * 4, "GELU", "MSE", SGD, 512, 4, 2),
    fixed("33 layers of 64 tanh, batch 64, Adam", [64] * 34, "Tanh", "MSE", ADAM, 64, 64, 1),
]
