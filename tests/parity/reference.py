"""The meaning of an nnc model, told in PyTorch: preparation of a table, a network, its training.

A `Setup` is one experiment. It writes its own `.nn` text and builds the PyTorch objects that the text
stands for, so the two cannot drift apart in anything but a hand-written `Values` network.
"""

import csv
import fnmatch
import math
import textwrap
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

DTYPES = {"f32": torch.float32, "f64": torch.float64}


def literal(value):
    """A Python value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return value if isinstance(value, str) else repr(value)


class Call:
    """`Kind(first, key = value)`: a layer, loss or optimizer, as text and as a PyTorch object."""

    def __init__(self, kind, *positional, label=None, **named):
        self.kind, self.positional, self.label, self.named = kind, positional, label, named

    def text(self):
        arguments = [literal(value) for value in self.positional]
        arguments += [f"{key} = {literal(value)}" for key, value in self.named.items()]
        call = f"{self.kind}({', '.join(arguments)})" if arguments else self.kind
        return f"{self.label}: {call}" if self.label else call

    def layer(self, width):
        """The module for an input of `width` features, and the width that it gives."""
        if self.kind == "Linear":
            return nn.Linear(width, *self.positional, **self.named), self.positional[0]
        if self.kind == "BatchNorm1d":
            return nn.BatchNorm1d(width, **self.named), width
        return getattr(nn, self.kind)(**self.named), width

    def kind_for(self, _target):
        return self.kind

    def loss(self):
        """The loss of a network with one target."""
        each = getattr(nn, self.kind + "Loss")(**self.named, reduction="none")
        mean = getattr(nn, self.kind + "Loss")(**self.named)

        def criterion(output, targets, weights=None):
            (target,) = targets.values()
            if weights is None:
                return mean(output, target)
            rows = each(output, target).reshape(len(weights), -1).mean(dim=1)
            return (rows * weights).sum() / weights.sum()

        return criterion

    def optimizer(self, parameters):
        """The optimizer of parameters, or of groups of them with settings of their own."""
        # The plain loop over tensors is PyTorch's own definition of each formula.
        return getattr(torch.optim, self.kind)(parameters, **self.named, foreach=False, fused=False)


class Losses:
    """A weighted sum of losses, each on a target: `(weight, Call, target)`; the network gives a dict."""

    def __init__(self, *terms):
        self.terms = terms

    def text(self):
        def term(weight, call, target):
            named = {key: literal(value) for key, value in call.named.items()}
            rest = "".join(f", {key} = {value}" for key, value in named.items())
            text = f"{call.kind}({target}{rest})"
            return text if weight == 1 else f"{literal(weight)} * {text}"

        return " + ".join(term(*one) for one in self.terms)

    def kind_for(self, target):
        return next(call.kind for _, call, name in self.terms if name == target)

    def loss(self):
        criteria = [(weight, call.loss(), target) for weight, call, target in self.terms]

        def criterion(outputs, targets, weights=None):
            return sum(
                weight * loss(outputs[target], {target: targets[target]}, weights)
                for weight, loss, target in criteria
            )

        return criterion


@dataclass
class Column:
    """A declaration of the `data` section. `source` is the glob of a vector."""

    role: str
    names: list
    kind: str = "number"
    arguments: dict = field(default_factory=dict)
    source: str | None = None

    def text(self):
        if self.role == "weight":
            return f"weight {', '.join(self.names)}"
        arguments = ", ".join(f"{key} = {literal(value)}" for key, value in self.arguments.items())
        kind = f"{self.kind}({arguments})" if arguments else self.kind
        source = f' from "{self.source}"' if self.source else ""
        return f"{self.role:<6} {', '.join(self.names)}: {kind}{source}"


class Layers:
    """Lines of layers, each a list of `Call`s; all inputs side by side flow through them."""

    def __init__(self, *lines):
        self.lines = lines

    def text(self):
        return [" -> ".join(stage.text() for stage in line) for line in self.lines]

    def build(self, network, width):
        for position, stage in enumerate(stage for line in self.lines for stage in line):
            module, width = stage.layer(width)
            network.add_module(stage.label or str(position), module)
            network.stages.append(module)

    def forward(self, network, _inputs, side_by_side):
        value = side_by_side
        for stage in network.stages:
            value = stage(value)
        return value


class Values:
    """A body with value lines: its text, its modules by path, and the same computation in Python."""

    def __init__(self, text, modules, compute, top=""):
        self.lines, self.modules, self.compute = text.strip("\n").splitlines(), modules, compute
        self.top = textwrap.dedent(top).strip()

    def text(self):
        return textwrap.dedent("\n".join(self.lines)).strip().splitlines()

    def build(self, network, _width):
        for path, module in self.modules().items():
            if isinstance(module, nn.Parameter):
                network.register_parameter(path, module)
            else:
                network.add_module(path, module)

    def forward(self, network, inputs, side_by_side):
        return self.compute(network, inputs, side_by_side)


class Network(nn.Module):
    """Embeddings under their column's name, layers under their label or position."""

    def __init__(self, body, inputs, classes):
        super().__init__()
        self.body, self.stages, self.one_hot = body, [], {}
        width = 0
        for name, (kind, arguments, values) in inputs.items():
            if kind != "category":
                width += values.shape[1]
            elif "embed" in arguments:
                self.add_module(name, nn.Embedding(classes[name], arguments["embed"]))
                width += arguments["embed"]
            else:
                self.one_hot[name] = classes[name]
                width += classes[name]
        body.build(self, width)

    def forward(self, inputs):
        values = {}
        for name, value in inputs.items():
            if name in self.one_hot:
                dtype = next(self.parameters()).dtype
                value = nn.functional.one_hot(value, self.one_hot[name]).to(dtype)
            elif not value.is_floating_point():
                value = self.get_submodule(name)(value)
            values[name] = value
        return self.body.forward(self, values, torch.cat(list(values.values()), dim=1))


