"""scikit-learn's side, for the networks that its `MLPClassifier` and `MLPRegressor` can express: one
activation after every layer but the last, MSE or cross-entropy, SGD or Adam without weight decay."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import worker

ACTIVATIONS = {"Tanh": "tanh", "ReLU": "relu", "Sigmoid": "logistic", "Identity": "identity"}


def activation(layers):
    """The one activation between `Linear`s."""
    kinds = [layer["kind"] for layer in layers]
    between = set(kinds[1::2])
    if set(kinds[::2]) != {"Linear"} or kinds[-1] != "Linear" or len(between) > 1:
        raise worker.Unsupported("only one activation between Linear layers")
    kind = between.pop() if between else "Identity"
    if kind not in ACTIVATIONS:
        raise worker.Unsupported(f"no {kind}")
    return ACTIVATIONS[kind]


def solver(network):
    """Settings that make its step the one that PyTorch takes. Its gradient of a regression is that of
    half the squared error, summed over the outputs: `scale` times PyTorch's, which SGD takes back by its
    learning rate and Adam by its epsilon."""
    scale = 1.0 if network["classes"] else network["outputs"] / 2
    kind, arguments = network["optimizer"]["kind"], dict(network["optimizer"]["arguments"])
    rate = arguments.pop("lr")
    if arguments or kind not in ("SGD", "Adam"):
        raise worker.Unsupported(f"not this {kind}")
    if kind == "SGD":
        return {"solver": "sgd", "learning_rate_init": rate / scale, "momentum": 0.0}
    return {"solver": "adam", "learning_rate_init": rate, "epsilon": 1e-8 * scale}


class Model:
    def __init__(self, network):
        warnings.simplefilter("ignore", ConvergenceWarning)
        if network["loss"]["kind"] not in ("MSE", "CrossEntropy") or network["loss"]["arguments"]:
            raise worker.Unsupported("only MSE and cross-entropy")
        self.network = network
        self.inputs, self.targets = self.rows("train")
        self.validation = self.rows("validate") if network["validate"]["rows"] else None
        if network["classes"] and len(np.unique(self.targets)) != network["outputs"]:
            raise worker.Unsupported("takes its classes from the rows, which lack some")
        values = worker.weights(network)
        self.initial = [
            [value.T if value.ndim == 2 else value for name, value in values.items() if kind in name]
            for kind in (".weight", ".bias")
        ]
        make = MLPClassifier if network["classes"] else MLPRegressor
        linears = [layer for layer in network["layers"] if layer["kind"] == "Linear"]
        self.model = make(
            hidden_layer_sizes=[layer["arguments"]["out_features"] for layer in linears[:-1]],
            activation=activation(network["layers"]),
            alpha=0.0,
            batch_size=network["batch"],
            shuffle=False,
            max_iter=1,
            tol=0.0,
            n_iter_no_change=10**9,
            warm_start=True,
            **solver(network),
        )

    def rows(self, part):
        inputs, targets = worker.rows(self.network, part)
        single = not self.network["classes"] and targets.shape[1] == 1
        return inputs, targets.ravel() if single else targets

    def prepare(self, epochs):
        """The first fit makes room for the weights; each later one begins from what `restart` puts there."""
        self.model.fit(self.inputs, self.targets)

    def restart(self, _seed):
        self.model.coefs_, self.model.intercepts_ = (
            [np.array(value, order="C") for value in values] for values in self.initial
        )
        self.model.loss_curve_ = []
        # Without validation one fit runs all epochs; with it, one step of the same fit after another.
        self.model.__dict__.pop("_optimizer", None)

    def train(self, epochs):
        factor = 1.0 if self.network["classes"] else 2.0
        validate = []
        if self.validation is None:
            self.model.set_params(max_iter=epochs).fit(self.inputs, self.targets)
        for _ in range(epochs if self.validation else 0):
            self.model.partial_fit(self.inputs, self.targets)
            difference = self.model.predict(self.validation[0]) - self.validation[1]
            validate.append(float(np.mean(difference * difference)))
        return [factor * float(loss) for loss in self.model.loss_curve_], validate

    def predict(self):
        row = self.inputs[:1]
        known = self.network["classes"]
        return np.ravel(self.model.predict_proba(row) if known else self.model.predict(row)).tolist()


if __name__ == "__main__":
    worker.serve(Model)
