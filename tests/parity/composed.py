"""Experiments on composed networks: blocks, repetitions, residuals, lists, sharing.

Each network is built of PyTorch's own containers, so that the paths of its parameters are PyTorch's.
"""

from collections import OrderedDict

import torch
from torch import nn

from reference import Call, Column, Layers, Losses, Setup, Values
from tables import curve, houses, kinds, pairs, people

BOTH = ("f32", "f64")


class Residual(nn.Sequential):
    """What flows in, plus what the stages make of it."""

    def forward(self, value):
        return value + super().forward(value)


def named(**modules):
    return nn.Sequential(OrderedDict(modules))


def flow(*paths):
    """One module after another, by name."""

    def compute(network, _inputs, side_by_side):
        value = side_by_side
        for path in paths:
            value = network.get_submodule(path)(value)
        return value

    return compute


def dense(width, out, activation):
    return nn.Sequential(
        nn.Linear(width, out, bias=False), nn.BatchNorm1d(out), activation, nn.Dropout(0.0)
    )


def feed(hidden, factor):
    body = [
        ("0", nn.LayerNorm(hidden)),
        ("fc1", nn.Linear(hidden, factor * hidden)),
        ("2", nn.GELU()),
        ("fc2", nn.Linear(factor * hidden, hidden)),
    ]
    return nn.Sequential(Residual(OrderedDict(body)))


BLOCKS = Values(
    """
    trunk: repeat 2 { Dense(width) }
    Dense(4, act = LeakyReLU(0.2)) -> Linear(3)
    """,
    lambda: {
        "trunk": nn.Sequential(dense(3, 6, nn.SiLU()), dense(6, 6, nn.SiLU())),
        "1": dense(6, 4, nn.LeakyReLU(0.2)),
        "2": nn.Linear(4, 3),
    },
    flow("trunk", "1", "2"),
    top="""
    param width = 6

    block Dense(out, p = 0.0, act = SiLU) {
        Linear(out, bias = false) -> BatchNorm1d -> act -> Dropout(p)
    }
    """,
)
RESIDUALS = Values(
    """
    embed:  Linear(6)
    layers: repeat 3 { Feed(6) }
    norm:   LayerNorm
    head:   Linear(1)
    """,
    lambda: {
        "embed": nn.Linear(2, 6),
        "layers": nn.Sequential(feed(6, 2), feed(6, 2), feed(6, 2)),
        "norm": nn.LayerNorm(6),
        "head": nn.Linear(6, 1),
    },
    flow("embed", "layers", "norm", "head"),
    top="""
    block Feed(hidden, factor = 2) {
        residual { LayerNorm -> fc1: Linear(factor * hidden) -> GELU -> fc2: Linear(hidden) }
    }
    """,
)
WIDENING = Values(
    """
    widen: repeat 3 as i { Linear(2 * (i + 1)) }
    Tanh -> repeat 2 { Linear(6) -> Tanh }
    head: Linear(1)
    """,
    lambda: {
        "widen": nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 4), nn.Linear(4, 6)),
        "2": nn.Sequential(
            nn.Sequential(nn.Linear(6, 6), nn.Tanh()), nn.Sequential(nn.Linear(6, 6), nn.Tanh())
        ),
        "head": nn.Linear(6, 1),
    },
    lambda network, _, value: network.head(
        network.get_submodule("2")(network.widen(value).tanh())
    ),
)
NESTED = Values(
    """
    Outer(8, Sigmoid)
    head: Linear(1)
    """,
    lambda: {
        "0": named(
            inner=nn.Sequential(
                nn.Sequential(
                    nn.Linear(2, 8), nn.GroupNorm(4, 8, eps=1e-3), nn.Sigmoid(), nn.RMSNorm(8, 1e-5)
                )
            ),
            skip=Residual(
                nn.Sequential(nn.Linear(8, 8), nn.GroupNorm(2, 8, eps=1e-3), nn.Tanh()),
                nn.Linear(8, 8),
            ),
        ),
        "head": nn.Linear(8, 1),
    },
    lambda network, _, value: network.head(network.get_submodule("0")(value)),
    top="""
    block Normed(out, groups, act = Tanh) {
        Linear(out) -> GroupNorm(groups, eps = 1e-3) -> act
    }
    block Outer(out, act) {
        inner: Inner(out, act = act)
        skip:  residual { Normed(out, 2) -> Linear(out) }
    }
    block Inner(out, act) {
        Both(out, 4, act)
    }
    block Both(out, groups, act) {
        Linear(out) -> GroupNorm(groups, eps = 1e-3) -> act -> RMSNorm(eps = 1e-5)
    }
    """,
)