def category_order(cells):
    """Numerically if all are numbers, else by the bytes of UTF-8."""
    found = set(cells)
    try:
        return sorted(found, key=float)
    except ValueError:
        return sorted(found, key=lambda cell: cell.encode())


@dataclass
class Setup:
    name: str
    covers: str
    table: dict
    columns: list
    net: object
    loss: object
    optimizer: Call
    batch: object = "all"
    epochs: int = 500
    split: str | None = "ordered(validate = 20%)"
    fractions: tuple = (0.2, 0.0)
    settings: dict = field(default_factory=dict)
    precisions: tuple = ("f64",)
    seed: int = 0
    # Sections `params "glob" { … }`: the glob and its settings.
    groups: list = field(default_factory=list)
    # Sections `watch "glob" { … }`: the glob and its settings.
    watches: list = field(default_factory=list)
    # From an optimizer and the numbers of updates in an epoch and in the run, a scheduler.
    scheduler: object = None

    def text(self, precision):
        """The `.nn` file."""
        settings = {
            "loss": self.loss.text(),
            "optimizer": self.optimizer.text(),
            "epochs": self.epochs,
            "batch": self.batch,
            "shuffle": False,
            **self.settings,
            "precision": precision,
        }
        longest = max(len(key) for key in settings)
        data = [column.text() for column in self.columns]
        data += [f"split = {self.split}"] if self.split else []
        train = [f"{key:<{longest}} = {literal(value)}" for key, value in settings.items()]
        for glob, group in self.groups:
            written = "; ".join(f"{key} = {literal(value)}" for key, value in group.items())
            train.append(f'params "{glob}" {{ {written} }}')
        for glob, watch in self.watches:
            written = "; ".join(f"{key} = {literal(value)}" for key, value in watch.items())
            train.append(f'watch "{glob}" {{ {written} }}')
        sections = {"data": data, "net": self.net.text(), "train": train}
        written = [
            f"{word} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"
            for word, lines in sections.items()
        ]
        top = getattr(self.net, "top", "")
        top = f"{top}\n\n" if top else ""
        return f"# {self.covers}\n" + top + "\n".join(written)

    def parameter_groups(self, network):
        """The parameters that learn, each with its own settings; the later of two sections wins."""
        groups = []
        for path, parameter in network.named_parameters():
            own = {}
            for glob, group in self.groups:
                if fnmatch.fnmatchcase(path, glob):
                    own |= group
            for key in ("l1", "l2", "max_norm"):
                own.pop(key, None)
            if own.pop("freeze", False):
                parameter.requires_grad_(False)
            else:
                groups.append({"params": [parameter], **own})
        return groups

    def bound(self, network):
        """Scales the rows whose norm is more than the `max_norm` of the sections."""
        for path, parameter in network.named_parameters():
            own = {}
            for glob, group in self.groups:
                if fnmatch.fnmatchcase(path, glob):
                    own |= group
            if "max_norm" in own and parameter.requires_grad:
                with torch.no_grad():
                    parameter.copy_(torch.renorm(parameter, 2, 0, own["max_norm"]))

    def penalty(self, network):
        """What `l1` and `l2` of the sections add to the loss."""
        total = 0.0
        for path, parameter in network.named_parameters():
            own = {}
            for glob, group in self.groups:
                if fnmatch.fnmatchcase(path, glob):
                    own |= group
            if own.get("l1"):
                total = total + own["l1"] * parameter.abs().sum()
            if own.get("l2"):
                total = total + own["l2"] * parameter.square().sum()
        return total

    def rows(self, table):
        """Row indices of training, validation and test."""
        count = len(next(iter(table.values())))
        if self.split and self.split.startswith("column"):
            words = table[self.split[len("column(") : -1]]
            return [
                [row for row in range(count) if words[row] == word]
                for word in ("train", "validate", "test")
            ]
        validate, test = (math.floor(part * count) if self.split else 0 for part in self.fractions)
        train = count - validate - test
        return [
            list(range(train)),
            list(range(train, train + validate)),
            list(range(train + validate, count)),
        ]

    def prepare(self, table, train_rows):
        """Inputs and targets by name, and the number of classes by name, all in f64.

        The rows' weights, if there are any, stand among the targets under `None`.
        """
        inputs, targets, classes = {}, {}, {}
        for column in self.columns:
            if column.role == "ignore":
                continue
            for name in column.names:
                if column.kind == "category":
                    order = category_order(table[name])
                    classes[name] = len(order)
                    values = np.array([order.index(cell) for cell in table[name]])
                else:
                    taken = fnmatch.filter(table, column.source) if column.source else [name]
                    sides = [prepared(table[one], column.arguments, train_rows) for one in taken]
                    values = np.stack(sides, axis=1)
                if column.role == "weight":
                    targets[None] = values[:, 0]
                elif column.role == "input":
                    inputs[name] = (column.kind, column.arguments, values)
                elif self.loss.kind_for(name) == "BCEWithLogits":
                    targets[name] = values.astype(np.float64).reshape(len(values), -1)
                else:
                    targets[name] = values
        return inputs, targets, classes


