"""Figures of scikit-learn and pandas that tests/data/oracle.rs holds nnc's preparation against.

    pip install scikit-learn pandas
    python tests/oracles/preparation.py > tests/oracles/preparation.json
"""

import json
import warnings

import numpy as np
import pandas as pd
import sklearn
from scipy.stats import yeojohnson_llf
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

warnings.filterwarnings("ignore")
SCALERS = {
    "zscore": StandardScaler,
    "minmax": MinMaxScaler,
    "maxabs": MaxAbsScaler,
    "robust": RobustScaler,
    "quantile": lambda: QuantileTransformer(
        output_distribution="normal", subsample=None, n_quantiles=1000
    ),
    "power": PowerTransformer,
}


def columns():
    draw = np.random.default_rng(17)
    return {
        "normal": draw.normal(3.0, 2.0, 57).round(6),
        "skewed": draw.lognormal(1.0, 1.5, 83).round(6),
        "ties": draw.integers(0, 4, 40).astype(float),
        "mostly one": np.array([5.0] * 30 + [1.0, 7.5]),
        "negative": -draw.exponential(4.0, 31).round(6),
        "many": draw.normal(0.0, 1.0, 1500).round(5),
        "two": np.array([-1.5, 2.0]),
    }


def scaled(x):
    new = np.concatenate([x[:5], np.linspace(x.min() - 1.0, x.max() + 1.0, 9)])
    found = {"train": x.tolist(), "new": new.tolist()}
    for name, scaler in SCALERS.items():
        scaler = scaler().fit(x[:, None])
        found[name] = scaler.transform(new[:, None])[:, 0].tolist()
        if name == "power":
            power = float(scaler.lambdas_[0])
            found["lambda"] = power
            found["likelihood"] = float(yeojohnson_llf(power, x))
    return found


def filled(values):
    column = pd.Series(values, dtype="float64")
    rows = column.tolist()
    return {
        "values": [None if np.isnan(value) else value for value in rows],
        "median": column.median(),
        "mean": column.mean(),
        "mode": column.mode()[0],
        "forward": column.ffill().tolist(),
    }


nan = float("nan")
draw = np.random.default_rng(3)
holey = np.where(draw.random(50) < 0.3, nan, draw.normal(0, 100, 50).round(4))
holey[0] = 1.25
print(
    json.dumps(
        {
            "versions": {"sklearn": sklearn.__version__, "pandas": pd.__version__},
            "scaled": {name: scaled(x) for name, x in columns().items()},
            "filled": [
                filled([1.0, nan, 2.0, 2.0, nan, 1.0, 7.0]),
                filled([4.0, nan, nan]),
                filled(holey),
            ],
        }
    )
)
