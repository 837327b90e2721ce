"""NIR graphs of others: the equations by hand, round trips through snnTorch, and refusals that name the node."""

import numpy as np
import pytest
import snntorch as snn
import torch
from torch import nn

nir = pytest.importorskip("nir", reason="nir is not installed")

from neuromorph.importers.graph import simulate  # noqa: E402
from neuromorph.importers.integers import floating  # noqa: E402
from neuromorph.importers.modules import from_module  # noqa: E402
from neuromorph.importers.nir_graph import from_graph  # noqa: E402
from neuromorph.lava import LayerSpec, NetworkSpec  # noqa: E402
from neuromorph.lava.connection import Synapses  # noqa: E402
from neuromorph.nir import read, to_nir, write  # noqa: E402

DT = 1e-4


def raster(features, steps=20):
    return (torch.rand(steps, 4, features, generator=torch.Generator().manual_seed(0)) < 0.4).float()


def test_a_lif_with_a_resistance_a_leak_potential_and_a_step_of_ones_own():
    tau, r, leak = np.array([2e-3, 5e-3]), np.array([3.0, 7.0]), np.array([0.2, 0.0])
    lif = nir.LIF(tau=tau, r=r, v_leak=leak, v_threshold=np.array([0.9, 1.1]), v_reset=np.zeros(2))
    graph = from_graph(nir.NIRGraph.from_list(nir.Linear(np.array([[2.0, 1], [1, 3]])), lif), dt=1e-3)
    x = raster(2)
    v, expected = np.zeros((4, 2)), []
    for frame in x.numpy():
        v = v + 1e-3 / tau * (leak - v + r * (frame @ np.array([[2.0, 1], [1, 3]]).T))
        expected.append(v > lif.v_threshold)
        v = np.where(expected[-1], 0, v)
    assert 0.1 < np.mean(expected) < 0.9
    np.testing.assert_array_equal(simulate(graph, x).spikes[graph.neurons[-1].name], expected)


def recurrent():
    """Affine, CubaLIF with a recurrent Affine, Linear, CubaLIF: the shape of the NIR paper's Braille network."""
    rng = np.random.default_rng(0)
    n = 6

    def cuba(size):
        taus = {"tau_syn": np.full(size, 2 * DT), "tau_mem": np.full(size, 8 * DT)}
        scales = {"r": np.full(size, 8.0), "w_in": np.full(size, 2.0)}
        return nir.CubaLIF(**taus, **scales, v_leak=np.zeros(size), v_threshold=np.ones(size))

    nodes = {
        "input": nir.Input({"input": np.array([5])}),
        "fc1": nir.Affine(rng.normal(size=(n, 5)).astype(np.float32), rng.normal(size=n).astype(np.float32)),
        "lif1.lif": cuba(n),
        "lif1.w_rec": nir.Affine(rng.normal(size=(n, n)).astype(np.float32), np.zeros(n, np.float32)),
        "fc2": nir.Linear(rng.normal(size=(3, n)).astype(np.float32)),
        "lif2": cuba(3),
        "output": nir.Output({"output": np.array([3])}),
    }
    edges = [("input", "fc1"), ("fc1", "lif1.lif"), ("lif1.lif", "lif1.w_rec"), ("lif1.w_rec", "lif1.lif")]
    edges += [("lif1.lif", "fc2"), ("fc2", "lif2"), ("lif2", "output")]
    return nir.NIRGraph(nodes, edges)


def test_a_recurrent_graph_is_read_from_a_file_and_written_back(tmp_path):
    nir.write(tmp_path / "braille.nir", recurrent())
    graph = from_graph(tmp_path / "braille.nir")
    again = from_graph(to_nir(graph))
    x = raster(5)
    spikes = simulate(graph, x).spikes
    assert [one.name for one in graph.neurons] == ["lif1.lif", "lif2"] and spikes["lif2"].any()
    assert torch.equal(simulate(again, x).spikes["neurons_2"], spikes["lif2"])
    v, u, s, expected = np.zeros((4, 6)), np.zeros((4, 6)), np.zeros((4, 6)), []
    nodes = recurrent().nodes
    for frame in x.numpy():
        u = 0.5 * u + frame @ nodes["fc1"].weight.T + nodes["fc1"].bias + s @ nodes["lif1.w_rec"].weight.T
        v = 0.875 * v + u
        s = (v > 1).astype(float)
        v = np.where(s, 0, v)
        expected.append(s)
    np.testing.assert_array_equal(spikes["lif1.lif"], np.array(expected) == 1)


