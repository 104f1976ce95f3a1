"""The models whose Hessians are compared: the lesson's network, a ResNet-20 and a small GPT-2."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import sys
from collections.abc import Callable

import sklearn.datasets
import torch
from lesson import train
from torch import nn


@dataclasses.dataclass(frozen=True)
class Case:
    """A model in float32, in eval mode, with the one batch on which it is analysed."""

    name: str
    model: nn.Module
    inputs: torch.Tensor
    targets: torch.Tensor  # as many as rows of the output

    @property
    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.inputs, self.targets

    @property
    def size(self) -> int:
        return sum(p.numel() for p in self.model.parameters())


class Residual(nn.Module):
    """Two convolutions beside a shortcut that pads the new channels with zeros (He et al. 2015, option A)."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.stride = 1 if channels == channels_in else 2
        self.first = nn.Conv2d(channels_in, channels, 3, self.stride, 1, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norms[1](self.second(torch.relu(self.norms[0](self.first(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        more = y.shape[1] - x.shape[1]
        return torch.relu(y + nn.functional.pad(shortcut, (0, 0, 0, 0, 0, more)))


def resnet20() -> nn.Sequential:
    widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
    blocks = [Residual(a, b) for a, b in itertools.pairwise(widths)]
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Tokens(nn.Module):
    """A language model as a classifier of every token: ids (b, t) to logits (b t, vocabulary)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=ids).logits.flatten(0, 1)


def _fit(case: Case, steps: int, rate: float) -> Case:
    optimizer = torch.optim.Adam(case.model.parameters(), lr=rate)
    case.model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(case.model(case.inputs), case.targets))
        optimizer.step()
    optimizer.zero_grad()
    case.model.eval()
    return case


def mlp() -> Case:
    lesson = train()
    return Case("MLP of the lesson", lesson.model, lesson.inputs, lesson.targets)


def convolutional(images: int = 16) -> Case:
    """Return a ResNet-20 after 30 steps on digits enlarged to 32 x 32."""
    pixels, digits = sklearn.datasets.load_digits(return_X_y=True)
    x = torch.as_tensor(pixels[:images] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    x = nn.functional.interpolate(x, size=32, mode="bilinear").repeat(1, 3, 1, 1)
    torch.manual_seed(0)
    return _fit(Case("ResNet-20", resnet20(), x, torch.as_tensor(digits[:images])), 30, 1e-3)


def language(sequences: int = 16, length: int = 32) -> Case:
    """Return a GPT-2 of two layers after 40 steps on the bytes of a text."""
    # curvlinops pulls a CUDA build of torchvision that cannot be imported beside a CPU torch.
    sys.modules.setdefault("torchvision", None)  # type: ignore[arg-type]
    transformers = importlib.import_module("transformers")
    text = sklearn.datasets.load_digits().DESCR.encode()[: sequences * length + 1]
    ids = torch.as_tensor(list(text))
    config = transformers.GPT2Config(
        vocab_size=256, n_positions=length, n_embd=64, n_layer=2, n_head=4, attn_implementation="eager",
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Tokens(transformers.GPT2LMHeadModel(config))
    inputs = ids[:-1].reshape(sequences, length)
    return _fit(Case("GPT-2, two layers", model, inputs, ids[1:]), 40, 1e-3)


CASES: dict[str, Callable[[], Case]] = {"mlp": mlp, "gpt2": language, "resnet20": convolutional}
