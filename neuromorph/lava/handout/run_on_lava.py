"""Run the network in this folder on Lava, with lava-nc and numpy alone: python run_on_lava.py

Reads network.npz and network.json beside it, builds the graph of Lava's own processes, streams the input messages of
samples.npz through it and prints the predicted classes; exits with 1 where a spike count is not the one expected there.
Written by ``neuromorph deploy``, which needs not be installed here.
"""

import dataclasses
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
from lava.proc.dense.process import Dense  # noqa: E402
from lava.proc.io.sink import RingBuffer as Sink  # noqa: E402
from lava.proc.io.source import RingBuffer as Source  # noqa: E402
from lava.proc.lif.process import LIFReset  # noqa: E402


def main(folder: Path) -> int:
    """Run the samples of ``folder`` on Lava's own processes; 1 where a spike count differs from the stored ones."""
    about = json.loads((folder / "network.json").read_text())
    arrays, samples = np.load(folder / "network.npz"), np.load(folder / "samples.npz")
    steps, lag = about["num_steps"], len(about["layers"])
    messages = samples["messages"]  # [sample, step, input]
    total = len(messages) * steps + lag  # each layer answers one step later
    stream = messages.reshape(len(messages) * steps, -1).T
    source = Source(data=np.pad(stream, ((0, 0), (0, lag))).astype(np.int32))
    out = source.s_out
    for number, layer in enumerate(about["layers"], 1):
        weights = arrays[f"weights_{number}"].astype(np.int32)
        bits = about["input_bits"] if number == 1 and about["input_bits"] > 1 else 0
        if layer["image"]:
            # Lava numbers images (column, row, channel) and turns the kernel round; Conv has no exponent
            image = tuple(layer["image"])
            synapse = Conv(
                weight=weights[:, :, ::-1, ::-1].transpose(0, 3, 2, 1) << (layer["weight_exp"] + 1),
                input_shape=image[::-1],
                stride=layer["stride"],
                padding=layer["padding"],
                num_message_bits=bits,
            )
            out = out.reshape(image).transpose((2, 1, 0))
        else:  # mixed signs lose the lowest bit, so twice the weights
            synapse = Dense(weights=2 * weights, weight_exp=layer["weight_exp"], num_message_bits=bits)
        shape = synapse.a_out.shape
        one_per_channel = (-1, *[1] * (len(shape) - 1))
        threshold, bias = (
            np.broadcast_to(arrays[f"{name}_{number}"].reshape(one_per_channel), shape[::-1]).transpose().copy()
            for name in ("threshold", "bias_mant")
        )
        lif = LIFReset(
            shape=shape,
            du=4095,
            dv=layer["dv"],
            vth=threshold,
            bias_mant=bias,
            bias_exp=layer["bias_exp"],
            reset_interval=steps,
            reset_offset=number + 1,
        )
        out.connect(synapse.s_in)
        synapse.a_out.connect(lif.a_in)
        out = lif.s_out.transpose((2, 1, 0)).reshape((lif.s_out.size,)) if layer["image"] else lif.s_out
    sink = Sink(shape=(about["sizes"][-1],), buffer=total)
    out.connect(sink.a_in)
    try:
        source.run(condition=RunSteps(num_steps=total), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        spikes = sink.data.get()[:, lag:]  # [class, step]
    finally:
        source.stop()
    counts = spikes.reshape(len(spikes), len(messages), steps).sum(2).T.astype(int)
    wrong = int((counts != samples["counts"]).sum())
    print(f"classes {counts.argmax(1).tolist()}, labels {samples['labels'].tolist()}, differing counts {wrong}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
