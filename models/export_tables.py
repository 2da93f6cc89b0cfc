"""Writes three tables with holes beside this file: wine, diabetes and breast_cancer of scikit-learn.

One cell in twenty, targets too, is replaced by a spelling of nothing. The draws are the same each time.
Needs scikit-learn, and no network:

    python models/export_tables.py
"""

import csv
from pathlib import Path
from random import Random

from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

SHARE_OF_HOLES = 0.05

# scikit-learn calls the blood values s1 to s6; these are the names of its description.
DIABETES_NAMES = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"]


def number(value):
    """The shortest decimal, without a point where none is needed."""
    return str(value).removesuffix(".0")


def with_holes(row, random, markers):
    for cell in row:
        hole = random.random() < SHARE_OF_HOLES
        yield markers[int(random.random() * len(markers))] if hole else cell


def write(name, header, rows, seed, markers):
    random = Random(seed)
    with open(Path(__file__).parent / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(with_holes(row, random, markers) for row in rows)


def wine():
    table = load_wine()
    header = [name.replace("/", "_") for name in table.feature_names] + ["cultivar"]
    rows = (
        [*map(number, measures), table.target_names[cultivar]]
        for measures, cultivar in zip(table.data.tolist(), table.target)
    )
    write("wine.csv", header, rows, 1, ["", "?", "NA", "NULL"])


def diabetes():
    table = load_diabetes(scaled=False)
    rows = (
        [*map(number, measures), number(progression)]
        for measures, progression in zip(table.data.tolist(), table.target.tolist())
    )
    write("diabetes.csv", [*DIABETES_NAMES, "progression"], rows, 2, ["", "?", "NA"])


def breast_cancer():
    table = load_breast_cancer()
    # The means of ten measures; their errors and worst values follow in the whole table.
    header = [name.replace(" ", "_") for name in table.feature_names[:10]] + ["diagnosis"]
    rows = (
        [*map(number, measures[:10]), table.target_names[diagnosis]]
        for measures, diagnosis in zip(table.data.tolist(), table.target)
    )
    write("breast_cancer.csv", header, rows, 3, ["", "-999", "n/a"])


if __name__ == "__main__":
    wine()
    diabetes()
    breast_cancer()
