"""PyTorch's side: eager or compiled, resident batches, no DataLoader, fused optimizers."""

import argparse

import torch
from torch import nn

import worker

DTYPES = {"f32": torch.float32, "f64": torch.float64}


class Model:
    def __init__(self, network, mode, dtype):
        torch.compiler.reset()
        self.network, self.dtype = network, dtype
        self.module = sequential(network).to(dtype)
        self.loss = getattr(nn, network["loss"]["kind"] + "Loss")(**network["loss"]["arguments"])
        self.initial = {
            name: torch.from_numpy(values).to(dtype)
            for name, values in worker.weights(network).items()
        }
        modes = {"Dropout", "BatchNorm1d"}
        self.has_modes = any(layer["kind"] in modes for layer in network["layers"])
        self.buffers = {name: value.clone() for name, value in self.module.named_buffers()}
        self.batches = list(
            zip(*(part.split(network["batch"]) for part in self.tensors("train")))
        )
        self.validation = self.tensors("validate") if network["validate"]["rows"] else None
        self.forward = lambda x, y: self.loss(self.module(x), y)
        self.evaluate, self.infer = self.forward, self.module
        if mode != "eager":
            mode = None if mode == "compile" else mode
            self.forward = torch.compile(self.forward, fullgraph=True, dynamic=False, mode=mode)
            self.evaluate = torch.compile(self.evaluate, fullgraph=True, dynamic=False, mode=mode)
            self.infer = torch.compile(self.module, fullgraph=True, dynamic=False, mode=mode)

    def tensors(self, part):
        inputs, targets = map(torch.from_numpy, worker.rows(self.network, part))
        return inputs.to(self.dtype), targets if self.network["classes"] else targets.to(self.dtype)

    def restart(self, seed):
        torch.manual_seed(seed)
        with torch.no_grad():
            for name, parameter in self.module.named_parameters():
                parameter.copy_(self.initial[name])
            for name, buffer in self.module.named_buffers():
                buffer.copy_(self.buffers[name])
        kind, arguments = self.network["optimizer"].values()
        self.optimizer = getattr(torch.optim, kind)(
            self.module.parameters(), fused=True, **arguments
        )

    def prepare(self, _epochs):
        """Compiles what is compiled."""
        self.restart(0)
        self.epoch(self.batches[:2])

    def epoch(self, batches):
        total = 0.0
        for inputs, targets in batches:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.forward(inputs, targets)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        validation = None
        if self.validation:
            self.switch(False)
            with torch.no_grad():
                validation = self.evaluate(*self.validation).item()
            self.switch(True)
        return total / len(batches), validation

    def train(self, epochs):
        losses = [self.epoch(self.batches) for _ in range(epochs)]
        train = [train for train, _ in losses]
        return train, [validate for _, validate in losses if validate is not None]

    def switch(self, training):
        """Between training and evaluation, where any layer knows the difference."""
        if self.has_modes:
            self.module.train(training)

    def predict(self):
        self.switch(False)
        with torch.inference_mode():
            return self.infer(self.batches[0][0][:1])[0].tolist()


def sequential(network):
    """The layers at their positions, so that parameters have the names that the driver uses."""
    modules, width = [], network["inputs"]
    for layer in network["layers"]:
        kind, arguments = layer["kind"], dict(layer["arguments"])
        match kind:
            case "Linear":
                modules.append(nn.Linear(width, **arguments))
                width = arguments["out_features"]
            case "BatchNorm1d":
                modules.append(nn.BatchNorm1d(width, **arguments))
            case _:
                modules.append(getattr(nn, kind)(**arguments))
    return nn.Sequential(*modules)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--precision", choices=DTYPES, default="f32")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    worker.serve(lambda network: Model(network, arguments.mode, DTYPES[arguments.precision]))
