"""The metaplastic optimiser: Adam or SGD whose steps towards a sign switch are damped by the size of the hidden weight.

g    <- gradient + wd W_h                              (coupled decay, as published; decoupled: W_h <- W_h - lr wd W_h)
adam:  mu <- b1 mu + (1 - b1) g;  nu <- b2 nu + (1 - b2) g^2   (variance "layer": the mean of g^2 over the tensor)
       step = lr mu / (1 - b1^t) / (sqrt(nu / (1 - b2^t)) + eps)
sgd:   mu <- momentum mu + g;     step = lr mu
W_h  <- W_h - step f     where sign(W_h) mu > 0 (the step would shrink |W_h|),   W_h <- W_h - step   elsewhere
f    = 1 - tanh^2(m |W_h|) = 4 e / (1 + e)^2,  e = exp(-2 m |W_h|);   relative: m / mean|W_h| in place of m

Source: Laborieux, Ernoult, Hirtzlin, Querlioz 2021, Nat Commun 12:2549, and the authors' ``Adam_meta``; the condition
uses the momentum mu, as there. eps stands where PyTorch has it, so that m = 0 is ``torch.optim.Adam``; the authors add
it before the bias correction of nu, which ``published_eps`` does (it matters for gradients near eps / sqrt(1 - b2) and
below). ``relative``, the layer's variance and decoupled decay are ours. m is in units of 1/|W_h|: hidden weights drift
by about lr per consistent step, so the longer the training, the smaller the m (1.35 for 40 epochs of MNIST); relative m
has no unit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from types import FunctionType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuromorph.snn.optim.adam import CheckedOptimizer, check_variance

PART = 2**18  # numbers of a tensor at a time: 1 MiB of float32


class Rule(NamedTuple):
    """What a compiled update is specialised to.

    ``decay``: coupled; ``shrinks``: decoupled decay is on; ``shared``: nu is one number, already up to date.
    """

    adam: bool
    betas: tuple[float, float]
    momentum: float
    decay: float
    shrinks: bool
    damped: bool
    shared: bool


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
    ``foreach``: all tensors in one call of each operation (default: on CUDA). ``compiled``: the whole update as one
    kernel by ``torch.compile``; where no compiler works, a warning, and the update as it is.

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
        foreach: bool | None = None,
        compiled: bool = False,
    ):
        numbers = {"lr": lr, "m": m, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        choices = {"rule": rule, "relative": relative, "variance": variance, "decoupled": decoupled}
        choices["published_eps"] = published_eps
        super().__init__(params, {**numbers, **choices, "foreach": foreach, "compiled": compiled})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; raises ValueError as the class does."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        if group["rule"] not in ("adam", "sgd"):
            raise ValueError(f"rule must be 'adam' or 'sgd', got {group['rule']!r}")
        check_variance(group["variance"])

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # a state saved by torch.optim.Adam lacks our options
            for name in self.defaults.keys() - {"differentiable"}:  # which torch adds by itself
                group.setdefault(name, self.defaults[name])

    def _update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        jobs = [self._job(p, group) for p in params]
        if group["compiled"]:
            for job in jobs:
                _update_compiled(job)
        elif jobs and (group["foreach"] or (group["foreach"] is None and all(p.is_cuda for p in params))):
            _update_all(jobs)
        else:
            for job in jobs:
                _update_in_parts(job)

    def _job(self, hidden: Tensor, group: dict[str, Any]) -> Job:
        state, adam, (b1, b2), lr = self.state[hidden], group["rule"] == "adam", group["betas"], float(group["lr"])
        shared = adam and group["variance"] == "layer"
        if not state:
            state["step"] = torch.tensor(0.0)
            names = ("exp_avg", "exp_avg_sq") if adam else ("momentum_buffer",) * bool(group["momentum"])
            state.update({n: torch.zeros_like(hidden, memory_format=torch.preserve_format) for n in names})
            if shared:
                state["exp_avg_sq"] = hidden.new_zeros(())
        state["step"] += 1
        t = state["step"].item()
        size, root, eps = lr, 1.0, group["eps"]
        if adam:
            size, root = lr / (1 - b1**t), (1 - b2**t) ** 0.5
            eps = eps / root if group["published_eps"] else eps
        assert hidden.grad is not None
        grad, decay = hidden.grad, float(group["weight_decay"])
        scale: float | Tensor = float(group["m"]) if hidden.dim() > 1 else 0.0
        if group["relative"] and group["m"]:
            mean = _mean(hidden, False, group["compiled"])
            scale = scale / mean.clamp_min(torch.finfo(mean.dtype).tiny)
        shrinks = bool(decay) and group["decoupled"]
        coupled = 0.0 if shrinks else decay
        first, second = state.get("exp_avg" if adam else "momentum_buffer"), state.get("exp_avg_sq")
        if shared:  # nu is needed before the update of the parts; the decayed gradient is then at hand
            grad, coupled = grad.add(hidden, alpha=coupled) if coupled else grad, 0.0
            second.lerp_(_mean(grad, True, group["compiled"]), 1 - b2)
        rule = Rule(adam, (b1, b2), group["momentum"], coupled, shrinks, bool(group["m"]), shared)
        return Job(hidden, grad, first, second, (size, root, eps, 1 - lr * decay), scale, rule)


def _update(hidden: Tensor, grad: Tensor, first: Any, second: Any, numbers: Any, scale: Any, rule: Rule) -> None:
    """The equations of the module's head for one tensor; ``numbers`` and ``scale`` may be floats or 0-dim tensors."""
    size, root, eps, keep = numbers
    if rule.decay:
        grad = grad.add(hidden, alpha=rule.decay)
    if rule.shrinks:
        hidden.mul_(keep)
    if rule.adam:
        first.lerp_(grad, 1 - rule.betas[0])
        if rule.shared:
            move = first * (size / (second.sqrt() / root + eps))
        else:
            second.mul_(rule.betas[1]).addcmul_(grad, grad, value=1 - rule.betas[1])
            move = (first * size).div_((second.sqrt() / root).add_(eps))
    else:
        move = (first.mul_(rule.momentum).add_(grad) if rule.momentum else grad) * size
    if rule.damped:
        e = (hidden.abs() * (-2 * scale)).exp_()
        damping = e * 4 / (1 + e).square_()
        move = torch.where((hidden > 0) == (move > 0), move * damping, move)  # at 0 it makes no difference
    hidden.sub_(move)


