"""An ``nn.Module`` of snnTorch as a graph, found by running it once and following what its spikes go through.

Hooks note every layer and neuron that is called, a torch function mode what happens to their tensors in between
(reshaping, sums, factors), so that a class with a loop over time of its own needs no change. A neuron that is given
spikes of its call before is recurrent. The module keeps its parameters, its hidden states and its training mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import snntorch
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from neuromorph.importers.graph import INPUT
from neuromorph.importers.maps import Convolution, Full, Pool, Reshape, Scale
from neuromorph.snn.neuron import ChipLeaky

RESHAPING = {"view", "reshape", "flatten", "squeeze", "unsqueeze", "contiguous", "float", "to", "clone", "detach"}
RESHAPING |= {"dropout", "requires_grad_", "type", "double"}
COLLECTING = {"stack", "cat", "append"}


class Leaf(NamedTuple):
    """A layer as it was called: its name, itself, and a tensor in and out."""

    name: str
    module: nn.Module
    x: Tensor
    y: Tensor


class Term(NamedTuple):
    """Spikes of ``source`` in its call ``call``, through ``maps``: ``Leaf`` or maps of ``maps.py``."""

    source: str
    call: int
    maps: tuple[Any, ...]


class Call(NamedTuple):
    """One call of a neuron: what it was given, or why that is unknown."""

    number: int
    terms: tuple[Term, ...] | str
    shape: tuple[int, ...]


class Recorder(TorchFunctionMode):
    """What was called, in order; ``calls`` by neuron."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.kept: dict[int, tuple[Tensor, tuple[Term, ...] | str]] = {}
        self.calls: dict[str, list[Call]] = {}
        self.inside, self.indexed = 0, False
        self.input = x
        self.set(x, (Term(INPUT, 0, ()),))

    def set(self, tensor: Tensor, terms: tuple[Term, ...] | str) -> None:
        """Remember where ``tensor`` comes from, and it, so that no other takes its id."""
        self.kept[id(tensor)] = (tensor, terms)

    def get(self, tensor: Any) -> tuple[Term, ...] | str | None:
        """Where ``tensor`` comes from; None for what has nothing to do with spikes or input."""
        found = self.kept.get(id(tensor))
        return found[1] if found is not None else None

    def layer(self, name: str, module: nn.Module, x: Tensor, y: Any) -> None:
        """A layer or neuron has made ``y`` of ``x``."""
        if isinstance(module, snntorch.SpikingNeuron):
            given = self.get(x)
            calls = self.calls.setdefault(name, [])
            calls.append(Call(len(calls), () if given is None else given, tuple(x.shape[1:])))
            spk, *states = y if isinstance(y, tuple) else (y,)
            self.set(spk, (Term(name, len(calls) - 1, ()),))
            for state in states:
                if id(state) != id(spk):
                    self.set(state, f"a state of {name}")
        elif isinstance(y, Tensor):
            self.followed(x, y, Leaf(name, module, x, y))

    def followed(self, x: Tensor, y: Tensor, *maps: Any) -> None:
        """``y`` is ``maps`` of ``x``; the second of several sources goes without their bias."""
        terms = self.get(x)
        if isinstance(terms, tuple):
            terms = tuple(Term(one.source, one.call, (*one.maps, *maps)) for one in terms)
        if terms is not None:
            self.set(y, terms)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        y = func(*args, **(kwargs or {}))
        if not self.inside and isinstance(y, Tensor):
            self._note(getattr(func, "__name__", str(func)), args, kwargs or {}, y)
        return y

    def _note(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], y: Tensor) -> None:
        flat = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else [arg])]
        known = [one for one in flat if self.get(one) is not None]
        if not known or id(y) in self.kept:
            return
        x, other = known[0], [one for one in args if self.get(one) is None]
        name = name.strip("_")
        if name in RESHAPING:
            same = len(y) == len(x) if y.dim() and x.dim() else False
            self.followed(x, y, *([Reshape(tuple(y.shape[1:]))] if same and y.shape != x.shape else []))
            if not same:
                self.set(y, f"a {name} that changes the batch, from {tuple(x.shape)} to {tuple(y.shape)}")
        elif name == "getitem" and x is self.input:
            self.indexed = True
            self.set(y, (Term(INPUT, 0, ()),))
        elif name in COLLECTING:
            self.set(y, self.get(known[-1]) if name == "stack" else "torch.cat")  # type: ignore[arg-type]
        elif name in ("add", "radd", "iadd") and not kwargs:
            self._add(known, other, y)
        elif name in ("mul", "rmul", "imul", "truediv", "div") and len(known) == 1 and args[0] is x or name == "rmul":
            factor = torch.as_tensor(other[0]).float() if other else None
            if factor is None:
                self.set(y, f"a product of spikes ({name})")
            else:
                self.followed(x, y, Scale(1 / factor if name in ("truediv", "div") else factor))
        elif name == "linear":
            self.followed(x, y, Full(args[1].detach().float(), _or_none([*args, None], kwargs)))
        elif name == "conv2d" and not kwargs and len(args) <= 3:
            self.followed(x, y, Convolution(args[1].detach().float(), _or_none([*args, None], kwargs)))
        elif name == "avg_pool2d" and not set(kwargs) - {"stride"} and len(args) <= 3:
            kernel = _both(args[1])
            stride = args[2] if len(args) > 2 else kwargs.get("stride", kernel)
            self.followed(x, y, Pool(kernel, _both(kernel if stride is None else stride), True))
        else:
            self.set(y, f"torch.{name}")

    def _add(self, known: list[Tensor], other: list[Any], y: Tensor) -> None:
        terms: tuple[Term, ...] = ()
        for one in known:
            given = self.get(one)
            if isinstance(given, str):
                self.set(y, given)
                return
            terms += given or ()
        if len(known) == 1 and other and torch.as_tensor(other[0]).any():
            shift = Scale(torch.tensor(1.0), torch.as_tensor(other[0]).detach().float())
            terms = (Term(terms[0].source, terms[0].call, (*terms[0].maps, shift)), *terms[1:])
        self.set(y, terms)


