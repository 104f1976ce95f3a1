"""Directions of descent: the negative gradient, and the one that Adam makes of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from nblandscape.replica import as_reals
from nblandscape.subspace.hessian import eigenvector_label
from nblandscape.subspace.randomized import random_rows
from nblandscape.subspace.subspace import Beside, Given, Subspace, flatten_direction

if TYPE_CHECKING:
    from nblandscape.objective import Objective


def gradient_subspace(objective: "Objective", beside: Beside, orthogonal: bool, seed: int) -> Subspace:
    """See `Subspace.gradient`."""
    slope = objective.gradient().to(torch.float64)
    size = float(slope.norm())
    if size == 0:
        raise ValueError("The gradient is zero: this is a critical point. Use Subspace.hessian there.")
    about = {"kind": "gradient", "gradient_norm": size}
    return _with_partner(objective, -slope, "−∇L", about, beside, orthogonal, seed)


def adam_subspace(
    objective: "Objective",
    optimizer: torch.optim.Optimizer | Mapping[str, Any],
    beside: Beside,
    momentum: bool,
    names: Sequence[str] | None,
    orthogonal: bool,
    seed: int,
) -> Subspace:
    """See `Subspace.adam`."""
    states = _states(objective, optimizer, names)
    slopes = objective.unflatten(objective.gradient())
    parts, bare = [], []
    for name in objective.parameter_names:
        slope = as_reals(slopes[name]).to(torch.float64)
        found = states.get(name)
        if found is None:
            if bool(slope.any()):
                bare.append(name)
            parts.append(torch.zeros_like(slope))
            continue
        state, group = found
        parts.append(-_preconditioned(slope, state, group, momentum))
    if bare:
        raise ValueError(
            f"The optimizer holds no second moments for {bare[:3]} ({len(bare)} parameters), which have a "
            "gradient. Take the optimizer of this model after some steps, or analyse its parameters only."
        )
    direction = torch.cat(parts)
    if not bool(direction.any()):
        raise ValueError("Adam's direction is zero: this is a critical point. Use Subspace.hessian there.")
    about = {"kind": "adam", "momentum": momentum, "step_norm": float(direction.norm())}
    label = "−m/√v" if momentum else "−∇L/√v"
    return _with_partner(objective, direction, label, about, beside, orthogonal, seed)


def _preconditioned(
    slope: torch.Tensor, state: Mapping[str, Any], group: Mapping[str, Any], momentum: bool
) -> torch.Tensor:
    """The numerator over sqrt(v) + eps, both moments corrected for their start at zero (Kingma & Ba 2015)."""
    step = float(state["step"])
    first_decay, second_decay = (float(b) for b in group["betas"])
    second = state["max_exp_avg_sq"] if group.get("amsgrad") else state["exp_avg_sq"]
    corrected = as_reals(second).to(slope) / (1 - second_decay**step)
    top = as_reals(state["exp_avg"]).to(slope) / (1 - first_decay**step) if momentum else slope
    return torch.as_tensor(top / (corrected.sqrt() + float(group["eps"])))


def _states(
    objective: "Objective",
    optimizer: torch.optim.Optimizer | Mapping[str, Any],
    names: Sequence[str] | None,
) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """State and options of each parameter by its name."""
    saved = optimizer.state_dict() if isinstance(optimizer, torch.optim.Optimizer) else optimizer
    if not (isinstance(saved, Mapping) and {"state", "param_groups"} <= set(saved)):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}; "
            "pass a torch.optim.Adam or AdamW, or its state_dict()."
        )
    groups = saved["param_groups"]
    order = [number for group in groups for number in group["params"]]
    known = list(names) if names is not None else _names(objective, optimizer, groups, len(order))
    if len(known) != len(order):
        raise ValueError(f"{len(known)} names for the {len(order)} parameters of the optimizer.")
    group_of = {number: group for group in groups for number in group["params"]}
    shapes = {name: value.shape for name, value in objective.unflatten(objective.origin()).items()}
    found = {}
    for name, number in zip(known, order, strict=True):
        state = saved["state"].get(number)
        if name not in shapes or not state:
            continue
        if "exp_avg_sq" not in state:
            raise ValueError(f"The optimizer's state of {name} holds {sorted(state)}: it is not Adam's.")
        if state["exp_avg_sq"].shape != shapes[name]:
            raise ValueError(
                f"The optimizer's state of {name} has shape {tuple(state['exp_avg_sq'].shape)}; expected "
                f"{tuple(shapes[name])}. Pass names=, the parameters' names in the optimizer's order."
            )
        found[name] = (state, group_of[number])
    return found


def _names(
    objective: "Objective",
    optimizer: torch.optim.Optimizer | Mapping[str, Any],
    groups: Sequence[Mapping[str, Any]],
    count: int,
) -> list[str]:
    """Names of the optimizer's parameters, in its order."""
    if all("param_names" in group for group in groups):
        return [name for group in groups for name in group["param_names"]]
    model = objective._user()  # the parameters that the optimizer moves are the user's own
    if isinstance(optimizer, torch.optim.Optimizer) and model is not None:
        name_of = {id(p): name for name, p in model.named_parameters()}
        own = [name_of.get(id(p), "") for group in optimizer.param_groups for p in group["params"]]
        if any(own):
            return own
    everything = [name for name, _ in objective._snapshot.shell.named_parameters()]
    for candidate in (objective.parameter_names, everything):
        if len(groups) == 1 and len(candidate) == count:
            return candidate
    raise ValueError(
        f"The optimizer's {count} parameters in {len(groups)} groups can't be matched to names. Pass the "
        "optimizer of the objective's own model, or names=, its parameters' names in the optimizer's order."
    )


def _with_partner(
    objective: "Objective",
    first: torch.Tensor,
    label: str,
    about: dict[str, Any],
    beside: Beside,
    orthogonal: bool,
    seed: int,
) -> Subspace:
    """A unit direction, alone or with a second one."""
    rows, labels = [first / first.norm()], [label]
    if beside is not None:
        second, name = _partner(objective, beside, seed)
        length = float(second.norm())
        if not 0 < length < float("inf"):
            raise ValueError(f"The second direction ({name}) has length {length}.")
        second = second / length
        if orthogonal:
            for _ in range(2):  # twice is enough
                second = second - rows[0] * (rows[0] @ second)
            left = float(second.norm())
            if left < 1e-6:
                raise ValueError(f"The second direction ({name}) is parallel to {label}.")
            second = second / left
        rows.append(second)
        labels.append(name)
    if isinstance(beside, str):
        about["seed"] = seed
    about["orthogonal"] = orthogonal
    return Subspace(
        objective.origin(), torch.stack(rows).to(objective.dtype), tuple(labels), provenance=about
    )


def _partner(objective: "Objective", beside: Given, seed: int) -> tuple[torch.Tensor, str]:
    if isinstance(beside, str):
        if beside != "random":
            raise ValueError(f'beside={beside!r}; use "random", a Spectrum, or a direction.')
        row = random_rows(1, objective.num_parameters, "normal", seed)[0]
        return row.to(objective.device, torch.float64), "random"
    if isinstance(beside, (torch.Tensor, Mapping)):
        return flatten_direction(objective, beside, 1).to(torch.float64), "direction 2"
    row = flatten_direction(objective, beside.vectors[0], 1)
    return row.to(torch.float64), eigenvector_label(0, float(beside.values[0]))
