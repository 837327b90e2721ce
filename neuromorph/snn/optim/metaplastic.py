"""The metaplastic optimiser: Adam or SGD whose steps towards a sign switch are damped by the size of the hidden weight.

g    <- gradient + wd W_h                              (coupled decay, as published; decoupled: W_h <- W_h - lr wd W_h)
adam:  mu <- b1 mu + (1 - b1) g;  nu <- b2 nu + (1 - b2) g^2   (variance "layer": the mean of g^2 over the tensor)
       step = lr mu / (1 - b1^t) / (sqrt(nu / (1 - b2^t)) + eps)
sgd:   mu <- momentum mu + g;     step = lr mu
W_h  <- W_h - step f     where sign(W_h) mu > 0 (the step would shrink |W_h|),   W_h <- W_h - step   elsewhere
f    = 1 - tanh^2(m |W_h|) = 4 e / (1 + e)^2,  e = exp(-2 m |W_h|);   relative: m / mean|W_h| in place of m
levels > 2: W_h - b in place of W_h in the condition and in f, b the nearest boundary of two levels, m in units of
       2 / (distance of two levels); levels from -reach to reach, boundaries half-way between

Source: Laborieux, Ernoult, Hirtzlin, Querlioz 2021, Nat Commun 12:2549, and the authors' ``Adam_meta``; the condition
uses the momentum mu, as there. eps stands where PyTorch has it, so that m = 0 is ``torch.optim.Adam``; the authors add
it before the bias correction of nu, which ``published_eps`` does (it matters for gradients near eps / sqrt(1 - b2) and
below). ``relative``, the layer's variance and decoupled decay are ours. Levels are a *reconstruction* of D'Agostino et
al. 2023 (arXiv:2306.12142), whose metaplastic function is defined on the intervals between them. m is in
units of 1/|W_h|: hidden weights drift by about lr per consistent step, so the longer the training, the smaller the m
(1.35 for 40 epochs of MNIST); relative m has no unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuromorph.snn.compiling import run_compiled
from neuromorph.snn.optim.adam import adam_move, bias_corrections
from neuromorph.snn.optim.checked import CheckedOptimizer, check_variance
from neuromorph.snn.optim.large import flat, in_parts, mean_size


class Rule(NamedTuple):
    """What a compiled update is specialised to.

    ``decay``: coupled; ``shrinks``: decoupled decay is on.
    """

    adam: bool
    betas: tuple[float, float]
    momentum: float
    decay: float
    shrinks: bool
    damped: bool
    levels: int = 2
    reach: float = 1.0


class Job(NamedTuple):
    """One parameter's update: tensors changed in place, and what varies from step to step.

    ``first``, ``second``: mu and nu, None where the rule has none. ``numbers``: step size, sqrt(1 - b2^t), eps, the
    factor of decoupled decay. ``scale``: m, 0 for a bias, a tensor where it is relative.
    """

    hidden: Tensor
    grad: Tensor
    first: Tensor | None
    second: Tensor | None
    numbers: tuple[float, float, float, float]
    scale: float | Tensor
    rule: Rule


class Metaplastic(CheckedOptimizer):
    """Metaplastic steps for hidden weights; biases and other one-dimensional parameters take ordinary steps.

    ``params``: tensors or parameter groups; a group may have its own value of every option below.
    ``m``: metaplasticity; 0 is ``torch.optim.Adam`` or ``torch.optim.SGD`` (a plain binarized network).
    ``relative``: m is in units of 1 / mean|W_h| of the same tensor before the step, so it needs no tuning to the
    length of training. ``variance``: "weight" divides each step by that weight's own root-mean-square gradient, so that
    weights of no importance move as far as the others; "layer" divides by the tensor's, and keeps one number in place
    of one a synapse. ``rule``: "adam", or "sgd" with ``momentum``. ``weight_decay``: added to the gradient, so that a
    protected weight is protected from it too; ``decoupled``: subtracted apart and never damped.
    ``levels``, ``reach``: of quantised weights (``snn.memristor``); with 2 levels the published rule.
    ``compiled``: the whole update as one kernel by ``torch.compile``; where no compiler works, that is said once, and
    the update runs as it is. ``foreach`` is taken for the sake of torch's signature; the steps are the same.

    A ``torch.amp.GradScaler`` needs nothing special: ``scaler.step`` unscales the gradients and skips a step with an
    infinite one. Learning rates follow ``torch.optim.lr_scheduler``; the state of ``torch.optim.Adam`` can be loaded.
    Raises ValueError for a negative or NaN number, betas outside [0, 1), an unknown rule, complex parameters, and, at
    a step, sparse gradients.
    """

    numbers = ("lr", "m", "eps", "weight_decay", "momentum")

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.005,
        m: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        rule: str = "adam",
        momentum: float = 0.0,
        relative: bool = False,
        variance: str = "weight",
        decoupled: bool = False,
        published_eps: bool = False,
        levels: int = 2,
        reach: float = 1.0,
        foreach: bool | None = None,
        compiled: bool = False,
    ):
        numbers = {"lr": lr, "m": m, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        choices = {"rule": rule, "relative": relative, "variance": variance, "decoupled": decoupled}
        choices |= {"published_eps": published_eps, "levels": levels, "reach": reach}
        super().__init__(params, {**numbers, **choices, "foreach": foreach, "compiled": compiled})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; raises ValueError as the class does."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        if group["rule"] not in ("adam", "sgd"):
            raise ValueError(f"rule must be 'adam' or 'sgd', got {group['rule']!r}")
        check_variance(group["variance"])
        if group["levels"] < 2 or not group["reach"] > 0 or (group["levels"] > 2 and group["relative"]):
            raise ValueError(
                f"levels must be at least 2 and reach positive, and m cannot be relative with more than 2 levels, got "
                f"levels={group['levels']}, reach={group['reach']}, relative={group['relative']}"
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # a state saved by torch.optim.Adam lacks our options
            for name in self.defaults.keys() - {"differentiable"}:  # which torch adds by itself
                group.setdefault(name, self.defaults[name])

    def _update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        for job in [self._job(p, group) for p in params]:
            _run(job, group["compiled"])

    def _job(self, hidden: Tensor, group: dict[str, Any]) -> Job:
        state, adam, (b1, b2), lr = self.state[hidden], group["rule"] == "adam", group["betas"], float(group["lr"])
        shared = adam and group["variance"] == "layer" and hidden.dim() > 0
        if not state:
            state["step"] = torch.tensor(0.0)
            names = ("exp_avg", "exp_avg_sq") if adam else ("momentum_buffer",) * bool(group["momentum"])
            state.update({n: torch.zeros_like(hidden, memory_format=torch.preserve_format) for n in names})
            if shared:
                state["exp_avg_sq"] = hidden.new_zeros(())
        state["step"] += 1
        t = state["step"].item()
        size, root, eps = bias_corrections(group, t, group["published_eps"]) if adam else (lr, 1.0, group["eps"])
        assert hidden.grad is not None
        grad, decay = hidden.grad, float(group["weight_decay"])
        scale: float | Tensor = float(group["m"]) if hidden.dim() > 1 else 0.0
        if group["levels"] > 2:
            scale *= (group["levels"] - 1) / group["reach"]
        if group["relative"] and group["m"]:
            mean = mean_size(hidden, False, group["compiled"])
            scale = scale / mean.clamp_min(torch.finfo(mean.dtype).tiny)
        shrinks = bool(decay) and group["decoupled"]
        coupled = 0.0 if shrinks else decay
        first, second = state.get("exp_avg" if adam else "momentum_buffer"), state.get("exp_avg_sq")
        if shared:  # nu is needed before the update of the parts; the decayed gradient is then at hand
            grad, coupled = grad.add(hidden, alpha=coupled) if coupled else grad, 0.0
            second.lerp_(mean_size(grad, True, group["compiled"]), 1 - b2)
        levels = (group["levels"], float(group["reach"]))
        rule = Rule(adam, (b1, b2), group["momentum"], coupled, shrinks, bool(group["m"]), *levels)
        return Job(hidden, grad, first, second, (size, root, eps, 1 - lr * decay), scale, rule)


def _update(hidden: Tensor, grad: Tensor, first: Any, second: Any, numbers: Any, scale: Any, rule: Rule) -> None:
    """The equations of the module's head for one tensor; ``numbers`` and ``scale`` may be floats or 0-dim tensors."""
    size, root, eps, keep = numbers
    if rule.decay:
        grad = grad.add(hidden, alpha=rule.decay)
    if rule.shrinks:
        hidden.mul_(keep)
    if rule.adam:
        move = adam_move(grad, first, second, rule.betas, size, root, eps)
    else:
        move = (first.mul_(rule.momentum).add_(grad) if rule.momentum else grad) * size
    if rule.damped:
        past = hidden if rule.levels == 2 else hidden - nearest_boundary(hidden, rule.levels, rule.reach)
        e = (past.abs() * (-2 * scale)).exp_()
        damping = e * 4 / (1 + e).square_()
        move = torch.where((past > 0) == (move > 0), move * damping, move)  # at 0 it makes no difference
    hidden.sub_(move)