def prepared(cells, arguments, train_rows):
    """x · scale + offset, then normalised by statistics of the training rows."""
    values = np.array([float(cell) for cell in cells])
    values = values * arguments.get("scale", 1.0) + arguments.get("offset", 0.0)
    known = values[train_rows]
    match arguments.get("normalize", "none"):
        case "zscore":
            return (values - known.mean()) / known.std()
        case "minmax":
            return (values - known.min()) / (known.max() - known.min())
    return values


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *records = list(csv.reader(file))
    return dict(zip(header, map(list, zip(*records))))


def typed(values, dtype):
    """Prepared in f64, rounded once to the model's precision; categories stay indices."""
    tensor = torch.from_numpy(values)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def build(setup, table):
    """The network with its initial weights, in f64."""
    torch.manual_seed(setup.seed)
    torch.set_default_dtype(torch.float64)
    train_rows, _, _ = setup.rows(table)
    inputs, _, classes = setup.prepare(table, train_rows)
    network = Network(setup.net, inputs, classes)
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)):
            # PyTorch starts from ones and zeros, which would hide an exchanged or unused parameter.
            nn.init.uniform_(module.weight, 0.5, 1.5)
            if getattr(module, "bias", None) is not None:
                nn.init.uniform_(module.bias, -0.5, 0.5)
    return network


MEASURES = {
    "norm": lambda values: [torch.linalg.vector_norm(values).item()],
    "stats": lambda values: [
        values.mean().item(),
        values.std(correction=0).item(),
        values.min().item(),
        values.max().item(),
        (values == 0).double().mean().item(),
    ],
    "histogram": lambda values: [
        values.min().item(),
        values.max().item(),
        *torch.histc(values, 30, values.min().item(), values.max().item()).tolist(),
    ],
}


