"""Run the network in this folder on Lava, with lava-nc and numpy alone: python run_on_lava.py

Reads network.npz and network.json beside it, builds the graph of Lava's own processes, streams the input messages of
samples.npz through it and prints the predicted classes; exits with 1 where a spike count is not the one expected there.
Written by ``neuromorph deploy``, which needs not be installed here.
"""

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

# From Python 3.11 a dataclass default must be hashable; lava-nc 0.10.0 has one class that is not.
original = dataclasses.dataclass


def hashable(cls=None, /, **options):
    """``dataclasses.dataclass`` that gives ``ByteEncoder`` a hash."""
    if cls is None:
        return lambda cls: hashable(cls, **options)
    return original(cls, **({"unsafe_hash": True} if cls.__name__ == "ByteEncoder" else {}), **options)


dataclasses.dataclass = hashable
import lava.magma.compiler.var_model  # noqa: E402, F401

dataclasses.dataclass = original

from lava.magma.core.run_conditions import RunSteps  # noqa: E402
from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402
from lava.proc.conv.process import Conv  # noqa: E402
from lava.proc.dense.process import DelayDense, Dense  # noqa: E402
from lava.proc.io.sink import RingBuffer as Sink  # noqa: E402
from lava.proc.io.source import RingBuffer as Source  # noqa: E402
from lava.proc.lif.process import LIFReset  # noqa: E402


def connection(about: dict, weights: np.ndarray, bits: int, out):
    """Lava's own process of a connection, fed by the port ``out``."""
    weights = weights.astype(np.int32)
    if about["image"] and not about["wait"]:
        # Lava numbers images (column, row, channel) and turns the kernel round; Conv has no exponent
        image = tuple(about["image"])
        synapse = Conv(
            weight=weights[:, :, ::-1, ::-1].transpose(0, 3, 2, 1) << (about["weight_exp"] + 1),
            input_shape=image[::-1],
            stride=tuple(about["stride"][::-1]),
            padding=tuple(about["padding"][::-1]),
            num_message_bits=bits,
        )
        out = out.reshape(image).transpose((2, 1, 0))
    elif about["wait"]:  # it skips layers, and waits for those that go through them
        weights = unrolled(about, weights) if about["image"] else weights
        options = {"delays": np.full(weights.shape, about["wait"]), "weight_exp": about["weight_exp"]}
        synapse = DelayDense(weights=2 * weights, num_message_bits=bits, **options)
    else:  # mixed signs lose the lowest bit, so twice the weights
        synapse = Dense(weights=2 * weights, weight_exp=about["weight_exp"], num_message_bits=bits)
    out.connect(synapse.s_in)
    return synapse


def unrolled(about: dict, weights: np.ndarray) -> np.ndarray:
    """A convolution as a matrix [neuron, pixel]."""
    channels, rows, columns = about["image"]
    (down, across), (above, left) = about["stride"], about["padding"]
    height, width = weights.shape[2:]
    shape = ((rows + 2 * above - height) // down + 1, (columns + 2 * left - width) // across + 1)
    matrix = np.zeros((len(weights), *shape, channels, rows + 2 * above, columns + 2 * left), weights.dtype)
    for y, x in np.ndindex(shape):
        matrix[:, y, x, :, down * y : down * y + height, across * x : across * x + width] = weights
    inside = matrix[..., above : above + rows, left : left + columns]
    return inside.reshape(len(weights) * shape[0] * shape[1], -1)


def run(about: dict, arrays: dict, stream: np.ndarray) -> np.ndarray:
    """Output spikes [class, step] for the messages ``stream`` [step, input] of one sample after the other."""
    depths = about["depths"]
    total = len(stream) + depths[-1]  # each layer answers one step later
    source = Source(data=np.pad(stream.T, ((0, 0), (0, depths[-1]))).astype(np.int32))
    outs, pending = [source.s_out], []
    for number, layer in enumerate(about["layers"], 1):
        arrived = []
        for one in layer["connections"]:
            weights = arrays[one["weights"]]
            if one["source"] == number:  # recurrent: connected when its neurons are there
                arrived.append(Dense(weights=2 * weights.astype(np.int32), weight_exp=one["weight_exp"]))
                pending.append((number, arrived[-1]))
                continue
            out = outs[one["source"]] if one["source"] >= 0 else None
            if out is None:  # an axon that spikes at every step, from when the first sample reaches the layer
                on = np.arange(total)[None] >= depths[number] - 1
                out = Source(data=on.astype(np.int32)).s_out
            bits = about["input_bits"] if one["source"] == 0 and about["input_bits"] > 1 else 0
            arrived.append(connection(one, weights, bits, out))
        shape = arrived[0].a_out.shape
        units = len(arrays[layer["connections"][0]["weights"]])
        size = int(np.prod(shape))

        def each(name, number=number, units=units, size=size, shape=shape):
            """A parameter, one number, one a channel or one a neuron, of every neuron in Lava's order."""
            values = arrays[f"{name}_{number}"]
            values = values if values.size == size else np.repeat(np.broadcast_to(values, units), size // units)
            return values.reshape(shape[::-1]).transpose().copy()

        lif = LIFReset(
            shape=shape,
            du=each("du"),
            dv=each("dv"),
            vth=each("threshold"),
            bias_mant=each("bias_mant"),
            bias_exp=layer["bias_exp"],
            reset_interval=about["num_steps"],
            reset_offset=depths[number] + 1,
        )
        for synapse in arrived:
            out = synapse.a_out
            if len(shape) > 1 and out.shape != shape:
                out = out.reshape(shape[::-1]).transpose((2, 1, 0))
            out.connect(lif.a_in)
        outs.append(lif.s_out.transpose((2, 1, 0)).reshape((size,)) if len(shape) > 1 else lif.s_out)
        for place, synapse in pending:
            if place == number:
                outs[number].connect(synapse.s_in)
    sink = Sink(shape=(about["sizes"][-1],), buffer=total)
    outs[-1].connect(sink.a_in)
    try:
        source.run(condition=RunSteps(num_steps=total), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        return sink.data.get()[:, depths[-1] :]
    finally:
        source.stop()


def main(folder: Path) -> int:
    """Run the samples of ``folder`` on Lava's own processes; 1 where a spike count differs from the stored ones."""
    about = json.loads((folder / "network.json").read_text())
    if about.get("arrays_sha256") not in (None, hashlib.sha256((folder / "network.npz").read_bytes()).hexdigest()):
        sys.exit(f"{folder}/network.npz is not the one that network.json names, or was changed: deploy again")
    arrays, samples = dict(np.load(folder / "network.npz")), np.load(folder / "samples.npz")
    messages = samples["messages"]  # [sample, step, input]
    # the spikes that a recurrent network sends itself outlive a reset: it gets a graph for each sample
    parts = messages[:, None] if about["recurrent"] else [messages]
    spikes = np.concatenate([run(about, arrays, part.reshape(-1, part.shape[-1])) for part in parts], axis=1)
    counts = spikes.reshape(len(spikes), len(messages), -1).sum(2).T.astype(int)
    wrong = int((counts != samples["counts"]).sum())
    print(f"classes {counts.argmax(1).tolist()}, labels {samples['labels'].tolist()}, differing counts {wrong}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
