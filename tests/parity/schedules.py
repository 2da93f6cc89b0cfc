"""Experiments on schedules of the learning rate, groups of parameters, freezing and clipping."""

from torch.optim import lr_scheduler

from reference import Call, Column, Layers, Setup
from tables import curve

CURVE = [
    Column("input", ["a", "b"], arguments={"normalize": "zscore"}),
    Column("target", ["y"]),
]
HIDDEN = Layers(
    [Call("Linear", 6, label="fc1"), Call("Tanh")],
    [Call("Linear", 5, label="fc2"), Call("Tanh")],
    [Call("Linear", 1, label="head")],
)
ADAM = Call("Adam", lr=4e-3)
SGD = Call("SGD", lr=0.04, momentum=0.5)


def warmup(optimizer, updates):
    return lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / updates, 1.0))


def chained(length, last):
    """The warmup for a share of the run, then another schedule on what is left."""

    def build(optimizer, epoch, total):
        first = round(length * total)
        return lr_scheduler.SequentialLR(
            optimizer, [warmup(optimizer, first), last(optimizer, first, total)], [first]
        )

    return build


def of(kind, *lengths, **arguments):
    """A scheduler whose lengths are epochs, or shares of the run."""

    def build(optimizer, epoch, total):
        def updates(length):
            if isinstance(length, list):
                return [updates(one) for one in length]
            return length * epoch if isinstance(length, int) else round(length * total)

        counted = {name: updates(length) for name, length in lengths}
        return getattr(lr_scheduler, kind)(optimizer, **counted, **arguments)

    return build


def setup(name, covers, written, scheduler, optimizer=SGD, epochs=30, **more):
    seed = 60 + sum(map(ord, name)) % 30
    settings = {"schedule": written} if written else {}
    return Setup(
        f"schedule-{name}" if written else name, covers, curve(seed, 60), CURVE, HIDDEN,
        Call("MSE"), optimizer, batch=7, epochs=epochs, seed=seed, scheduler=scheduler,
        settings=settings | more.pop("settings", {}), **more,
    )