def combine(network, _, value):
    a = network.a(value).tanh()
    b = network.b(value).tanh()
    c = torch.cat([torch.maximum(a, b), a * b], dim=1)
    mean = (network.c(c) + a + b) / 3.0
    dot = (mean * a).sum(dim=1, keepdim=True)
    return network.head(torch.cat([mean, dot, a + b], dim=1))


COMBINED = Values(
    """
    left  = a: Linear(4) -> Tanh
    right = in -> b: Linear(4) -> Tanh
    both  = [([left, right] -> Maximum), ([left, right] -> Multiply)] -> Concat
    mean  = [(both -> c: Linear(4)), left, right] -> Mean
    [mean, ([mean, left] -> Dot), ([left, right] -> Add)] -> Concat
    head: Linear(3)
    """,
    lambda: {
        "a": nn.Linear(3, 4),
        "b": nn.Linear(3, 4),
        "c": nn.Linear(8, 4),
        "head": nn.Linear(9, 3),
    },
    combine,
)
SIAMESE = Values(
    """
    shared tower: Tower(5)
    l = left -> tower
    r = right -> tower
    [l, r, l * r] -> Concat
    head: Linear(2)
    """,
    lambda: {
        "tower": named(fc=nn.Linear(3, 5), act=nn.Tanh(), out=nn.Linear(5, 4)),
        "head": nn.Linear(12, 2),
    },
    lambda network, inputs, _: network.head(
        torch.cat(
            [
                network.tower(inputs["left"]),
                network.tower(inputs["right"]),
                network.tower(inputs["left"]) * network.tower(inputs["right"]),
            ],
            dim=1,
        )
    ),
    top="""
    block Tower(hidden) {
        fc:  Linear(hidden)
        act: Tanh
        out: Linear(4)
    }
    """,
)


def tied_modules():
    inner, back = nn.Linear(6, 6, bias=False), nn.Linear(6, 6)
    back.weight = inner.weight
    again, last = nn.Linear(6, 6), nn.Linear(6, 6, bias=False)
    last.weight = again.weight
    return {
        "gain": nn.Parameter(torch.linspace(0.5, 1.5, 6)),
        "shift": nn.Parameter(torch.linspace(-0.2, 0.2, 6)),
        "table": nn.Embedding(3, 3),
        "fc": nn.Linear(4, 6),
        "4": OrderedPair(inner, back),
        "again": again,
        "7": last,
        "head": nn.Linear(6, 3),
    }


class OrderedPair(nn.Module):
    def __init__(self, inner, back):
        super().__init__()
        self.inner, self.back = inner, back

    def forward(self, value):
        return self.back(self.inner(value).tanh())


def tied(network, inputs, _):
    rows = network.table(inputs["city"].argmax(dim=1))
    value = network.fc(torch.cat([inputs["age"], rows], dim=1)).tanh()
    value = network.get_submodule("4")(value * network.gain + network.shift)
    return network.head(network.get_submodule("7")(network.again(value).tanh()).tanh())


TIED = Values(
    """
    gain  = Parameter([6], init = Ones)
    shift = Parameter([6])
    town  = city -> table: Embedding(3)
    h     = [age, town] -> Concat -> fc: Linear(6) -> Tanh
    h * gain + shift
    Pair(6)
    again: Linear(6) -> Tanh
    Linear(6, weight = again.weight, bias = false) -> Tanh
    head: Linear(3)
    """,
    tied_modules,
    tied,
    top="""
    block Pair(width) {
        inner: Linear(width, bias = false) -> Tanh
        back:  Linear(width, weight = inner.weight)
    }
    """,
)