class Recorder:
    """What the `watch` sections ask for, by hooks: rows of update, name, value, measure, numbers."""

    def __init__(self, setup, network):
        self.setup, self.network, self.outputs, self.rows = setup, network, {}, []
        for path, module in network.named_modules():
            if path and setup.watches:
                module.register_forward_hook(
                    lambda _module, _inputs, output, path=path: self.outputs.update({path: output})
                )

    def take(self, update, value, found):
        for glob, watch in self.setup.watches:
            if value not in watch or update != 1 and update % watch.get("every", 100) != 0:
                continue
            for path, tensor in found.items():
                if fnmatch.fnmatchcase(path, glob):
                    measures = watch[value]
                    for measure in [measures] if isinstance(measures, str) else measures:
                        numbers = MEASURES[measure](tensor.detach().double().flatten())
                        self.rows.append([update, path, value, measure, numbers])

    def before(self, update):
        parameters = self.network.named_parameters()
        gradients = {path: it.grad for path, it in parameters if it.grad is not None}
        self.take(update, "output", self.outputs)
        self.take(update, "grad", gradients)

    def after(self, update):
        self.take(update, "weight", dict(self.network.named_parameters()))


def train(setup, table, state, precision, records=None):
    """Losses by epoch (`train`, `validate`), the final state, and the number of updates. What is watched
    is appended to `records`."""
    dtype = DTYPES[precision]
    train_rows, validate_rows, _ = setup.rows(table)
    raw_inputs, raw_targets, _ = setup.prepare(table, train_rows)
    inputs = {name: typed(values, dtype) for name, (_, _, values) in raw_inputs.items()}
    targets = {name: typed(values, dtype) for name, values in raw_targets.items()}
    network = build(setup, table).to(dtype)
    network.load_state_dict(state)
    criterion = setup.loss.loss()
    optimizer = setup.optimizer.optimizer(setup.parameter_groups(network))
    clip_norm, clip_value = setup.settings.get("clip_norm"), setup.settings.get("clip_value")
    size = len(train_rows) if setup.batch == "all" else setup.batch
    batches = [train_rows[at : at + size] for at in range(0, len(train_rows), size)]
    if setup.settings.get("drop_last"):
        batches = [batch for batch in batches if len(batch) == size]
    validation = take(inputs, targets, validate_rows)
    validation_weights = validation[1].pop(None, None)

    accumulate = setup.settings.get("accumulate", 1)
    updates = -(-len(batches) // accumulate)
    average, averaged = setup.settings.get("average"), None
    if average:
        decay = float(average.removeprefix("ema(").removesuffix(")"))
        moves = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
        averaged = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=moves)
    scheduler = None
    if setup.scheduler:
        scheduler = setup.scheduler(optimizer, updates, updates * setup.epochs)
    on_plateau = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)

    recorder, update = Recorder(setup, network), 0
    losses = {"train": [], "validate": []}
    for _ in range(setup.epochs):
        network.train()
        total, rows = 0.0, 0
        for index, batch in enumerate(batches):
            if index % accumulate == 0:
                optimizer.zero_grad()
                group = [rows_of(targets, one) for one in batches[index : index + accumulate]]
            batch_inputs, batch_targets = take(inputs, targets, batch)
            weights = batch_targets.pop(None, None)
            loss = criterion(network(batch_inputs), batch_targets, weights)
            loss = loss + setup.penalty(network)
            share = rows_of(targets, batch) / sum(group)
            (loss * share if accumulate > 1 else loss).backward()
            total += loss.item() * rows_of(targets, batch)
            rows += rows_of(targets, batch)
            if index % accumulate < accumulate - 1 and index + 1 < len(batches):
                continue
            update += 1
            recorder.before(update)
            if clip_value is not None:
                nn.utils.clip_grad_value_(network.parameters(), clip_value, foreach=False)
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(network.parameters(), clip_norm, foreach=False)
            optimizer.step()
            setup.bound(network)
            recorder.after(update)
            if scheduler and not on_plateau:
                scheduler.step()
            if averaged:
                averaged.update_parameters(network)
        losses["train"].append(total / rows)
        if validate_rows:
            judged = network
            if averaged:
                # Buffers are not averaged, but copied.
                averaged.module.load_state_dict(dict(network.named_buffers()), strict=False)
                judged = averaged.module
            judged.eval()
            with torch.no_grad():
                loss = criterion(judged(validation[0]), validation[1], validation_weights)
                loss = loss + setup.penalty(judged)
            losses["validate"].append(loss.item())
        if on_plateau:
            scheduler.step(losses["validate"][-1])
    if records is not None:
        records += recorder.rows
    final = averaged.module if averaged else network
    return losses, final.state_dict(), setup.epochs * updates


def rows_of(targets, rows):
    """How much rows count in a mean: their number, or their weights."""
    return targets[None][rows].sum().item() if None in targets else len(rows)


def take(inputs, targets, rows):
    return [{name: values[rows] for name, values in one.items()} for one in (inputs, targets)]
