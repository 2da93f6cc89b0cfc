"""Writes iris.csv beside this file: Fisher's iris measurements as scikit-learn ships them.

Needs scikit-learn, and no network:

    python models/export_iris.py
"""

import csv
from pathlib import Path

from sklearn.datasets import load_iris


def main():
    iris = load_iris()
    # "sepal length (cm)" becomes a name that needs no quotes in a model.
    names = [name.removesuffix(" (cm)").replace(" ", "_") for name in iris.feature_names]
    with open(Path(__file__).parent / "iris.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names + ["species"])
        for measures, species in zip(iris.data.tolist(), iris.target):
            writer.writerow(measures + [iris.target_names[species]])


if __name__ == "__main__":
    main()