def _or_none(args: list[Any], kwargs: dict[str, Any]) -> Tensor | None:
    bias = kwargs.get("bias", args[2])
    return None if bias is None else bias.detach().float()


def _both(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def leaves(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers and neurons of ``module`` by name, numbers as "module 0": what has no parts, and neurons whole."""
    inner: tuple[str, ...] = ()
    for name, one in module.named_modules():
        if inner and name.startswith(inner):
            continue
        parts = dict(one.named_children())
        if isinstance(one, snntorch.SpikingNeuron | nn.Linear | nn.Conv1d | nn.Conv2d) or not parts:
            inner = (*inner, f"{name}.") if name else inner
            yield f"module {name}" if name.isdigit() else name or type(one).__name__, one


@contextmanager
def at_rest(module: nn.Module) -> Iterator[None]:
    """Evaluation mode and empty hidden states inside, and outside everything as it was."""
    training = [(one, one.training) for one in module.modules()]
    neurons = [one for one in module.modules() if isinstance(one, snntorch.SpikingNeuron)]
    states = [(one, key, getattr(one, key)) for one in neurons for key in ("mem", "syn", "spk") if key in one._buffers]
    module.eval()
    for one, key, _ in states:
        setattr(one, key, torch.zeros(0))
    try:
        with torch.no_grad():
            yield
    finally:
        for one, key, value in states:
            setattr(one, key, value)
        for one, mode in training:
            one.training = mode


def record(module: nn.Module, x: Tensor) -> tuple[Recorder, Any]:
    """Run ``module`` on ``x`` twice, so that what a step keeps for the next is seen; what was called, and returned."""
    found = Recorder(x)
    hooks = []
    for name, leaf in leaves(module):

        def before(*_: Any) -> None:
            found.inside += 1

        def after(one: nn.Module, args: Any, kwargs: Any, y: Any, name: str = name) -> None:
            found.inside -= 1
            if not found.inside:
                found.layer(name, one, args[0] if args else next(iter(kwargs.values())), y)

        hooks += [leaf.register_forward_pre_hook(before), leaf.register_forward_hook(after, with_kwargs=True)]
    try:
        with at_rest(module), found:
            if isinstance(module, nn.Sequential):
                returned = _in_a_row(module, x)
                returned = _in_a_row(module, x)
            else:
                module(x)
                returned = module(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found, returned


def _in_a_row(module: nn.Sequential, x: Any) -> Any:
    """Run it though its neurons return their states too (``init_hidden=False``), which ``nn.Sequential`` cannot."""
    for one in module:
        x = _in_a_row(one, x) if isinstance(one, nn.Sequential) else one(x, *_states(one, x))
        x = x[0] if isinstance(x, tuple) else x
    return x


def _states(module: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    """States at rest of neurons that do not run without: ours, snnTorch 1.0.0's RSynaptic with reset_delay=False."""
    if isinstance(module, ChipLeaky):
        return (torch.zeros_like(x),)
    explicit = isinstance(module, snntorch.RSynaptic) and not module.init_hidden
    return (torch.zeros_like(x),) * 3 if explicit else ()
