"""NIR: round trip without a lost spike, the same spikes in snnTorch, and what cannot be said is refused."""

import errno
import signal

import numpy as np
import pytest
import snntorch
import torch
from snntorch.import_nir import import_from_nir

nir = pytest.importorskip("nir", reason="nir is not installed")

from neuromorph.importers import seal  # noqa: E402
from neuromorph.lava import LayerSpec, NetworkSpec, integer_network  # noqa: E402
from neuromorph.lava.reference import simulate, simulate_float  # noqa: E402
from neuromorph.nir import from_nir, read, to_nir, write  # noqa: E402
from neuromorph.snn import BinaryLinear, SpikingBNN  # noqa: E402
from neuromorph.snn.neuron import ChipLeaky  # noqa: E402


def network(beta=0.9, bits=4):
    return SpikingBNN((30, 25, 6), num_steps=12, beta=beta, input_bits=bits, generator=torch.Generator().manual_seed(1))


def layers_equal(one, other):
    for a, b in zip(one.layers, other.layers, strict=True):
        np.testing.assert_array_equal(a.weights, b.weights)
        np.testing.assert_array_equal(
            np.broadcast_to(a.threshold, len(a.weights)), np.broadcast_to(b.threshold, len(b.weights))
        )
        np.testing.assert_array_equal(np.broadcast_to(a.bias, len(a.weights)), np.broadcast_to(b.bias, len(b.weights)))
        assert (a.dv, a.weight_exp) == (b.dv, b.weight_exp)


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99, 1 - 1 / 4096, 1 / 4096])
def test_round_trip_keeps_every_integer_and_spike(beta, tmp_path):
    spec = integer_network(network(beta))
    write(network(beta), tmp_path / "network.nir")
    found = read(tmp_path / "network.nir")
    layers_equal(found, spec)
    assert (found.num_steps, found.input_bits) == (12, 4)
    x = np.random.default_rng(0).random((20, 30), dtype=np.float32)
    for a, b in zip(simulate(found, x), simulate(spec, x), strict=True):
        np.testing.assert_array_equal(a.spikes, b.spikes)
        assert a.spikes.any()


def test_biases_thresholds_and_exponents_of_each_neuron_come_back():
    rng = np.random.default_rng(0)
    layer = LayerSpec(
        rng.choice(np.array([-1, 1], np.int8), (7, 5)),
        threshold=rng.integers(1, 90, 7).astype(np.int32),
        dv=77,
        weight_exp=2,
        bias_mant=rng.integers(-4096, 4096, 7).astype(np.int32),
        bias_exp=7,
    )
    spec = NetworkSpec((layer,), num_steps=3, input_bits=0)
    layers_equal(from_nir(to_nir(spec)), spec)


def convolutional(threshold=3):
    rng = np.random.default_rng(0)
    signs = np.array([-1, 1], np.int8)
    layers = (
        LayerSpec(
            rng.choice(signs, (4, 2, 3, 3)),
            threshold,
            410,
            bias_mant=rng.integers(-60, 60, 4),
            image=(2, 7, 5),
            stride=2,
            padding=1,
        ),
        LayerSpec(rng.choice(signs, (3, 4, 2, 2)), 1, 100, image=(4, 4, 3), padding=1),
        LayerSpec(rng.choice(signs, (6, 60)), 2, 410),
    )
    return NetworkSpec(layers, 5, 0)


def test_a_convolution_with_thresholds_of_each_channel_comes_back(tmp_path):
    spec = convolutional(np.array([2, 3, 5, 4]))
    write(spec, tmp_path / "network.nir")
    found = read(tmp_path / "network.nir")
    layers_equal(found, spec)
    for a, b in zip(found.layers, spec.layers, strict=True):
        assert (a.image, a.stride, a.padding) == (b.image, b.stride, b.padding)
    x = (np.random.default_rng(1).random((5, 8, 70)) < 0.5).astype(np.float32)
    np.testing.assert_array_equal(simulate(found, x)[-1].spikes, simulate(spec, x)[-1].spikes)


def test_snntorch_runs_the_convolution_spike_for_spike():
    spec = convolutional()
    x = (np.random.default_rng(1).random((5, 3, 70)) < 0.5).astype(np.float32)
    expected = simulate_float(spec, x)[-1]
    assert 0.1 < expected.mean() < 0.9
    for sample in range(3):
        theirs = import_from_nir(to_nir(spec))  # its neurons keep their membranes
        out, state = theirs(torch.from_numpy(x[0, sample]).reshape(2, 7, 5))
        spikes = [out]
        for step in x[1:, sample]:
            out, state = theirs(torch.from_numpy(step).reshape(2, 7, 5), state)
            spikes.append(out)
        np.testing.assert_array_equal(torch.stack(spikes).detach().numpy() == 1, expected[:, sample])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dilation": 2}, "layer 1: a Conv2d needs one stride, .* dilation 1"),
        ({"stride": (1, 2)}, "layer 1: a Conv2d needs one stride"),
        ({"padding": "same"}, "layer 1: a Conv2d needs one stride, one padding as a number"),
    ],
)
def test_a_convolution_that_the_chip_cannot_run_is_refused(change, sentence):
    graph = to_nir(convolutional())
    node = graph.nodes["weights_1"]
    for name, value in change.items():
        setattr(node, name, value)
    with pytest.raises(ValueError, match=sentence):
        from_nir(graph)


