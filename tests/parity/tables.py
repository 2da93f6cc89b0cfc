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


def people(seed, rows, jobs, cities, answers):
    """A number, two categories and a category that depends on all three."""
    random = np.random.default_rng(seed)
    job, city = np.arange(rows) * 5 % len(jobs), random.integers(0, len(cities), rows)
    city[: len(cities)] = np.arange(len(cities))
    age = random.uniform(18.0, 70.0, rows)
    score = np.sin(job * 1.3) + 0.6 * np.cos(city * 2.1) + (age - 44.0) / 30.0
    score += 0.8 * random.normal(size=rows)
    edges = np.quantile(score, np.linspace(0.0, 1.0, len(answers) + 1)[1:-1])
    return {
        "age": age.tolist(),
        "job": [jobs[place] for place in job],
        "city": [cities[place] for place in city],
        "answer": [answers[place] for place in np.searchsorted(edges, score)],
    }


def houses(seed, rows, kinds):
    """Two numbers, and what depends on them: a number, one of several kinds, a yes or no."""
    random = np.random.default_rng(seed)
    size, age = random.normal(size=rows), random.uniform(0.0, 2.0, rows)
    which = np.arange(rows) * 7 % len(kinds)
    price = np.tanh(size) - 0.4 * age + 0.1 * random.normal(size=rows)
    sold = size + 0.5 * random.normal(size=rows) > age - 1.0
    sold[:2] = [False, True]
    return {
        "size": (size + 0.5 * which).tolist(),
        "age": age.tolist(),
        "price": price.tolist(),
        "kind": [kinds[place] for place in which],
        "sold": ["yes" if one else "no" for one in sold],
    }