def _flat(job: Job) -> list[Any]:
    """The job's tensors with all dimensions in one, where they lie in one piece."""
    tensors: list[Any] = [job.hidden, job.grad, job.first, job.second]
    whole = all(t is None or t.is_contiguous() for t in tensors)
    return [t if t is None or t.dim() == 0 else t.view(-1) for t in tensors] if whole else tensors


def _update_in_parts(job: Job) -> None:
    """``_update`` in parts that stay in a CPU's cache, where it is three times as fast; the bits are the same."""
    tensors, count = _flat(job), job.hidden.numel()
    if job.hidden.is_cuda or count <= PART or tensors[0].dim() > 1:
        return _update(*job)
    for start in range(0, count, PART):
        a, b, c, d = (t if t is None or t.dim() == 0 else t[start : start + PART] for t in tensors)
        _update(a, b, c, d, job.numbers, job.scale, job.rule)


def _update_all(jobs: list[Job]) -> None:
    """``_update`` of many tensors under one rule, a call of each operation for all."""
    rule, each = jobs[0].rule, torch._foreach_mul
    columns: Any = [list(column) for column in zip(*jobs, strict=True)]
    hidden, grads, first, second, numbers, scales, _ = columns
    sizes, roots, epsilons, keeps = map(list, zip(*numbers, strict=True))
    if rule.decay:
        grads = torch._foreach_add(grads, hidden, alpha=rule.decay)
    if rule.shrinks:
        torch._foreach_mul_(hidden, keeps)
    if rule.adam:
        torch._foreach_lerp_(first, grads, 1 - rule.betas[0])
        if not rule.shared:
            torch._foreach_mul_(second, rule.betas[1])
            torch._foreach_addcmul_(second, grads, grads, 1 - rule.betas[1])
        below = torch._foreach_sqrt(second)
        torch._foreach_div_(below, roots)
        torch._foreach_add_(below, epsilons)
        moves = each(first, sizes)
        torch._foreach_div_(moves, below)
    else:
        if rule.momentum:
            torch._foreach_mul_(first, rule.momentum)
            torch._foreach_add_(first, grads)
        moves = each(first if rule.momentum else grads, sizes)
    if rule.damped:
        e = each(torch._foreach_abs(hidden), [-2 * scale for scale in scales])
        torch._foreach_exp_(e)
        square = torch._foreach_add(e, 1.0)
        torch._foreach_mul_(square, square)
        damping = torch._foreach_div(each(e, 4.0), square)
        damped = zip(hidden, moves, each(moves, damping), strict=True)
        moves = tuple(torch.where((h > 0) == (move > 0), less, move) for h, move, less in damped)
    torch._foreach_sub_(hidden, moves)