def test_ours_to_nir_to_snntorch_without_a_differing_spike():
    import_nir = pytest.importorskip("snntorch.import_nir", reason="nirtorch is not installed")
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(6, 5),
        snn.Leaky(0.9, threshold=0.4, reset_mechanism="zero"),
        nn.Linear(5, 3),
        snn.Synaptic(0.5, 0.8, threshold=0.3, reset_mechanism="zero", reset_delay=False),
    )
    theirs, x = import_nir.import_from_nir(to_nir(net)), raster(6)
    state, outputs = None, []
    with torch.no_grad():
        for frame in x:
            out, state = theirs(frame, state) if state is not None else theirs(frame)
            outputs.append(out > 0)
    graph = from_module(net)
    found = simulate(graph, x).spikes[graph.neurons[-1].name]
    assert found.any() and torch.equal(torch.stack(outputs), found)


def test_an_integer_network_with_loops_and_skips_survives_a_file(tmp_path):
    rng = np.random.default_rng(0)

    def some(*shape):
        return rng.integers(-9, 10, shape).astype(np.int8)

    loop, skip = Synapses(some(4, 4), source=1), Synapses(some(3, 5), source=0)
    layers = (LayerSpec(some(4, 5), 9, 1024, du=2047, more=(loop,)), LayerSpec(some(3, 4), 7, 2048, more=(skip,)))
    spec = NetworkSpec(layers, 6, 0)
    write(spec, tmp_path / "network.nir")
    with pytest.raises(ValueError, match=r"sends spikes back to itself \(recurrent\)"):
        read(tmp_path / "network.nir")
    x = raster(5)
    one, other = floating(spec), from_graph(tmp_path / "network.nir")
    assert torch.equal(simulate(one, x).spikes["layer 2"], simulate(other, x).spikes["neurons_2"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"v_reset": np.array([0.0, 0.5])}, "node '1': v_reset = 0.5; the chip resets to 0: shift"),
        ({"tau": np.full(2, 5e-5)}, r"node '1': tau = 5e-05 s, shorter than a step of dt = 0.0001 s"),
        ({"v_threshold": np.array([1.0, -1])}, "node '1': v_threshold = -1"),
        ({"v_threshold": np.array([1.0, np.nan])}, "node '1': v_threshold = nan; .* finite"),
        ({"tau": np.array([1e-3, -1])}, "node '1': tau = -1 s; a time constant is above 0"),
    ],
)
def test_a_node_is_named_with_its_value(change, sentence):
    values = {"tau": np.full(2, 1e-3), "r": np.ones(2), "v_leak": np.zeros(2), "v_reset": np.zeros(2)}
    lif = nir.LIF(**{**values, "v_threshold": np.ones(2), **change})
    graph = nir.NIRGraph({"0": nir.Linear(np.eye(2)), "1": lif, **ends()}, chain("0", "1"))
    with pytest.raises(ValueError, match=sentence):
        from_graph(graph)


def ends(size=2):
    return {"in": nir.Input({"input": np.array([size])}), "out": nir.Output({"output": np.array([size])})}


def chain(*names):
    return list(zip(("in", *names), (*names, "out"), strict=True))


def lif():
    return nir.LIF(*(np.full(2, value) for value in (1e-3, 10.0, 0.0, 1.0, 0.0)))


@pytest.mark.parametrize(
    ("nodes", "edges", "sentence"),
    [
        ({"a": lif(), "d": nir.Delay(np.ones(2))}, chain("d", "a"), "node 'd' is a Delay of up to 1 s, 10000 steps"),
        (
            {"a": lif(), "i": nir.LI(*[np.ones(2)] * 3)},
            chain("i", "a"),
            "i has no threshold and sends its membrane to a",
        ),
        ({"a": nir.Linear(np.eye(2))}, chain("a"), "the output is given the input through layers alone"),
        ({"a": lif(), "b": lif()}, [*chain("a", "b"), ("a", "out")], "the output is given the spikes of 'b', 'a'"),
        ({"t": nir.Threshold(np.ones(2))}, chain("t"), "node 't' is a Threshold, which keeps no membrane"),
        (
            {"a": lif(), "out2": nir.Output({"output": np.array([2])})},
            [*chain("a"), ("a", "out2")],
            "out, out2 as output",
        ),
        ({"a": lif(), "b": lif()}, [("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")], "a and b send spikes round"),
        ({"a": lif()}, [("in", "a"), ("a", "x"), ("a", "out")], "names 'x', which is no node .*; it has a, in"),
    ],
)
def test_a_graph_that_cannot_run_is_told_why(nodes, edges, sentence):
    graph = nir.NIRGraph({**nodes, **ends()}, [], type_check=False)
    graph.edges = edges
    with pytest.raises(ValueError, match=sentence):
        from_graph(graph)


def test_a_file_that_is_no_graph_is_one_sentence(tmp_path):
    import h5py

    with h5py.File(tmp_path / "x.nir", "w") as file:
        file["a"] = 1
    with pytest.raises(ValueError, match="is HDF5 but holds no NIR graph"):
        from_graph(tmp_path / "x.nir")
