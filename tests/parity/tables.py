"""Tables of numbers and classes that several experiments are made on."""

import numpy as np


def curve(seed, rows):
    """Two numbers of unlike scales and a noisy smooth function of them."""
    random = np.random.default_rng(seed)
    a, b = random.normal(40.0, 12.0, rows), random.uniform(-1.0, 1.0, rows)
    y = np.sin(a / 12.0) + b * b + 0.2 * random.normal(size=rows)
    return {"a": a.tolist(), "b": b.tolist(), "y": y.tolist()}


def kinds(seed, rows, names):
    """Three numbers and the overlapping class that they were drawn from."""
    random = np.random.default_rng(seed)
    # Every class is among the first rows, so training has seen it.
    which = np.arange(rows) * 7 % len(names)
    points = random.normal(size=(rows, 3)) + 0.9 * np.stack(
        [np.cos(which), np.sin(2.0 * which), which * 0.5], axis=1
    )
    table = {f"x{place}": points[:, place].tolist() for place in range(3)}
    return table | {"kind": [names[place] for place in which]}


def pairs(seed, rows):
    """Two points of three numbers, the signed difference of a function of each, and its square."""
    random = np.random.default_rng(seed)
    left, right = random.normal(size=(rows, 3)), random.normal(size=(rows, 3))
    direction = [1.0, -0.5, 0.25]
    y = np.tanh(left @ direction) - np.tanh(right @ direction) + 0.1 * random.normal(size=rows)
    table = {f"left_{place}": left[:, place].tolist() for place in range(3)}
    table |= {f"right_{place}": right[:, place].tolist() for place in range(3)}
    return table | {"y_difference": y.tolist(), "y_square": (y * y).tolist()}
