"""JAX's side: one compiled call for a whole run, a scan over epochs of a scan over resident batches,
parameters and optimizer state donated."""

import argparse
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import worker


def gelu(x, approximate="none"):
    if approximate == "tanh":
        return 0.5 * x * (1 + jnp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + lax.erf(x * math.sqrt(0.5)))


def softplus(x, beta=1.0, threshold=20.0):
    scaled = x * beta
    return jnp.where(scaled > threshold, x, jax.nn.softplus(scaled) / beta)


# PyTorch's definitions, with its names of arguments and its defaults.
ACTIVATIONS = {
    "Identity": lambda x: x,
    "Tanh": jnp.tanh,
    "Sigmoid": jax.nn.sigmoid,
    "ReLU": jax.nn.relu,
    "LeakyReLU": lambda x, negative_slope=0.01: jnp.where(x > 0, x, negative_slope * x),
    "ELU": lambda x, alpha=1.0: jax.nn.elu(x, alpha),
    "GELU": gelu,
    "SiLU": jax.nn.silu,
    "Softplus": softplus,
    "Hardtanh": lambda x, min_val=-1.0, max_val=1.0: jnp.clip(x, min_val, max_val),
}


def huber(y, t, delta=1.0):
    d = jnp.abs(y - t)
    return jnp.mean(jnp.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)))


def cross_entropy(y, t, label_smoothing=0.0):
    log_softmax = jax.nn.log_softmax(y)
    loss = -jnp.mean(jnp.take_along_axis(log_softmax, t[:, None], axis=1))
    if label_smoothing == 0.0:
        return loss
    return (1 - label_smoothing) * loss - label_smoothing * jnp.mean(log_softmax)


LOSSES = {
    "MSE": lambda y, t: jnp.mean(jnp.square(y - t)),
    "L1": lambda y, t: jnp.mean(jnp.abs(y - t)),
    "Huber": huber,
    "CrossEntropy": cross_entropy,
    "BCEWithLogits": lambda y, t: jnp.mean(
        jnp.maximum(y, 0) - y * t + jnp.log1p(jnp.exp(-jnp.abs(y)))
    ),
}


def sgd(lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    def step(p, g, slots, t):
        if weight_decay:
            g = g + weight_decay * p
        if not momentum:
            return p - lr * g, slots
        (b,) = slots
        # PyTorch's buffer begins as the first gradient.
        b = jnp.where(t == 1, g, momentum * b + (1 - dampening) * g)
        return p - lr * (g + momentum * b if nesterov else b), (b,)

    return step, 1 if momentum else 0


def adam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, decoupled=False):
    def step(p, g, slots, t):
        m, v, *largest = slots
        if weight_decay and decoupled:
            p = p * (1 - lr * weight_decay)
        elif weight_decay:
            g = g + weight_decay * p
        # 1 - beta^t without cancellation.
        first, second = (-jnp.expm1(t * math.log(beta)) for beta in betas)
        m = m + (1 - betas[0]) * (g - m)
        v = betas[1] * v + (1 - betas[1]) * g * g
        largest = [jnp.maximum(largest[0], v)] if amsgrad else []
        root = jnp.sqrt(largest[0] if amsgrad else v) / jnp.sqrt(second)
        return p - lr / first * m / (root + eps), (m, v, *largest)

    return step, 3 if amsgrad else 2


OPTIMIZERS = {
    "SGD": sgd,
    "Adam": adam,
    "AdamW": lambda weight_decay=1e-2, **more: adam(
        weight_decay=weight_decay, decoupled=True, **more
    ),
}


def batch_norm(p, buffers, x, training, eps=1e-5, momentum=0.1, affine=True):
    mean, variance = buffers
    if training:
        mean = jnp.mean(x, axis=0)
        variance = jnp.mean(jnp.square(x - mean), axis=0)
        unbiased = variance * (x.shape[0] / max(x.shape[0] - 1, 1))
        kept = 1 - momentum
        buffers = (kept * buffers[0] + momentum * mean, kept * buffers[1] + momentum * unbiased)
    y = (x - mean) * lax.rsqrt(variance + eps)
    return (y * p["weight"] + p["bias"] if affine else y), buffers


def dropout(x, key, p=0.5):
    keep = 1 - p
    return jnp.where(jax.random.bernoulli(key, keep, x.shape), x / keep, 0.0)


