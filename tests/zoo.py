"""The kinds of models that must work, each small, deterministic, and with data of its own.

A case also says how its user would evaluate the loss without this package (`Case.value`): what the tests
compare with.
"""

import copy
import functools
from collections import UserDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

D = torch.float64


@dataclass(frozen=True)
class Case:
    """A model with its data: what the objective gets, and the loss as its user would compute it.

    Attributes
    ----------
    make : callable
        A new model, with the same weights at every call.
    loss : callable
        ``loss(output, target)``, or ``loss(model, batch) -> (sum, count)`` if `of_batch`.
    value : callable (model, batches) -> scalar tensor
        Mean loss of a plain model in the mode that it is in.
    kwargs : dict
        Options of the objective.
    dtype : torch.dtype
        Of the user's model.
    dense : bool
        Whether n is small enough for the whole Hessian at once.
    roundings : int
        How many eps a result may be off, relative to its norm: what sums in another order leave.
    functional : bool
        Whether torch.func differentiates the plain model twice; else the oracle is autograd.
    """

    name: str
    make: Callable[[], nn.Module]
    batches: list[Any]
    loss: Callable[..., Any]
    value: Callable[[nn.Module, list[Any]], torch.Tensor]
    of_batch: bool = False
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    dtype: torch.dtype = D
    roundings: int = 64
    dense: bool = True
    functional: bool = True

    def model(self, dtype: torch.dtype | None = None) -> nn.Module:
        """A new model; its weights are those of the case's own dtype, also in another one."""
        return cast(cast(self.make(), self.dtype), dtype or self.dtype)

    def mean(self, model: nn.Module, dtype: torch.dtype = D) -> torch.Tensor:
        """Mean loss of a plain model on data of a dtype."""
        return self.value(model, [cast(batch, dtype) for batch in self.batches])


def cast(thing: Any, dtype: torch.dtype) -> Any:
    """A model, or the tensors of a batch, in another floating-point type; complex ones stay complex."""
    if isinstance(thing, nn.Module):  # `to` would make complex parameters real
        return thing._apply(lambda tensor: cast(tensor, dtype))
    if isinstance(thing, torch.Tensor):
        if thing.is_complex():
            return thing.to(dtype.to_complex())
        return thing.to(dtype) if thing.is_floating_point() else thing
    if isinstance(thing, (dict, UserDict)):
        return {key: cast(value, dtype) for key, value in thing.items()}
    return tuple(cast(part, dtype) for part in thing)


def seeded(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """The same function with a seed of its own; the global generator is left as it was."""

    def made() -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return make()

    return made


def normal(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, dtype=D, generator=torch.Generator().manual_seed(seed))


def integers(below: int, *shape: int, seed: int = 2) -> torch.Tensor:
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(seed))


def pairs(x: torch.Tensor, y: torch.Tensor, *sizes: int) -> list[Any]:
    """Batches of unequal sizes: a mean over them is not the mean over the samples."""
    return list(zip(x.split(sizes), y.split(sizes), strict=True))


def classified(model: nn.Module, batches: list[Any]) -> torch.Tensor:
    """Cross entropy of all samples at once."""
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    return F.cross_entropy(model(x), y)


# ---------------------------------------------------------------------- small networks


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 3))


