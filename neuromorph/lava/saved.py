"""The integer network on disk: network.npz with the arrays, network.json with everything that names them."""

from __future__ import annotations

import hashlib
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph.atomic import packed, read_json, replacing, write_json
from neuromorph.data.store import read_npz
from neuromorph.lava.connection import ALWAYS, Synapses
from neuromorph.lava.convolution import pair
from neuromorph.lava.spec import LayerSpec, NetworkSpec

SCHEMA = 3
ABOUT = (
    "W, 8 bits, is stored as 2 W with weight_exp; a = (2 W s) << weight_exp (>> if negative), summed over a layer's "
    "connections; u = trunc(u (4095 - du) / 4096) + 64 a; v = clip(trunc(v (4096 - dv) / 4096) + u + (bias_mant << "
    "bias_exp)); a spike where v > 64 threshold, then v = 0; u = v = 0 when a sample starts. A connection comes from "
    "source: 0 the input, k layer k (of the layer itself one step later), -1 an axon that spikes at every step. With "
    "an image (channels, rows, columns) it is a convolution of it, with stride and padding, weights [out, in, rows, "
    "columns], neurons and pixels numbered channel first. wait: steps of delay beyond the one of every connection. "
    "Input is binary spikes (input_bits 0 or 1) or round(x (2^input_bits - 1)), every step; encoding says where they "
    "come from."
)
AGAIN = "deploy the network again."
EACH = ("threshold", "dv", "du", "bias_mant")


def save_network(spec: NetworkSpec, folder: str | PathLike[str]) -> None:
    """Write ``spec`` into ``folder``; the arrays are weights_1 (as in ``LayerSpec``), threshold_1, dv_1, du_1,
    bias_mant_1, ..., and weights_1_2 of the second connection of a layer. network.json, which names the digest of the
    arrays, comes first: cut off in between, the pair is refused, and the folder is still known as ours."""
    arrays: dict[str, Any] = {}
    layers = []
    for number, layer in enumerate(spec.layers, 1):
        for field in EACH:
            arrays[f"{field}_{number}"] = np.asarray(getattr(layer, field), np.int32)
        connections = []
        for place, one in enumerate(spec.synapses(number), 1):
            name = f"weights_{number}" + (f"_{place}" if place > 1 else "")
            arrays[name] = one.weights
            connections.append(_words(spec, number, one, name))
        layers.append({"bias_exp": layer.bias_exp, "reset": layer.reset, "connections": connections})
    whole = packed(arrays)
    content = {
        "schema": SCHEMA,
        "about": ABOUT,
        "sizes": spec.sizes,
        "depths": spec.depths,
        "recurrent": spec.recurrent,
        "num_steps": spec.num_steps,
        "input_bits": spec.input_bits,
        "encoding": spec.encoding,
        "layers": layers,
        "arrays_sha256": hashlib.sha256(whole).hexdigest(),
    }
    write_json(Path(folder) / "network.json", content)
    with replacing(Path(folder) / "network.npz") as unfinished:
        unfinished.write_bytes(whole)


def _words(spec: NetworkSpec, number: int, one: Synapses, name: str) -> dict[str, Any]:
    inner = one.source not in (ALWAYS, number)
    return {
        "weights": name,
        "source": one.source,
        "weight_exp": one.weight_exp,
        "image": one.image,
        "stride": pair(one.stride),
        "padding": pair(one.padding),
        "wait": spec.depths[number] - spec.depths[one.source] - 1 if inner else 0,
    }


def load_network(folder: str | PathLike[str]) -> NetworkSpec:
    """Read what ``save_network`` wrote. Raises OSError where a file is missing, ValueError for another schema, for
    damage, and for two files of two networks."""
    file = Path(folder) / "network.json"
    content = read_json(file, ["schema", "layers", "num_steps", "input_bits", "encoding"], AGAIN)
    if content.get("schema") != SCHEMA:
        raise ValueError(f"{folder}/network.json has schema {content.get('schema')}, this version reads {SCHEMA}")
    try:
        if not all(layer["connections"] for layer in content["layers"]):
            raise KeyError("connections")
        names = [one["weights"] for layer in content["layers"] for one in layer["connections"]]
        names += [f"{field}_{number}" for number in range(1, len(content["layers"]) + 1) for field in EACH]
        packed = Path(folder) / "network.npz"
        arrays = dict(zip(names, read_npz(packed, names, AGAIN), strict=True))
        if content.get("arrays_sha256") not in (None, hashlib.sha256(packed.read_bytes()).hexdigest()):
            raise ValueError(f"{packed} is not the one that network.json names, or was changed: {AGAIN}")
        layers = tuple(_layer(number, layer, arrays) for number, layer in enumerate(content["layers"], 1))
        return NetworkSpec(layers, content["num_steps"], content["input_bits"], content["encoding"])
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{file} is damaged, or edited ({type(error).__name__}: {error}): {AGAIN}") from error


def _layer(number: int, layer: dict[str, Any], arrays: Any) -> LayerSpec:
    first, *more = (
        Synapses(
            arrays[one["weights"]],
            one["weight_exp"],
            tuple(one["image"]),
            tuple(one["stride"]),
            tuple(one["padding"]),
            one["source"],
        )
        for one in layer["connections"]
    )
    return LayerSpec(
        first.weights,
        weight_exp=first.weight_exp,
        image=first.image,
        stride=first.stride,
        padding=first.padding,
        source=None if first.source == number - 1 else first.source,  # what a layer leaves open
        bias_exp=layer["bias_exp"],
        reset=layer["reset"],
        more=tuple(more),
        **{field: arrays[f"{field}_{number}"] for field in EACH},
    )
