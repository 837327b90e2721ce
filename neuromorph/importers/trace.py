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
FACTORS = {"mul", "rmul", "imul", "truediv", "itruediv", "div"}
HINTS = {
    "cat": " (give each part a Linear of its own and add what they make)",
    "transpose": " (of the input: pick frames of it, x[t] or x[:, t])",
    "permute": " (of the input: pick frames of it, x[t] or x[:, t])",
}


class Leaf(NamedTuple):
    """A layer as it was called: its name, itself, a tensor in and out, and whether its bias comes along."""

    name: str
    module: nn.Module
    x: Tensor
    y: Tensor
    biased: bool = True

    def without_bias(self) -> Leaf:
        """The same for another of the sources that are added before it."""
        return self._replace(biased=False)


class Term(NamedTuple):
    """Spikes of ``source`` in its call ``call``, through ``maps``: ``Leaf`` or maps of ``maps.py``."""

    source: str
    call: int
    maps: tuple[Any, ...]


class Call(NamedTuple):
    """One call of a neuron: where what it was given comes from, or why that is unknown; the values, its spikes, and its
    membrane if it returned it."""

    number: int
    terms: tuple[Term, ...] | str
    given: Tensor
    spikes: Tensor
    membrane: Tensor | None


class Recorder(TorchFunctionMode):
    """What was called, in order; ``calls`` by neuron."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.kept: dict[int, tuple[Tensor, tuple[Term, ...] | str]] = {}
        self.calls: dict[str, list[Call]] = {}
        self.inside = 0
        self.time: int | None = None  # the axis along which the module picks frames of its input
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
            spk, *states = y if isinstance(y, tuple) else (y,)
            membrane = states[-1].clone() if states else None  # copies, because a user may write into any of them
            calls.append(Call(len(calls), () if given is None else given, x.clone(), spk.clone(), membrane))
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
            rest = tuple(one.without_bias() for one in maps)
            terms = tuple(
                Term(one.source, one.call, (*one.maps, *(rest if k else maps))) for k, one in enumerate(terms)
            )
        if terms is not None:
            self.set(y, terms)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        y = func(*args, **(kwargs or {}))
        if not self.inside:
            name = getattr(func, "__name__", str(func)).strip("_")
            if isinstance(y, Tensor):
                self._note(name, args, kwargs or {}, y)
            elif name == "setitem" and self.get(args[0]) is not None:
                self.set(args[0], "an assignment to a part of a tensor")
            elif isinstance(y, tuple | list):
                self._parts(name, args, kwargs or {}, y)
        return y

    def _parts(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], parts: Any) -> None:
        """What an operation with several results has made."""
        if args and self.get(args[0]) is not None:
            frames = name == "unbind" and args[0] is self.input
            if frames:
                self.time = args[1] if len(args) > 1 else kwargs.get("dim", 0)
            for part in parts:
                if isinstance(part, Tensor):
                    self.set(part, (Term(INPUT, 0, ()),) if frames else f"torch.{name}")

    def _note(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], y: Tensor) -> None:
        flat = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else [arg])]
        known = [one for one in flat if self.get(one) is not None]
        if not known or (id(y) in self.kept and name in RESHAPING):
            return
        x, other = known[0], [one for one in args if self.get(one) is None]
        reasons = [given for given in map(self.get, known) if isinstance(given, str)]
        if reasons and name not in COLLECTING:
            self.set(y, reasons[0])
        elif name in RESHAPING:
            same = len(y) == len(x) if y.dim() and x.dim() else False
            self.followed(x, y, *([Reshape(tuple(y.shape[1:]))] if same and y.shape != x.shape else []))
            if not same:
                self.set(y, f"a {name} that changes the batch, from {tuple(x.shape)} to {tuple(y.shape)}")
        elif name == "getitem" and x is self.input:
            self.time = 1 if isinstance(args[1], tuple) and isinstance(args[1][0], slice) else 0
            self.set(y, (Term(INPUT, 0, ()),))
        elif name in COLLECTING:
            self.set(y, self.get(known[-1]) if name == "stack" else f"torch.{name}" + HINTS.get(name, ""))  # type: ignore[arg-type]
        elif name in ("add", "radd", "iadd", "sub", "isub", "rsub") and not kwargs:
            self._add(name, args, y)
        elif name in FACTORS and len(known) == 1 and other and (args[0] is x or name in ("mul", "rmul")) and not kwargs:
            self._factor(x, y, torch.as_tensor(other[0]).detach().float(), name not in ("mul", "rmul", "imul"))
        elif name == "neg":
            self.followed(x, y, Scale(torch.tensor(-1.0)))
        elif name in ("matmul", "mm") and args[0] is x and x.dim() == 2 and len(other) == 1 and other[0].dim() == 2:
            self.followed(x, y, Full(other[0].detach().float().T))
        elif name == "linear" and args[0] is x and len(known) == 1:
            self.followed(x, y, Full(args[1].detach().float(), _or_none([*args, None], kwargs)))
        elif name == "conv2d" and not kwargs and len(args) <= 3:
            self.followed(x, y, Convolution(args[1].detach().float(), _or_none([*args, None], kwargs)))
        elif name == "avg_pool2d" and not set(kwargs) - {"stride"} and len(args) <= 3:
            kernel = _both(args[1])
            stride = args[2] if len(args) > 2 else kwargs.get("stride", kernel)
            self.followed(x, y, Pool(kernel, _both(kernel if stride is None else stride), True))
        else:
            self.set(y, f"torch.{name}" + HINTS.get(name, ""))

    def _add(self, name: str, args: tuple[Any, ...], y: Tensor) -> None:
        """A sum or a difference; what depends on no spike is a shift, taken along by the first source."""
        signs = {"sub": (1.0, -1.0), "isub": (1.0, -1.0), "rsub": (-1.0, 1.0)}.get(name, (1.0, 1.0))
        terms: tuple[Term, ...] = ()
        shift = torch.tensor(0.0)
        for sign, one in zip(signs, args, strict=True):
            given = self.get(one)
            if isinstance(given, tuple):
                minus = () if sign > 0 else (Scale(torch.tensor(-1.0)),)
                terms += tuple(Term(each.source, each.call, (*each.maps, *minus)) for each in given)
            else:
                shift = sign * torch.as_tensor(one).detach().float()
        size = {tuple(one.shape) for one in args if self.get(one) is not None}
        if size != {tuple(y.shape)}:
            self.set(y, f"a sum of different shapes ({name})")
            return
        if shift.any():
            fitted = _of_a_sample(shift, y)
            if fitted is None:
                self.set(y, "a sum with other numbers for each sample")
                return
            added = Scale(torch.tensor(1.0), fitted)
            terms = (Term(terms[0].source, terms[0].call, (*terms[0].maps, added)), *terms[1:])
        self.set(y, terms)

    def _factor(self, x: Tensor, y: Tensor, factor: Tensor, divided: bool) -> None:
        fitted = _of_a_sample(factor, y)
        if fitted is None or x.shape != y.shape:
            self.set(y, "a product with other numbers for each sample")
        else:
            self.followed(x, y, Scale(1 / fitted if divided else fitted))


def _of_a_sample(value: Tensor, y: Tensor) -> Tensor | None:
    """``value``, added to or multiplied with a batch ``y``, without the batch's axis; None where samples differ."""
    if value.dim() < y.dim():
        return value
    return value[0] if bool((value == value[:1]).all()) else None


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
