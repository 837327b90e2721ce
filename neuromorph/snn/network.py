"""A binarized spiking network that computes in the chip's integers while it trains.

current = 64 W_b s,   vth = round(scale * sqrt(fan_in) / gain)

which is current = W_b s * gain / sqrt(fan_in) with threshold 1, multiplied by its threshold: the scalar gain of a layer
is folded into an integer threshold, so training, the integer reference and the chip see the same numbers. ``scale`` is
the largest input message (2^bits - 1) in the first layer and 1 elsewhere. Neuron: see ``neuron.py``.

With batch normalisation (for reproducing papers) the current is 64 vth (gamma (W_b s - mu) / sigma + beta) instead;
``folded`` turns that into a threshold sigma / gamma and a bias 64 (beta sigma / gamma - mu) of each neuron, both times
2^weight_exp of the layer and rounded to whole numbers, and turns the signs of a row with a negative gamma round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from fusi_models.checks import LARGEST, MOST, count, finites, one_of, real, whole, wholes
from neuromorph.chip import (
    BIAS_EXPONENT_LIMIT,
    BIAS_MANTISSA_LIMIT,
    CONVOLUTION_EXPONENT_LIMIT,
    DECAY_UNITY,
    MEMBRANE_LIMIT,
    THRESHOLD_LIMIT,
    UNITS,
)
from neuromorph.local_rule.codes import ENCODINGS, spike_steps
from neuromorph.snn.layered import Layered
from neuromorph.snn.layers import BinaryConv2d, BinaryLinear
from neuromorph.snn.neuron import ChipLeaky
from neuromorph.snn.products import LARGEST_MESSAGE
from neuromorph.snn.weights import SIGNS, WeightsConfig

READOUTS = ("count+membrane", "count", "membrane")
NORMS = ("none", "batch-running", "batch-statistics")
WEIGHT_EXPONENT_LIMIT = CONVOLUTION_EXPONENT_LIMIT + 1  # the weights are stored doubled, one exponent below
NORMED_THRESHOLD = 1024


@dataclass(frozen=True)
class Convolution:
    """A binary convolution: ``channels`` out, a square ``kernel``, ``stride`` and zero ``padding``, all in pixels.

    Raises ValueError for a count that is not positive (padding: negative).
    """

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        for name in ("channels", "kernel", "stride"):
            count(f"{name} of a convolution", getattr(self, name), MOST)
        whole("padding of a convolution", self.padding)


def _convolutions(given: Any) -> tuple[Convolution, ...]:
    """Those that are given as numbers, (channels, kernel, stride, padding), among them."""
    try:
        return tuple(one if isinstance(one, Convolution) else Convolution(*one) for one in given)
    except TypeError as error:
        raise ValueError(f"convolutions must be a list of snn.Convolution, got {given!r:.80}.") from error


@dataclass(frozen=True)
class NetworkConfig:
    """Every choice of a ``SpikingBNN``.

    Raises ValueError for what the chip cannot hold.

    >>> NetworkConfig((64, 200, 10)).gains
    (2.0, 2.0)
    """

    sizes: tuple[int, ...]
    """Features, hidden layers, classes."""
    num_steps: int = 8
    """Steps of a sample."""
    beta: float = 0.9
    """Decay of the membrane a step, rounded to the chip's grid of 1/4096."""
    gains: tuple[float, ...] = ()
    """Of each layer, on its current over the threshold; empty means 2 for the first and the last, else 1."""
    input_bits: int = 4
    """Bits of a pixel under "current" (graded spikes; one bit: binary spikes); 0 means "raster"."""
    init: float = 0.05
    """Half width of the initial hidden weights."""
    encoding: str = "current"
    """The code: "current" shows the pixels, rounded to 0..2^input_bits - 1, at every step; "rate" and "latency" make
    spikes of them (``protocols.spike_steps``); "raster" takes spikes as they are, event frames for example."""
    image: tuple[int, ...] = ()
    """(channels, height, width) of the features, for convolutions."""
    convolutions: tuple[Convolution, ...] = ()
    """They come first, the hidden layers of ``sizes`` after them."""
    readout: str = "count+membrane"
    """Scores from output spike counts ("count"), time-mean membranes ("membrane"), or both."""
    norm: str = "none"
    """Batch normalisation: "none", "batch-running" or "batch-statistics" (which also tests with the statistics of the
    test batch, so that one prediction depends on its neighbours)."""
    fast: bool | None = None
    """None multiplies in few bits and, once so much has been computed that it pays, loops over time in compiled code;
    spikes and membranes are those of False, which multiplies in float32 and loops in torch. What differs: the products
    of the gradient are of numbers rounded to bfloat16, on processors that multiply these; elsewhere not a bit does.
    True compiles at the first step, on other devices than a CPU too."""
    weights: WeightsConfig = SIGNS
    """What a stored number becomes when it is multiplied; by default its sign."""

    def __post_init__(self) -> None:
        def settle(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        for name in ("sizes", "image"):
            settle(name, wholes(name, getattr(self, name)))
        settle("num_steps", count("num_steps", whole("num_steps", self.num_steps)))
        settle("convolutions", _convolutions(self.convolutions))
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(f"sizes must list at least inputs and classes, all positive, got {self.sizes}")
        for name, known in (("encoding", ENCODINGS), ("readout", READOUTS), ("norm", NORMS)):
            one_of(name, getattr(self, name), known)
        settle("input_bits", whole("input_bits", self.input_bits))
        if self.encoding == "current" and self.input_bits == 0:
            settle("encoding", "raster")
        if self.encoding != "current":
            settle("input_bits", 0)
        if not 0 <= self.input_bits <= 16:
            raise ValueError(f"input_bits must lie between 0 and 16, got {self.input_bits}")
        if self.convolutions and (len(self.image) != 3 or math.prod(self.image) != self.sizes[0]):
            raise ValueError(
                f"convolutions need image=(channels, height, width) of {self.sizes[0]} features, got {self.image}"
            )
        layers = len(self.shapes)
        default = tuple(2.0 if k in (0, layers - 1) else 1.0 for k in range(layers))
        gains = tuple(finites("gains", self.gains, 0, LARGEST, above=True).ravel().tolist()) or default
        settle("gains", gains)
        if len(gains) != layers:
            raise ValueError(f"gains must be one positive number for each of {layers} layers, got {gains}")
        if not 1 / DECAY_UNITY <= real("beta", self.beta) <= 1:
            raise ValueError(f"beta must lie between 1/{DECAY_UNITY} and 1, got {self.beta}")
        if self.fast and self.messages[0] > LARGEST_MESSAGE:
            raise ValueError(f"fast multiplies in 8 bits: input_bits must be at most 7, got {self.input_bits}")
        for layer, (fan_in, message) in enumerate(zip(self.fan_ins, self.messages, strict=True), 1):
            if UNITS * fan_in * message > MEMBRANE_LIMIT:
                raise ValueError(
                    f"layer {layer}: 64 * {fan_in} inputs * largest message {message} exceeds the chip's current, "
                    f"{MEMBRANE_LIMIT}; use fewer input_bits or a smaller layer"
                )

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of the neurons of each layer: (channel, height, width) after a convolution, else (neuron,).

        Raises ValueError where a kernel does not fit its image.
        """
        shapes: list[tuple[int, ...]] = []
        place = self.image[1:]
        for number, c in enumerate(self.convolutions, 1):
            if c.kernel > min(place) + 2 * c.padding:
                raise ValueError(f"layer {number}: a kernel of {c.kernel} does not fit an image of {place}")
            place = tuple((n + 2 * c.padding - c.kernel) // c.stride + 1 for n in place)
            shapes.append((c.channels, *place))
        return (*shapes, *((n,) for n in self.sizes[1:]))

    @property
    def fan_ins(self) -> tuple[int, ...]:
        """Inputs of one neuron of each layer (of one in the middle of the image)."""
        channels = [*self.image[:1], *(c.channels for c in self.convolutions)]
        within = [n * c.kernel**2 for n, c in zip(channels, self.convolutions, strict=False)]
        first = math.prod(self.shapes[len(within) - 1]) if within else self.sizes[0]
        return (*within, first, *self.sizes[1:-1])

    @property
    def messages(self) -> tuple[int, ...]:
        """Largest value that one input of each layer can send in one step."""
        return (max(1, 2**self.input_bits - 1),) + (1,) * (len(self.shapes) - 1)

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one sample: (feature,), or (time, feature) of a raster, which the network takes time first."""
        return (self.num_steps, self.sizes[0]) if self.encoding == "raster" else self.sizes[:1]

    def build(self, generator: torch.Generator | None = None) -> SpikingBNN:
        """The network, its hidden weights drawn by ``generator``."""
        return SpikingBNN(**{f.name: getattr(self, f.name) for f in fields(NetworkConfig)}, generator=generator)

    @property
    def dv(self) -> int:
        """The 12-bit decay of the chip."""
        return round((1 - self.beta) * DECAY_UNITY)

    @property
    def thresholds(self) -> tuple[int, ...]:
        """Integer threshold of each layer, in units of weight; with a norm any large number, which rounds little."""
        if self.norm != "none":
            return (NORMED_THRESHOLD,) * len(self.shapes)
        terms = zip(self.messages, self.fan_ins, self.gains, strict=True)
        return tuple(max(1, round(scale * math.sqrt(fan_in) / gain)) for scale, fan_in, gain in terms)


class SpikingBNN(Layered):
    """Binarized spiking network: convolutions, if any, then a multi-layer perceptron; no bias, no norm by default.

    ``SpikingBNN(sizes, num_steps=8, beta=0.9, ...)`` takes the fields of ``NetworkConfig``, kept in ``config``;
    ``generator`` draws the initial hidden weights. ``layers`` are ``BinaryConv2d`` and ``BinaryLinear``, ``neurons``
    are ``ChipLeaky``, ``norms`` are ``nn.Identity`` or batch norms.
    """

    def __init__(self, sizes: Sequence[int], *, generator: torch.Generator | None = None, **options: object):
        super().__init__()
        self.config = config = NetworkConfig(sizes, **options)  # type: ignore[arg-type]
        channels = [*config.image[:1], *(c.channels for c in config.convolutions)]
        form: dict[str, Any] = {"init": config.init, "weights": config.weights, "generator": generator}
        convolutions = [
            BinaryConv2d(n, c.channels, c.kernel, c.stride, c.padding, **form)
            for n, c in zip(channels, config.convolutions, strict=False)
        ]
        dense = zip(config.fan_ins[len(convolutions) :], config.sizes[1:], strict=True)
        self.layers = nn.ModuleList([*convolutions, *(BinaryLinear(n, out, **form) for n, out in dense)])
        self.neurons = nn.ModuleList(ChipLeaky(config.dv, vth) for vth in config.thresholds)
        self.norms = nn.ModuleList(_norm(config.norm, shape) for shape in config.shapes)
        self._gates.extend([None] * (len(self.layers) - 1))

    def encode(self, x: Tensor) -> Tensor:
        """Input as the integers that the network and the chip receive, float-typed.

        x [batch, feature] in [0, 1] gives [1, batch, feature], the same at every step, where ``encoding`` is "current",
        and spikes [time, batch, feature] else; a "raster" of 0 and 1 [time, batch, feature] is returned as it is.
        Raises ValueError for another shape or range, or NaN, and TypeError for what is no tensor.
        """
        if not isinstance(x, Tensor):
            raise TypeError(f"x must be a torch tensor, got {type(x).__name__}: convert it with torch.as_tensor.")
        config = self.config
        raster = config.encoding == "raster"
        expected = (config.num_steps, "batch", config.sizes[0]) if raster else ("batch", config.sizes[0])
        if x.dim() != len(expected) or any(
            isinstance(n, int) and n != m for n, m in zip(expected, x.shape, strict=True)
        ):
            named = ", ".join(map(str, expected))
            raise ValueError(f"x must have shape ({named}) for encoding={config.encoding!r}, got {tuple(x.shape)}")
        if x.numel() and not (x.min() >= 0 and x.max() <= 1):
            raise ValueError(f"x must lie in [0, 1] without NaN, got {x.min().item():g} to {x.max().item():g}")
        x = x.float()
        if raster:
            if not ((x == 0) | (x == 1)).all():
                raise ValueError("a spike raster may hold only 0 and 1")
            return x
        if config.encoding == "current":
            return (x * config.messages[0]).round()[None]
        return torch.stack(spike_steps(x, config.num_steps, config.encoding)).float()

    def record(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(spikes, membranes) of each layer, [time, batch, neuron] or, after a convolution, [time, batch, channel,
        height, width]; membranes before reset, 1/64 of a weight each."""
        spikes = self.encode(x)
        if self.config.convolutions:
            spikes = spikes.unflatten(2, self.config.image)
        records = []
        largest: int | None = self.config.messages[0]
        for k, (norm, neuron) in enumerate(zip(self.norms, self.neurons, strict=True)):
            # One product per layer: all steps at once, or a single one where the input is constant over time.
            self.watched(k, spikes.expand(self.config.num_steps, *spikes.shape[1:]))
            activation = self.product(k, spikes, largest)
            if self.config.norm != "none":
                vth = cast(ChipLeaky, neuron).vth
                activation = norm(activation.flatten(0, 1)).view_as(activation) * vth
            spikes, membranes = cast(ChipLeaky, neuron).sequence(activation, self.config.num_steps, self.config.fast)
            spikes, largest = self.gated(k, spikes, 1)
            records.append((spikes, membranes))
        return records

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Output spikes (0 or 1) and membranes, each [time, batch, class]; x as ``encode`` takes it."""
        return self.record(x)[-1]

    def readout(self, spk_rec: Tensor, mem_rec: Tensor) -> Tensor:
        """Class scores [batch, class] of what ``forward`` returns: spike count plus time-mean membrane over threshold.

        The membrane tells apart equal counts and carries a gradient where an output neuron is silent; ``readout`` of
        the configuration leaves one of the two out.
        """
        count, potential = spk_rec.sum(0), mem_rec.mean(0) / cast(Tensor, self.neurons[-1].threshold)
        return {"count": count, "membrane": potential, "count+membrane": count + potential}[self.config.readout]

    def scores(self, x: Tensor) -> Tensor:
        """Class scores [batch, class] of x, as ``encode`` takes it."""
        return self.readout(*self(x))

    @torch.no_grad()
    def folded(self) -> SpikingBNN:
        """The network without normalisation that the chip can hold: see the module's head.

        Thresholds and biases are rounded to the chip's integers, so a few spikes may differ: verify its accuracy.
        Raises ValueError without running statistics, and naming the layer where a threshold or a bias does not fit.
        """
        if self.config.norm != "batch-running":
            raise ValueError(f"only norm='batch-running' can be folded, this network has norm={self.config.norm!r}")
        if not all(cast(BinaryLinear, layer).form.signs for layer in self.layers):
            raise ValueError("only weights of -1 and +1 can be folded: the chip has no other here")
        config = replace(self.config, norm="none", weights=SIGNS)
        network = SpikingBNN(**{f: getattr(config, f) for f in config.__dataclass_fields__})
        for k, (layer, ours, norm) in enumerate(zip(network.layers, self.layers, self.norms, strict=True)):
            largest = UNITS * config.fan_ins[k] * config.messages[k]
            vth, bias, weight_exp, turned = _fold(f"layer {k + 1}", cast(nn.BatchNorm1d, norm), largest)
            weight, signs = cast(Tensor, ours.weight), cast(BinaryLinear, ours).multiplied()
            rows = turned.view(-1, *(1,) * (weight.dim() - 1))
            size = weight.abs().clamp_min(torch.finfo(weight.dtype).tiny)  # a stored 0 has a sign that can turn
            cast(Tensor, layer.weight).copy_(torch.where(rows, -signs, signs) * size)
            spread = (-1, *(1,) * (len(config.shapes[k]) - 1))
            network.neurons[k] = ChipLeaky(config.dv, vth.view(spread), bias.view(spread), weight_exp)
        return network.to(weight.device)

    def product(self, layer: int, spikes: Tensor, largest: int | None) -> Tensor:
        """What layer number ``layer`` makes of spikes [time, batch, ...], in weights: [time, batch, ...].

        ``largest``: of whole numbers; None: the spikes are real numbers, behind a gate of such.
        """
        synapses = cast(BinaryLinear | BinaryConv2d, self.layers[layer])
        convolved = isinstance(synapses, BinaryConv2d)
        shown = spikes.flatten(0, 1) if convolved else spikes.flatten(2)
        if convolved:
            shown = shown.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU
        product = synapses(shown) if self.config.fast is False else synapses.product(shown, largest, rounded=True)
        return product.unflatten(0, spikes.shape[:2]) if convolved else product


def _norm(name: str, shape: tuple[int, ...]) -> nn.Module:
    if name == "none":
        return nn.Identity()
    kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    return kind(shape[0], track_running_stats=name == "batch-running")


def _fold(name: str, norm: nn.BatchNorm1d, largest: int) -> tuple[Tensor, Tensor, int, Tensor]:
    """Integer threshold, integer bias in membrane units, weight exponent, and whether the signs of a row turn round.

    ``largest``: the largest current that the layer can receive, which limits the exponent. Tensors are [channel].
    """
    assert norm.running_var is not None and norm.running_mean is not None
    scale = (norm.running_var.double() + norm.eps).sqrt() / norm.weight.double()
    bias = UNITS * (norm.bias.double() * scale - norm.running_mean.double()) * scale.sign()
    limits = (MEMBRANE_LIMIT / largest, THRESHOLD_LIMIT / scale.abs().max().item(), 2.0**WEIGHT_EXPONENT_LIMIT)
    if not min(limits) >= 1:
        raise ValueError(f"{name}: a batch norm with a gamma near 0 folds into a threshold beyond {THRESHOLD_LIMIT}")
    weight_exp = math.floor(math.log2(min(limits)))
    bias *= 2**weight_exp
    exponent = max(0, math.ceil(math.log2(max(bias.abs().max().item() / BIAS_MANTISSA_LIMIT, 1.0))))
    if exponent > BIAS_EXPONENT_LIMIT:
        raise ValueError(
            f"{name}: a folded bias of {bias.abs().max().item():.0f} exceeds the chip's "
            f"{BIAS_MANTISSA_LIMIT} * 2^{BIAS_EXPONENT_LIMIT}"
        )
    vth = (scale.abs() * 2**weight_exp).round().clamp(min=1).long()
    return vth, (bias / 2**exponent).round().long() * 2**exponent, weight_exp, scale < 0