class Model:
    def __init__(self, network, unroll):
        self.network, self.unroll = network, unroll
        # A weight lies as [in, out], as JAX's own libraries keep it.
        first = {name: value.T if value.ndim == 2 else value for name, value in
                 worker.weights(network).items()}
        self.initial = [
            {
                name.split(".")[1]: value
                for name, value in first.items()
                if name.split(".")[0] == str(position)
            }
            for position in range(len(network["layers"]))
        ]
        widths, width = [], network["inputs"]
        for layer in network["layers"]:
            width = layer["arguments"].get("out_features", width)
            widths.append(width)
        self.buffers = [
            (np.zeros(width, np.float32), np.ones(width, np.float32))
            if layer["kind"] == "BatchNorm1d"
            else ()
            for layer, width in zip(network["layers"], widths)
        ]
        kind, arguments = network["optimizer"].values()
        self.update, self.slots = OPTIMIZERS[kind](**arguments)
        shape = (network["batches"], network["batch"])
        inputs, targets = worker.rows(network, "train")
        targets = targets.astype(np.int32) if network["classes"] else targets
        self.inputs = jax.device_put(inputs.reshape(*shape, *inputs.shape[1:]))
        self.targets = jax.device_put(targets.reshape(*shape, *targets.shape[1:]))
        self.row = self.inputs[0, :1]
        self.validation = None
        if network["validate"]["rows"]:
            self.validation = jax.device_put(worker.rows(network, "validate"))

    def forward(self, parameters, buffers, x, key, training):
        moved = []
        for position, layer in enumerate(self.network["layers"]):
            kind, arguments = layer["kind"], layer["arguments"]
            p, own = parameters[position], buffers[position]
            match kind:
                case "Linear":
                    x = x @ p["weight"] + p["bias"]
                case "BatchNorm1d":
                    x, own = batch_norm(p, own, x, training, **arguments)
                case "Dropout":
                    if training:
                        x = dropout(x, jax.random.fold_in(key, position), **arguments)
                case _:
                    x = ACTIVATIONS[kind](x, **arguments)
            moved.append(own)
        return x, moved

    def loss(self, parameters, buffers, x, t, key, training):
        y, buffers = self.forward(parameters, buffers, x, key, training)
        kind, arguments = self.network["loss"].values()
        return LOSSES[kind](y, t, **arguments), buffers

    def step(self, carry, batch):
        parameters, buffers, slots, t, key = carry
        t = t + 1
        step_key = jax.random.fold_in(key, t.astype(jnp.int32))
        (loss, buffers), gradients = jax.value_and_grad(self.loss, has_aux=True)(
            parameters, buffers, *batch, step_key, True
        )
        leaves, structure = jax.tree.flatten(parameters)
        new = [
            self.update(p, g, own, t)
            for p, g, own in zip(leaves, jax.tree.leaves(gradients), slots)
        ]
        parameters = jax.tree.unflatten(structure, [p for p, _ in new])
        return (parameters, buffers, [own for _, own in new], t, key), loss

    def epoch(self, carry, inputs, targets, validation):
        if self.network["batches"] == 1:
            carry, loss = self.step(carry, (inputs[0], targets[0]))
        else:
            carry, losses = lax.scan(self.step, carry, (inputs, targets), unroll=self.unroll)
            loss = jnp.mean(losses)
        after = jnp.zeros(())
        if validation is not None:
            after, _ = self.loss(carry[0], carry[1], *validation, carry[4], False)
        return carry, (loss, after)

    def whole(self, epochs, carry, inputs, targets, validation):
        one = lambda carry, _: self.epoch(carry, inputs, targets, validation)  # noqa: E731
        unroll = self.unroll if self.network["batches"] == 1 else 1
        return lax.scan(one, carry, None, length=epochs, unroll=unroll)

    def prepare(self, epochs):
        """Compiles a run."""
        self.epochs = epochs
        self.restart(0)
        run = jax.jit(partial(self.whole, epochs), donate_argnums=0)
        self.run = run.lower(self.carry, self.inputs, self.targets, self.validation).compile()
        self.infer = jax.jit(
            lambda p, buffers, x: self.forward(p, buffers, x, None, False)[0]
        )

    def restart(self, seed):
        leaves = jax.tree.leaves(self.initial)
        slots = [tuple(np.zeros_like(leaf) for _ in range(self.slots)) for leaf in leaves]
        key = jax.random.key(seed, impl="unsafe_rbg")
        carry = (self.initial, self.buffers, slots, np.float32(0))
        # Copies: the run takes its arguments' memory.
        self.carry = (*jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), carry), key)
        jax.block_until_ready(self.carry)

    def train(self, epochs):
        assert epochs == self.epochs, "a run is compiled for its epochs"
        self.carry, (train, validate) = self.run(
            self.carry, self.inputs, self.targets, self.validation
        )
        jax.block_until_ready(self.carry)
        train, validate = np.asarray(train).tolist(), np.asarray(validate).tolist()
        return train, validate if self.validation else []

    def predict(self):
        return np.asarray(self.infer(self.carry[0], self.carry[1], self.row))[0].tolist()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--unroll", type=int, default=1)
    arguments = parser.parse_args()
    worker.serve(lambda network: Model(network, arguments.unroll))