SCHEDULES = [
    setup("step", "Step by epochs", "Step(4, gamma = 0.6)", of("StepLR", ("step_size", 4), gamma=0.6)),
    setup(
        "multi-step", "MultiStep by shares", "MultiStep([40%, 80%], gamma = 0.3)",
        of("MultiStepLR", ("milestones", [0.4, 0.8]), gamma=0.3), ADAM,
    ),
    setup(
        "exponential", "Exponential by epochs", "Exponential(0.9)",
        lambda optimizer, epoch, _: lr_scheduler.LambdaLR(
            optimizer, lambda step: 0.9 ** (step // epoch)
        ),
    ),
    setup(
        "linear", "Linear", "Linear(start_factor = 0.2, total_iters = 50%)",
        of("LinearLR", ("total_iters", 0.5), start_factor=0.2), ADAM,
    ),
    setup(
        "polynomial", "Polynomial", "Polynomial(total_iters = 20, power = 2)",
        of("PolynomialLR", ("total_iters", 20), power=2.0),
    ),
    setup(
        "cosine", "CosineAnnealing over the run", "CosineAnnealing(eta_min = 1e-4)",
        of("CosineAnnealingLR", ("T_max", 1.0), eta_min=1e-4), Call("AdamW", lr=4e-3),
    ),
    setup(
        "cosine-restarts", "CosineAnnealingWarmRestarts",
        "CosineAnnealingWarmRestarts(3, T_mult = 2, eta_min = 1e-3)",
        of("CosineAnnealingWarmRestarts", ("T_0", 3), T_mult=2, eta_min=1e-3),
    ),
    setup(
        "cyclic-triangular", "Cyclic as it stands", "Cyclic(base_lr = 0.002, max_lr = 0.04, step_size_up = 4)",
        of(
            "CyclicLR", ("step_size_up", 4), base_lr=0.002, max_lr=0.04, cycle_momentum=False,
        ),
    ),
    setup(
        "cyclic", "Cyclic with unlike sides, halved",
        "Cyclic(base_lr = 0.002, max_lr = 0.04, step_size_up = 3, step_size_down = 5, mode = triangular2)",
        of(
            "CyclicLR", ("step_size_up", 3), ("step_size_down", 5), base_lr=0.002, max_lr=0.04,
            mode="triangular2", cycle_momentum=False,
        ),
    ),
    setup(
        "cyclic-range", "Cyclic in exp_range",
        "Cyclic(base_lr = 0.002, max_lr = 0.04, step_size_up = 10%, mode = exp_range, gamma = 0.999)",
        of(
            "CyclicLR", ("step_size_up", 0.1), base_lr=0.002, max_lr=0.04, mode="exp_range",
            gamma=0.999, cycle_momentum=False,
        ),
    ),
    setup(
        "one-cycle", "OneCycle", "OneCycle(max_lr = 0.06)",
        of("OneCycleLR", ("total_steps", 1.0), max_lr=0.06, cycle_momentum=False),
    ),
    setup(
        "one-cycle-linear", "OneCycle along lines",
        "OneCycle(max_lr = 0.05, pct_start = 0.4, anneal_strategy = linear, div_factor = 10, final_div_factor = 100)",
        of(
            "OneCycleLR", ("total_steps", 1.0), max_lr=0.05, pct_start=0.4,
            anneal_strategy="linear", div_factor=10.0, final_div_factor=100.0,
            cycle_momentum=False,
        ),
    ),
    setup(
        "warmup-cosine", "Warmup, then CosineAnnealing on what is left",
        "Warmup(10%) -> CosineAnnealing(eta_min = 1e-5)",
        chained(
            0.1,
            lambda optimizer, first, total: lr_scheduler.CosineAnnealingLR(
                optimizer, total - first, 1e-5
            ),
        ),
        ADAM,
    ),
    setup(
        "warmup-inverse-sqrt", "Warmup, then InverseSqrt", "Warmup(10%) -> InverseSqrt",
        chained(
            0.1,
            lambda optimizer, first, _: lr_scheduler.LambdaLR(
                optimizer, lambda step: (first / (first + step)) ** 0.5
            ),
        ),
    ),
    setup(
        "plateau", "ReduceOnPlateau on the validation loss",
        "ReduceOnPlateau(factor = 0.5, patience = 2, cooldown = 1, min_lr = 1e-3)",
        lambda optimizer, *_: lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=2, cooldown=1, min_lr=1e-3
        ),
        epochs=60,
    ),
    setup(
        "plateau-abs", "ReduceOnPlateau by a difference",
        "ReduceOnPlateau(factor = 0.7, patience = 1, threshold = 0.002, threshold_mode = abs)",
        lambda optimizer, *_: lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.7, patience=1, threshold=0.002, threshold_mode="abs"
        ),
        epochs=60,
    ),
    setup(
        "groups", "groups with rates and decays of their own, the later winning; a schedule on all",
        None, of("CosineAnnealingLR", ("T_max", 1.0)), Call("AdamW", lr=4e-3),
        settings={"schedule": "CosineAnnealing"},
        groups=[
            ("*.bias", {"weight_decay": 0.0, "lr": 0.01}),
            ("head.*", {"lr": 2e-3}),
            ("fc2.weight", {"weight_decay": 0.2}),
        ],
    ),
    setup(
        "accumulate-average", "two batches an update, counted by the schedule, and averaged",
        None, of("CosineAnnealingLR", ("T_max", 1.0)), ADAM,
        settings={"schedule": "CosineAnnealing", "accumulate": 2, "average": "ema(0.8)"},
        groups=[("fc1.bias", {"freeze": True})],
    ),
    setup(
        "frozen", "frozen layers, clipping of what is left", None, None,
        settings={"clip_norm": 0.2},
        groups=[("fc1.*", {"freeze": True}), ("fc2.bias", {"freeze": True})],
    ),
    setup(
        "clip_value", "clipping element by element, then by norm", None, None, ADAM,
        settings={"clip_value": 0.05, "clip_norm": 0.1},
    ),
]