def test_weights_are_written_as_signs_not_hidden_weights():
    net = network()
    written = to_nir(net).nodes["weights_1"].weight
    assert set(np.unique(written)) == {-1, 1}
    np.testing.assert_array_equal(written, np.where(net.layers[0].weight.detach() >= 0, 1, -1))


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
def test_snntorch_imports_it_without_a_differing_spike(beta, tmp_path):
    pytest.importorskip("nirtorch", reason="nirtorch is not installed")
    net = network(beta)
    write(net, tmp_path / "network.nir")
    theirs = import_from_nir(nir.read(tmp_path / "network.nir"))
    spec = integer_network(net)
    x = np.random.default_rng(0).random((20, 30), dtype=np.float32)
    steps = torch.from_numpy(spec.encode(x).swapaxes(0, 1).astype(np.float32))
    spikes, state = [], None
    with torch.no_grad():
        for step in steps:
            out, state = theirs(step, state) if state is not None else theirs(step)
            spikes.append(out.numpy() == 1)
    expected = simulate_float(spec, x)[-1]
    assert 0.02 < expected.mean() < 0.9
    np.testing.assert_array_equal(np.stack(spikes), expected)


def leaky(**options):
    neuron = snntorch.Leaky(**{"beta": 0.75, "threshold": 3.0, "reset_mechanism": "zero", **options})
    snntorch.SpikingNeuron.instances.pop()
    return neuron


def test_a_users_own_snntorch_network_reaches_the_chip():
    torch.manual_seed(0)
    net = torch.nn.Sequential(BinaryLinear(12, 9), leaky(), BinaryLinear(9, 4), leaky(threshold=2.0))
    spec = from_nir(to_nir(net), num_steps=5, input_bits=0)
    assert spec.sizes == (12, 9, 4) and [one.threshold for one in spec.layers] == [3, 2]
    assert {one.dv for one in spec.layers} == {1024}
    with pytest.raises(ValueError, match="does not say num_steps"):
        from_nir(to_nir(net))


@pytest.mark.parametrize(
    ("modules", "sentence"),
    [
        ([BinaryLinear(3, 2), leaky(reset_mechanism="subtract")], "module 1 resets by 'subtract'"),
        ([BinaryLinear(3, 2), leaky(beta=1.0)], "module 1 has beta = 1; .* must be below 1"),
        ([BinaryLinear(3, 2), torch.nn.ReLU(), leaky()], "module 1 is a ReLU, which is not linear"),
        ([BinaryLinear(3, 2)], "Sequential holds no snntorch neuron"),
        ([BinaryLinear(3, 2), leaky(inhibition=True)], "module 1: inhibition=True"),
        ([BinaryLinear(3, 2), leaky(state_quant=torch.round)], "module 1: state_quant is another rounding"),
        ([BinaryLinear(3, 2), leaky(graded_spikes_factor=2.0)], "module 1: its spikes count 2"),
        ([BinaryLinear(3, 2), leaky(beta=-0.1)], "module 1: beta = -0.1 is negative"),
        ([BinaryLinear(3, 2), snntorch.Lapicque(0.5)], "module 1 is a Lapicque; imported are Leaky"),
        ([BinaryLinear(3, 2), leaky(beta=float("nan"))], "module 1: beta = nan"),
    ],
)
def test_what_nir_cannot_say_is_refused(modules, sentence):
    with pytest.raises(ValueError, match=sentence):
        to_nir(torch.nn.Sequential(*modules))


def test_options_that_once_were_dropped_or_broke_are_written():
    """A bias of ChipLeaky, a vector of betas, learned thresholds, bfloat16 weights, and a sign(W) of the user's own."""

    class Signs(torch.nn.Linear):
        def forward(self, x):
            return torch.nn.functional.linear(x, torch.sign(self.weight))

    torch.manual_seed(0)
    betas = torch.tensor([0.25, 0.5, 0.75])
    net = torch.nn.Sequential(Signs(4, 3, bias=False), leaky(beta=betas, learn_threshold=True), BinaryLinear(3, 2))
    graph = to_nir(torch.nn.Sequential(*net, ChipLeaky(1024, 2, torch.tensor([64, -32]))))
    assert set(np.unique(graph.nodes["weights_1"].weight)) == {-1, 1}
    np.testing.assert_allclose(1 - 1e-4 / graph.nodes["neurons_1"].tau, betas)
    np.testing.assert_array_equal(graph.nodes["neurons_1"].v_threshold, [3, 3, 3])
    np.testing.assert_array_equal(graph.nodes["weights_2"].bias, [1, -0.5])
    half = torch.nn.Linear(4, 3).bfloat16()
    written = to_nir(torch.nn.Sequential(half.float(), leaky())).nodes["weights_1"].weight
    np.testing.assert_array_equal(written, half.weight.detach().float().numpy())