class Partial(nn.Module):
    """A frozen first layer, and a head that no output depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.unused = mlp(), nn.Linear(3, 2)
        self.inner[0].requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


class Waves(nn.Module):
    """Complex weights, some of them frozen, a complex buffer and complex data; the modulus is real.

    The bias comes first, so that no complex weight starts at an even place in the flat vector.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(3))
        self.filter = nn.Parameter(torch.randn(3, dtype=torch.complex64))
        self.mix = nn.Parameter(torch.randn(3, 3, dtype=torch.complex64))
        self.frozen = nn.Parameter(torch.randn(3, 3, dtype=torch.complex64), requires_grad=False)
        self.register_buffer("fixed", torch.randn(3, 3, dtype=torch.complex64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.tanh(x @ self.fixed * self.filter) @ self.mix
        return (x @ self.frozen).abs().square().log1p() + self.bias


class Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.inner(x)[0][:, -1])


WAVES = pairs(torch.complex(normal(13, 3), normal(13, 3, seed=3)), integers(3, 13), 5, 8)
VECTORS = pairs(normal(13, 4), integers(3, 13), 5, 8)
SERIES = pairs(normal(9, 6, 4), integers(3, 9), 2, 7)


# ---------------------------------------------------------------------- ResNet-20


class Block(nn.Module):
    """Two convolutions; the shortcut is option A: every second pixel, new channels are zero."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, skip: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride, self.new, self.skip = stride, outputs - inputs, skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.second(self.norm1(self.first(x)).relu()))
        if self.skip:
            shortcut = x[:, :, :: self.stride, :: self.stride]
            y = y + F.pad(shortcut, (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))
        return y.relu()


class ResNet20(nn.Module):
    """He et al. 2016 for CIFAR: 3 stages of 3 blocks, 20 layers with weights; a quarter of the channels."""

    def __init__(self, *, skip: bool, widths: tuple[int, ...] = (4, 8, 16)) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        blocks, inputs = [], widths[0]
        for stage, outputs in enumerate(widths):
            for number in range(3):
                stride = 2 if stage > 0 and number == 0 else 1
                blocks.append(Block(inputs, outputs, stride, skip=skip))
                inputs = outputs
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(inputs, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


IMAGES = pairs(normal(5, 3, 16, 16), integers(10, 5), 2, 3)


@functools.cache  # most of a test's time would go into the statistics
def resnet20(*, skip: bool) -> nn.Module:
    """With running statistics that are neither their defaults nor those of the data."""
    model = ResNet20(skip=skip).double()
    for seed in (5, 6):
        model(normal(8, 3, 16, 16, seed=seed))
    return model


def classified_by_batch(model: nn.Module, batches: list[Any]) -> torch.Tensor:
    """Cross entropy where a batch is more than its samples: BatchNorm may look at all of it."""
    total = sum(F.cross_entropy(model(x), y, reduction="sum") for x, y in batches)
    return total / sum(len(y) for _, y in batches)


# ---------------------------------------------------------------------- physics-informed network


class Field(nn.Module):
    """u(x, t)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.layers(torch.stack([x, t], dim=-1)).squeeze(-1)


SPEED = 3.0
TURN = 2 * torch.pi
POINTS = [
    {
        "x": TURN * torch.rand(n, dtype=D, generator=torch.Generator().manual_seed(n)),
        "t": torch.rand(n, dtype=D, generator=torch.Generator().manual_seed(n + 1)),
        "start": torch.linspace(0, TURN, m, dtype=D),
        "edge": torch.linspace(0, 1, m, dtype=D),
    }
    for n, m in ((7, 4), (12, 5))
]


def conditions(model: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Mean squares at the initial time, u(x, 0) = sin x, and of the jump at the periodic boundary."""
    x, t = batch["start"], batch["edge"]
    initial = model(x, torch.zeros_like(x)) - x.sin()
    jump = model(torch.zeros_like(t), t) - model(torch.full_like(t, TURN), t)
    return initial.square().mean() + jump.square().mean()


def convection(viscosity: float) -> Callable[[nn.Module, Any], tuple[torch.Tensor, float]]:
    """u_t + c u_x = ν u_xx by automatic differentiation inside the loss, as such networks are trained."""

    def batch_loss(model: nn.Module, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, float]:
        x, t = (batch[name].clone().requires_grad_(True) for name in ("x", "t"))
        u = model(x, t)
        u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
        residual = u_t + SPEED * u_x
        if viscosity:
            residual = residual - viscosity * torch.autograd.grad(u_x.sum(), x, create_graph=True)[0]
        return len(x) * (residual.square().mean() + conditions(model, batch)), len(x)

    return batch_loss


def convected(viscosity: float) -> Callable[[nn.Module, list[Any]], torch.Tensor]:
    """The same with torch.func's derivatives, sample by sample."""

    def value(model: nn.Module, batches: list[Any]) -> torch.Tensor:
        slopes = torch.func.grad(lambda x, t: model(x, t), argnums=(0, 1))
        curvature = torch.func.grad(lambda x, t: slopes(x, t)[0])

        def residual(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            u_x, u_t = slopes(x, t)
            return u_t + SPEED * u_x - (viscosity * curvature(x, t) if viscosity else 0.0)

        total = sum(
            torch.vmap(residual)(b["x"], b["t"]).square().sum() + len(b["x"]) * conditions(model, b)
            for b in batches
        )
        return total / sum(len(b["x"]) for b in batches)

    return value


# ---------------------------------------------------------------------- transformers


class Attention(nn.Module):
    """Pre-norm block around fused attention, with two heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        q, k, v = (
            part.unflatten(-1, (2, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1)
        )
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        x = x + self.dropout(self.out(seen.transpose(1, 2).flatten(2)))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    """A language model whose head is its embedding; causal, or with a boolean mask of what is seen."""

    def __init__(self, vocabulary: int = 7, length: int = 5, width: int = 4) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.block, self.norm = Attention(width), nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        x = self.block(x, None if mask is None else mask[:, None, None, :])
        return self.head(self.norm(x)).transpose(1, 2)  # classes second, as cross entropy wants them


IDS = integers(7, 7, 6)
TOKENS = pairs(IDS[:, :-1], torch.where(IDS[:, 1:] == 3, -100, IDS[:, 1:]), 2, 5)  # some are ignored
PRESENT = torch.arange(5) < torch.tensor([5, 3, 4, 2, 5, 4, 1])[:, None]
MASKED = [((ids, mask), target) for (ids, target), mask in zip(TOKENS, PRESENT.split((2, 5)), strict=True)]


def masked_tokens(model: nn.Module, batches: list[Any]) -> torch.Tensor:
    ids, masks, targets = (torch.cat(p) for p in zip(*((i, m, t) for (i, m), t in batches), strict=True))
    return F.cross_entropy(model(ids, masks), targets)


def gpt2() -> nn.Module:
    """GPT-2 of the transformers package with its default attention."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=11, n_positions=6, n_embd=4, n_layer=1, n_head=2, n_inner=6, bos_token_id=0,
            eos_token_id=0, initializer_range=0.5,
        )
    )  # fmt: skip


def texts() -> list[Any]:
    """Batches as a tokenizer makes them: mappings, padded on the right."""
    ids, lengths = integers(11, 7, 6), torch.tensor([6, 3, 5, 2, 6, 4, 5])
    mask = (torch.arange(6) < lengths[:, None]).long()
    labels = torch.where(mask == 1, ids, -100)
    parts = zip(ids.split((2, 5)), mask.split((2, 5)), labels.split((2, 5)), strict=True)
    return [UserDict(zip(("input_ids", "attention_mask", "labels"), part, strict=True)) for part in parts]


def next_tokens(model: nn.Module, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, float]:
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    target = batch["labels"][:, 1:]
    total = F.cross_entropy(logits.mT, target, reduction="sum", ignore_index=-100)
    return total, int((target != -100).sum())


def language(model: nn.Module, batches: list[Any]) -> torch.Tensor:
    """Mean over all predicted tokens of all texts; `outputs.loss` rounds the logits to float32 first."""
    whole = {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}
    logits = model(input_ids=whole["input_ids"], attention_mask=whole["attention_mask"]).logits
    texts, places = torch.nonzero(whole["labels"][:, 1:] != -100, as_tuple=True)
    logs = logits[texts, places].log_softmax(-1)
    return -logs.gather(1, whole["labels"][texts, places + 1][:, None]).mean()


# ---------------------------------------------------------------------- graphs and sets


class Messages(nn.Module):
    """Two rounds of messages along edges, then the sum over every graph's nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.send, self.keep, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, *, nodes: torch.Tensor, edges: torch.Tensor, graph: torch.Tensor) -> torch.Tensor:
        for _ in range(2):
            received = torch.zeros_like(nodes).index_add(0, edges[1], self.send(nodes)[edges[0]])
            nodes = F.softplus(self.keep(nodes) + received)
        return self.head(nodes.new_zeros(int(graph.max()) + 1, 4).index_add(0, graph, nodes))


def graphs() -> list[Any]:
    batches = []
    for seed, graph in ((1, [0, 0, 0, 1, 1]), (2, [0, 0, 1, 1, 1, 2, 2, 2, 2])):
        node = torch.tensor(graph)
        inside = (node[:, None] == node) & (normal(len(node), len(node), seed=seed) > -0.3)
        inputs = {"nodes": normal(len(node), 4, seed=seed), "edges": inside.nonzero().T, "graph": node}
        batches.append((inputs, integers(3, max(graph) + 1, seed=seed)))
    return batches


def graphs_classified(model: nn.Module, batches: list[Any]) -> torch.Tensor:
    total = sum(F.cross_entropy(model(**inputs), y, reduction="sum") for inputs, y in batches)
    return total / sum(len(y) for _, y in batches)


class Sets(nn.Module):
    """Deep sets: a function of the mean over the members that are present."""

    def __init__(self) -> None:
        super().__init__()
        self.member = nn.Sequential(nn.Linear(4, 5), nn.Tanh())
        self.whole = nn.Sequential(nn.Linear(5, 4), nn.SiLU(), nn.Linear(4, 1))

    def forward(self, members: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        weight = present.to(members.dtype)[..., None]
        return self.whole((self.member(members) * weight).sum(1) / weight.sum(1)).squeeze(-1)


SETS = [
    UserDict(
        members=normal(n, 5, 4, seed=n), present=integers(2, n, 5, seed=n) + torch.eye(n, 5).long() > 0,
        target=normal(n, seed=n + 1),
    )
    for n in (3, 5)
]  # fmt: skip


def set_loss(model: nn.Module, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, float]:
    error = model(batch["members"], batch["present"]) - batch["target"]
    return error.square().sum(), len(error)


def set_error(model: nn.Module, batches: list[Any]) -> torch.Tensor:
    members, present, target = (torch.cat([b[k] for b in batches]) for k in ("members", "present", "target"))
    return (model(members, present) - target).square().mean()  # mse_loss has no jvp under vmap


# ---------------------------------------------------------------------- the table


def compiled() -> nn.Module:
    """Traced by torch.compile, forward and backward, without a C++ compiler."""
    return torch.compile(mlp(), backend="aot_eager")


CE = nn.CrossEntropyLoss()
TYPES = (
    ("float64", D, {}),
    ("float32", torch.float32, {}),
    ("float32 in float64", torch.float32, {"dtype": D}),
    ("bfloat16", torch.bfloat16, {}),
    ("bfloat16 in bfloat16", torch.bfloat16, {"dtype": torch.bfloat16}),
)

CASES = (
    *(
        Case(f"{name} {label}", seeded(make), data, CE, classified, kwargs=options, dtype=dtype)
        for name, make, data, types in (
            ("mlp", mlp, VECTORS, TYPES),
            ("transformer", Transformer, TOKENS, TYPES),
            ("complex weights", Waves, WAVES, TYPES[:3]),  # there is no complex bfloat16
        )
        for label, dtype, options in types
    ),
    *(
        Case(
            f"resnet20 {'with' if skip else 'without'} skips, batchnorm {policy}",
            seeded(lambda skip=skip: copy.deepcopy(resnet20(skip=skip))), IMAGES, CE, classified_by_batch,
            kwargs={"batchnorm": policy}, roundings=1024, dense=False, functional=False,
        )
        for skip in (True, False)
        for policy in ("eval", "batch", "recalibrate")
    ),
    Case("pinn convection", seeded(Field), POINTS, convection(0.0), convected(0.0), of_batch=True),
    Case("pinn with diffusion", seeded(Field), POINTS, convection(0.1), convected(0.1), of_batch=True),
    Case("transformer with a boolean mask", seeded(Transformer), MASKED, CE, masked_tokens),
    Case("gpt2", seeded(gpt2), texts(), next_tokens, language, of_batch=True, functional=False),
    Case("lstm", seeded(Lstm), SERIES, CE, classified),
    Case("graphs", seeded(Messages), graphs(), CE, graphs_classified),
    Case("sets", seeded(Sets), SETS, set_loss, set_error, of_batch=True),
    Case("frozen and unused parameters", seeded(Partial), VECTORS, CE, classified),
    Case("compiled", seeded(compiled), VECTORS, CE, classified),
)  # fmt: skip