def tied_table_modules():
    table, out = nn.Embedding(3, 4), nn.Linear(4, 3)
    out.weight = table.weight
    return {"table": table, "fc": nn.Linear(5, 4), "out": out}


def tied_table(network, inputs, _):
    rows = network.table(inputs["city"].argmax(dim=1))
    return network.out(network.fc(torch.cat([inputs["age"], rows], dim=1)).tanh())


TIED_TABLE = Values(
    """
    town = city -> table: Embedding(4)
    [age, town] -> Concat -> fc: Linear(4) -> Tanh
    out: Linear(classes, weight = table.weight)
    """,
    tied_table_modules,
    tied_table,
)


def heads(network, _, value):
    trunk = network.trunk(value).tanh()
    return {
        "price": network.price_head(trunk),
        "kind": network.kind_head(torch.cat([trunk, network.price_head(trunk)], dim=1)),
        "sold": network.sold_head(trunk),
    }


HEADS = Values(
    """
    h     = trunk: Linear(6) -> Tanh
    price = h -> price_head: Linear(1)
    kind  = [h, price] -> Concat -> kind_head: Linear(3)
    sold  = h -> sold_head: Linear(1)
    """,
    lambda: {
        "trunk": nn.Linear(2, 6),
        "price_head": nn.Linear(6, 1),
        "kind_head": nn.Linear(7, 3),
        "sold_head": nn.Linear(6, 1),
    },
    heads,
)
TWO_VECTORS = Values(
    """
    h     = fc: Linear(5) -> Tanh
    right = h -> second: Linear(3)
    both  = h -> first: Linear(2)
    """,
    lambda: {"fc": nn.Linear(3, 5), "second": nn.Linear(5, 3), "first": nn.Linear(5, 2)},
    lambda network, _, value: {
        "both": network.first(network.fc(value).tanh()),
        "right": network.second(network.fc(value).tanh()),
    },
)

def axes(network, _, value):
    value = network.wide(value).tanh().unflatten(1, (3, 4))
    mixed = nn.functional.gelu(network.norm(network.mix(value)))
    gate = network.gate(value).softmax(dim=-1)
    return network.head((mixed * gate + mixed).flatten(1))


AXES = Values(
    """
    places = wide: Linear(12) -> Tanh -> Unflatten([3, 4])
    mixed  = mix: Linear(5) -> norm: LayerNorm -> GELU
    gated  = places -> gate: Linear(5) -> Softmax
    (mixed * gated + mixed) -> Flatten -> head: Linear(1)
    """,
    lambda: {
        "wide": nn.Linear(2, 12),
        "mix": nn.Linear(4, 5),
        "norm": nn.LayerNorm(5),
        "gate": nn.Linear(4, 5),
        "head": nn.Linear(15, 1),
    },
    axes,
)


def bilinear(network, inputs, _):
    once = network.both(network.fc(inputs["left"]).tanh(), inputs["right"]).tanh()
    return network.head(network.both(once, inputs["left"]).tanh(), inputs["left"])


BILINEAR = Values(
    """
    shared both: Bilinear(4)
    l    = left -> fc: Linear(4) -> Tanh
    once = [l, right] -> both -> Tanh
    mix  = [once, left] -> both -> Tanh
    [mix, left] -> head: Bilinear(2, bias = false)
    """,
    lambda: {
        "both": nn.Bilinear(4, 3, 4),
        "fc": nn.Linear(3, 4),
        "head": nn.Bilinear(4, 3, 2, bias=False),
    },
    bilinear,
)

CURVE = [
    Column("input", ["a", "b"], arguments={"normalize": "zscore"}),
    Column("target", ["y"]),
]
KIND = [Column("input", ["x0", "x1", "x2"]), Column("target", ["kind"], "category")]
SIDES = [
    Column("input", ["left"], "vector", {"normalize": "zscore"}, source="left_*"),
    Column("input", ["right"], "vector", {"normalize": "zscore"}, source="right_*"),
    Column("target", ["y"], "vector", source="y_*"),
]


def weighted(table):
    rows = len(next(iter(table.values())))
    return table | {"w": [(row * 5 % 7) / 2.0 for row in range(rows)]}


NAMES = ["low", "middle", "high"]

