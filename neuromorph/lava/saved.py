"""The integer network on disk: network.npz with the arrays, network.json with everything that names them."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

import numpy as np

from neuromorph.atomic import replacing, write_json
from neuromorph.lava.spec import LayerSpec, NetworkSpec

SCHEMA = 2
ABOUT = (
    "W in {-1, +1} is stored as 2 W with weight_exp; a = (2 W s) << weight_exp (>> if negative); u = 64 a; "
    "v = clip(trunc(v (4096 - dv) / 4096) + u + (bias_mant << bias_exp)); a spike where v > 64 threshold, then v = 0; "
    "v = 0 when a sample starts. A layer with an image (channels, rows, columns) is a convolution of it, with stride "
    "and padding, weights [out, in, rows, columns], neurons and pixels numbered channel first. Input is binary spikes "
    "(input_bits 0 or 1) or round(x (2^input_bits - 1)), every step; encoding says where they come from."
)


def save_network(spec: NetworkSpec, folder: str | PathLike[str]) -> None:
    """Write ``spec`` into ``folder``; the arrays are weights_1 (as in ``LayerSpec``), threshold_1, bias_mant_1, ..."""
    arrays = {}
    for number, layer in enumerate(spec.layers, 1):
        arrays[f"weights_{number}"] = layer.weights
        arrays[f"threshold_{number}"] = np.asarray(layer.threshold, np.int32)
        arrays[f"bias_mant_{number}"] = np.asarray(layer.bias_mant, np.int32)
    with replacing(Path(folder) / "network.npz") as unfinished:
        np.savez_compressed(unfinished, **arrays)
    content = {
        "schema": SCHEMA,
        "about": ABOUT,
        "sizes": spec.sizes,
        "num_steps": spec.num_steps,
        "input_bits": spec.input_bits,
        "encoding": spec.encoding,
        "layers": [
            {
                "dv": layer.dv,
                "weight_exp": layer.weight_exp,
                "bias_exp": layer.bias_exp,
                "image": layer.image,
                "stride": layer.stride,
                "padding": layer.padding,
            }
            for layer in spec.layers
        ],
    }
    write_json(Path(folder) / "network.json", content)


def load_network(folder: str | PathLike[str]) -> NetworkSpec:
    """Read what ``save_network`` wrote. Raises OSError where a file is missing, ValueError for another schema."""
    content = json.loads((Path(folder) / "network.json").read_text(encoding="utf-8"))
    if content.get("schema") != SCHEMA:
        raise ValueError(f"{folder}/network.json has schema {content.get('schema')}, this version reads {SCHEMA}")
    with np.load(Path(folder) / "network.npz") as arrays:
        layers = tuple(
            LayerSpec(
                arrays[f"weights_{number}"],
                arrays[f"threshold_{number}"],
                layer["dv"],
                layer["weight_exp"],
                arrays[f"bias_mant_{number}"],
                layer["bias_exp"],
                tuple(layer["image"]),
                layer["stride"],
                layer["padding"],
            )
            for number, layer in enumerate(content["layers"], 1)
        )
    return NetworkSpec(layers, content["num_steps"], content["input_bits"], content["encoding"])