def test_the_chips_beta_of_one_is_refused():
    with pytest.raises(ValueError, match="layer 1 has beta = 1"):
        to_nir(network(beta=1.0))
    with pytest.raises(ValueError, match="GRU holds no snntorch neuron"):
        to_nir(torch.nn.GRU(3, 2))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"weight": np.array([[1.0, -0.5], [1, 1]])}, "layer 1: all weights must be plus or minus one power of two"),
        ({"weight": np.array([[3.0, -3], [3, 3]])}, "layer 1: all weights"),
        ({"tau": np.full(2, 3.3e-4)}, "layer 1: tau = 0.00033 s .* no whole number"),
        ({"v_threshold": np.array([1.5, 2])}, "layer 1: thresholds must be whole"),
        ({"v_reset": np.ones(2)}, "layer 1: needs r = tau / 0.0001 and .* v_reset = 1; .*deploy"),
        ({"tau": np.array([4e-4, 3.3e-4])}, "layer 1: tau = 0.00033 s .* nearest is tau = 0.00033"),
    ],
)
def test_a_graph_that_the_chip_cannot_run_is_refused(change, sentence):
    values = {"tau": np.full(2, 4e-4), "v_leak": np.zeros(2), "v_reset": np.zeros(2), "v_threshold": np.ones(2)}
    values |= {key: value for key, value in change.items() if key != "weight"}
    values["r"] = values["tau"] / 1e-4
    weight = change.get("weight", np.ones((2, 2)))
    graph = nir.NIRGraph.from_list(nir.Linear(weight), nir.LIF(**values))
    with pytest.raises(ValueError, match=sentence):
        from_nir(graph, num_steps=4, input_bits=1)


def test_recurrence_skips_files_and_steps_are_told_apart(tmp_path):
    lif = nir.LIF(*(np.ones(2) for _ in range(5)))
    nodes = {"a": nir.Input({"input": np.array([2])}), "b": nir.Linear(np.eye(2)), "n": lif}
    nodes |= {"w": nir.Linear(np.eye(2)), "z": nir.Output({"output": np.array([2])})}
    chain = [("a", "b"), ("b", "n"), ("n", "z")]
    with pytest.raises(ValueError, match=r"'n' sends spikes back to itself \(recurrent\)"):
        from_nir(nir.NIRGraph(nodes, [*chain, ("n", "w"), ("w", "n")]), 4, 1)
    with pytest.raises(ValueError, match=r"'a' sends to several nodes \(a skip\)"):
        from_nir(nir.NIRGraph(nodes, [*chain, ("a", "w"), ("w", "n")]), 4, 1)
    with pytest.raises(ValueError, match="num_steps = 5.5: a sample is shown for whole steps"):
        from_nir(to_nir(network()), num_steps=5.5)
    import h5py

    with h5py.File(tmp_path / "other.nir", "w") as file:
        file["x"] = 1
    with pytest.raises(ValueError, match="HDF5 but holds no NIR graph"):
        read(tmp_path / "other.nir")


def test_a_full_disk_is_told_as_of_every_file(tmp_path):
    """Earlier HDF5's words, with a temporary name and addresses of memory."""
    resource = pytest.importorskip("resource")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
        with pytest.raises(OSError) as error:
            write(network(), tmp_path / "network.nir")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.filename == str(tmp_path / "network.nir") and error.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def test_another_shape_of_graph_is_refused():
    with pytest.raises(ValueError, match="a chain Input, .* can be deployed .*; the graph has"):
        from_nir(nir.NIRGraph.from_list(nir.Linear(np.ones((2, 2)))), num_steps=4, input_bits=1)


def test_a_changed_or_damaged_file_is_refused_and_others_read_it(tmp_path):
    """Earlier a flipped bit of a weight was another network, and HDF5's own errors were tracebacks."""
    path = tmp_path / "network.nir"
    write(network(), path)
    assert len(nir.read(path).nodes) == len(to_nir(network()).nodes)
    whole = path.read_bytes()
    for place in (0, 600, len(whole) // 2, len(whole) - 90):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match="is damaged"):
            read(path)
    theirs = bytearray(whole[: -seal.LENGTH])
    at = theirs.index(b"SNOD")
    theirs[at : at + 4] = b"XXXX"
    path.write_bytes(theirs)
    with pytest.raises(ValueError, match="HDF5 but holds no NIR graph, or is damaged"):
        read(path)