def nearest_boundary(hidden: Tensor, levels: int, reach: float) -> Tensor:
    """The boundary of two levels that is nearest to each number.

    >>> nearest_boundary(torch.tensor([-9.0, -0.2, 0.4]), 3, 1.0).tolist()
    [-0.5, -0.5, 0.5]
    """
    step = 2 * reach / (levels - 1)
    k = ((hidden + reach) / step - 0.5).round_().clamp_(0, levels - 2)
    return (k + 0.5) * step - reach


def _run(job: Job, compiled: bool) -> None:
    """``_update``: in parts, or as one kernel for tensors of any size."""
    tensors = [job.hidden, job.grad, job.first, job.second]
    update = partial(_update, numbers=job.numbers, scale=job.scale, rule=job.rule)
    if not compiled:
        return in_parts(update, tensors)
    # Numbers as tensors: a kernel would be specialised to a float and compiled anew at every step.
    dtype = torch.promote_types(job.hidden.dtype, torch.float32)
    one = partial(torch.full, (), device=job.hidden.device, dtype=dtype)
    scale = job.scale if isinstance(job.scale, Tensor) else one(job.scale)
    arguments = *flat(tensors), [one(number) for number in job.numbers], scale
    run_compiled(_update, job.rule, lambda: in_parts(update, tensors), *arguments, bound=(job.rule,))