def _row_sums(rows: Tensor, squared: bool) -> Tensor:
    return (rows.square() if squared else rows.abs()).sum(1)


def _mean(tensor: Tensor, squared: bool, compiled: bool) -> Tensor:
    """Mean of |x| or of x^2. A row is summed by one thread, so that the bits do not depend on their number."""
    rows = tensor.flatten(1).contiguous() if tensor.dim() > 1 else tensor.view(1, -1)

    def in_parts() -> Tensor:
        count = len(rows) if rows.is_cuda else PART // max(1, rows.shape[1])
        return torch.cat([_row_sums(part, squared) for part in rows.split(max(1, count))])

    compiled = compiled and tensor.numel() > PART  # smaller ones are quick as they are
    sums = _run_compiled(_row_sums, (squared,), in_parts, rows) if compiled else in_parts()
    return sums.sum() / tensor.numel()


@lru_cache(maxsize=64)
def _kernel(function: FunctionType, case: tuple[Any, ...]) -> Callable[..., Any]:
    # Torch counts compilations by code object and gives up after eight: each case gets a code object of its own.
    code = function.__code__.replace(co_name=f"{function.__name__}_{hash(case)}")
    return torch.compile(FunctionType(code, globals(), argdefs=case), dynamic=True)


_compilers_fail: list[str] = []  # devices where compiling has failed: it is tried once


def _run_compiled(function: Any, case: tuple[Any, ...], otherwise: Callable[[], Any], first: Tensor, *more: Any) -> Any:
    """``function(first, *more, *case)`` as one kernel; where compiling fails, a warning, and ``otherwise()``."""
    device = first.device.type
    if first.numel() <= 1 or device in _compilers_fail:  # torch makes a kernel of its own for one number
        return otherwise()
    try:
        return _kernel(function, case)(first, *more)
    except (RuntimeError, ImportError, OSError) as error:  # raised before the kernel touches a tensor
        _compilers_fail.append(device)
        kind = type(error).__name__
        warnings.warn(f"torch.compile does not work here ({kind}): the optimiser runs uncompiled.", stacklevel=5)
        return otherwise()


def _update_compiled(job: Job) -> None:
    """``_update`` as one kernel for tensors of any size."""
    # Numbers as tensors: a kernel would be specialised to a float and compiled anew at every step.
    like: dict[str, Any] = {
        "device": job.hidden.device,
        "dtype": torch.promote_types(job.hidden.dtype, torch.float32),
    }
    numbers = [torch.full((), number, **like) for number in job.numbers]
    scale = job.scale if isinstance(job.scale, Tensor) else torch.full((), job.scale, **like)
    _run_compiled(_update, (job.rule,), lambda: _update_in_parts(job), *_flat(job), numbers, scale)