COMPOSED = [
    Setup(
        "composed-blocks", "a block with defaults and an activation as its parameter, repeated",
        kinds(41, 60, NAMES), KIND, BLOCKS, Call("CrossEntropy"), Call("Adam", lr=2e-4),
        batch=16, epochs=70, seed=41,
    ),
    Setup(
        "composed-residuals", "residuals around LayerNorm in a block, repeated", curve(42, 50),
        CURVE, RESIDUALS, Call("MSE"), Call("AdamW", lr=5e-4), batch=13, epochs=60,
        precisions=BOTH, seed=42,
    ),
    Setup(
        "composed-widening", "repetitions: of one stage with an index, and of several",
        curve(43, 40), CURVE, WIDENING, Call("MSE"), Call("SGD", lr=0.02, momentum=0.5),
        batch=10, epochs=60, seed=43,
    ),
    Setup(
        "composed-nested", "blocks in blocks that hand a layer on; GroupNorm and RMSNorm",
        curve(44, 50), CURVE, NESTED, Call("Huber"), Call("Adam", lr=1e-3), batch=12, epochs=60,
        precisions=BOTH, seed=44,
    ),
    Setup(
        "composed-lists", "Concat, Add, Multiply, Mean, Maximum and Dot", kinds(45, 55, NAMES),
        KIND, COMBINED, Call("CrossEntropy"), Call("SGD", lr=0.05), batch=11, epochs=60,
        precisions=BOTH, seed=45,
    ),
    Setup(
        "composed-siamese", "a shared block on two inputs", pairs(46, 45), SIDES, SIAMESE,
        Call("MSE"), Call("SGD", lr=0.02, momentum=0.5), batch=10, epochs=60, seed=46,
    ),
    Setup(
        "composed-tied", "tied weights, values that learn, an Embedding as a layer",
        {
            name: cells
            for name, cells in people(
                47, 55, ["p", "q"], ["north", "south", "west"], ["0", "1", "2"]
            ).items()
            if name != "job"
        },
        [
            Column("input", ["age"], arguments={"normalize": "zscore"}),
            Column("input", ["city"], "category"),
            Column("target", ["answer"], "category"),
        ],
        TIED, Call("CrossEntropy"), Call("Adam", lr=1e-3), batch=11, epochs=60,
        precisions=BOTH, seed=47,
    ),
    Setup(
        "composed-axes", "rows of two axes, layers along the last", curve(57, 50), CURVE, AXES,
        Call("MSE"), Call("AdamW", lr=1e-3), batch=13, epochs=60, seed=57,
    ),
    Setup(
        "composed-bilinear", "a shared Bilinear on two pairs, bounded, and one without a bias",
        pairs(56, 45), SIDES, BILINEAR, Call("MSE"), Call("Adam", lr=1e-3), batch=10, epochs=60,
        groups=[("both.weight", {"max_norm": 1.1})], precisions=BOTH, seed=56,
    ),
    Setup(
        "composed-tied-table", "a table that is the weight of a layer too, its rows bounded",
        {
            name: cells
            for name, cells in people(
                53, 55, ["p", "q"], ["north", "south", "west"], ["0", "1", "2"]
            ).items()
            if name != "job"
        },
        [
            Column("input", ["age"], arguments={"normalize": "zscore"}),
            Column("input", ["city"], "category"),
            Column("target", ["answer"], "category"),
        ],
        TIED_TABLE, Call("CrossEntropy"), Call("Adam", lr=1e-2), batch=11, epochs=60,
        groups=[("table.weight", {"max_norm": 1.2})], seed=53,
    ),
    Setup(
        "max_norm", "rows of weights bounded after each update, the later section winning",
        kinds(54, 60, NAMES), KIND,
        Layers(
            [Call("Linear", 40, label="fc"), Call("Tanh")], [Call("Linear", 6), Call("Tanh")],
            [Call("Linear", 3, label="head")],
        ),
        Call("CrossEntropy"), Call("SGD", lr=0.1, momentum=0.5), batch=16, epochs=70,
        groups=[("*.weight", {"max_norm": 0.6}), ("head.weight", {"max_norm": 0.9, "l2": 1e-3})],
        precisions=BOTH, seed=54,
    ),
    Setup(
        "max_norm-average", "bounded tables and weights, averaged, two batches an update, one frozen",
        people(55, 60, ["smith", "Zimmer", "clerk", "émile"], ["10", "9", "100"], NAMES),
        [
            Column("input", ["age"], arguments={"normalize": "zscore"}),
            Column("input", ["job"], "category", {"embed": 3}),
            Column("input", ["city"], "category", {"embed": 2}),
            Column("target", ["answer"], "category"),
        ],
        Layers(
            [Call("Linear", 5, label="fc"), Call("Tanh")],
            [Call("Linear", 4, label="still"), Call("Tanh")],
            [Call("Linear", 3, label="head")],
        ),
        Call("CrossEntropy"), Call("Adam", lr=1e-2), batch=9, epochs=60,
        settings={"accumulate": 2, "average": "ema(0.8)"},
        groups=[("*.weight", {"max_norm": 0.8}), ("still.*", {"freeze": True})], seed=55,
    ),
    Setup(
        "targets", "several targets: a sum of weighted losses, one of them on two terms",
        houses(48, 57, NAMES),
        [
            Column("input", ["size", "age"], arguments={"normalize": "zscore"}),
            Column("target", ["price"], arguments={"scale": 2.0}),
            Column("target", ["kind", "sold"], "category"),
        ],
        HEADS,
        Losses(
            (1, Call("CrossEntropy", label_smoothing=0.1), "kind"),
            (0.3, Call("MSE"), "price"),
            (0.05, Call("L1"), "price"),
            (0.5, Call("BCEWithLogits"), "sold"),
        ),
        Call("Adam", lr=1e-3), batch=12, epochs=60, precisions=BOTH, seed=48,
    ),
    Setup(
        "targets-vector", "two vectors as targets, one prepared", pairs(49, 45),
        [
            Column("input", ["left"], "vector", {"normalize": "zscore"}, source="left_*"),
            Column("target", ["both"], "vector", source="y_*"),
            Column("target", ["right"], "vector", {"scale": 0.5}, source="right_*"),
        ],
        TWO_VECTORS, Losses((1, Call("MSE"), "both"), (2, Call("Huber", delta=0.5), "right")),
        Call("SGD", lr=0.02, momentum=0.5), batch=10, epochs=60, seed=49,
    ),
    Setup(
        "row-weights", "rows that count more or less, some not at all",
        weighted(kinds(50, 60, NAMES)), KIND + [Column("weight", ["w"])],
        Layers([Call("Linear", 5), Call("Tanh"), Call("Linear", 3)]),
        Call("CrossEntropy", label_smoothing=0.1), Call("Adam", lr=1e-3), batch=16, epochs=70,
        precisions=BOTH, seed=50,
    ),
    Setup(
        "row-weights-targets", "weights of rows with several targets, one of them a vector",
        weighted(pairs(51, 45)),
        [
            Column("weight", ["w"]),
            Column("input", ["left"], "vector", {"normalize": "zscore"}, source="left_*"),
            Column("target", ["both"], "vector", source="y_*"),
            Column("target", ["right"], "vector", {"scale": 0.5}, source="right_*"),
        ],
        TWO_VECTORS, Losses((1, Call("MSE"), "both"), (2, Call("Huber", delta=0.5), "right")),
        Call("SGD", lr=0.02, momentum=0.5), batch=10, epochs=60, seed=51,
    ),
    Setup(
        "penalties", "magnitudes and squares of parameters in the loss", kinds(52, 60, NAMES), KIND,
        Layers(
            [Call("Linear", 6, label="fc"), Call("BatchNorm1d", label="norm"), Call("Tanh")],
            [Call("Linear", 3, label="head")],
        ),
        Call("CrossEntropy"), Call("SGD", lr=0.05, momentum=0.5), batch=16, epochs=70,
        groups=[
            ("*.weight", {"l2": 0.01}),
            ("fc.*", {"l1": 1e-3, "lr": 0.02}),
            ("head.weight", {"l1": 2e-3, "l2": 0}),
        ],
        precisions=BOTH, seed=52,
    ),
]
