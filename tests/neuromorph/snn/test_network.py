import copy

import pytest
import torch
from torch.nn import functional

from neuromorph.snn import Convolution, NetworkConfig, SpikingBNN, products


def network(**options):
    return SpikingBNN((20, 16, 5), generator=torch.Generator().manual_seed(3), **{"num_steps": 6, **options})


def images(batch=7):
    return torch.rand(batch, 20, generator=torch.Generator().manual_seed(1))


def test_time_first_binary_spikes_and_integer_membranes():
    spk, mem = network()(images())
    assert spk.shape == mem.shape == (6, 7, 5)
    assert set(spk.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(mem, mem.round())


def test_equals_one_snntorch_loop_with_single_steps():
    net, x = network(), images()
    q = (x * 15).round()
    mem1, mem2 = torch.zeros(7, 16), torch.zeros(7, 5)
    for t, (spk, mem) in enumerate(zip(*net(x), strict=True)):
        spk1, mem1 = net.neurons[0](64 * net.layers[0](q), mem1)
        spk2, mem2 = net.neurons[1](64 * net.layers[1](spk1), mem2)
        assert torch.equal(spk2, spk) and torch.equal(mem2, mem), t
    assert spk1.sum() > 0


def test_a_forward_leaves_no_state_behind():
    net, x = network(), images()
    first = net(x)
    net(images(3))
    assert all(torch.equal(a, b) for a, b in zip(first, net(x), strict=True))
    copy.deepcopy(net)  # a neuron that keeps a graph cannot be copied


def test_one_sample_is_independent_of_its_batch():
    net, x = network(), images()
    assert torch.equal(net(x)[1][:, 2:3], net(x[2:3])[1])


def test_thresholds_fold_gain_and_input_scale():
    config = NetworkConfig((64, 100, 10), gains=(2.0, 1.0), input_bits=4, beta=0.9)
    assert config.thresholds == (15 * 8 // 2, 10)
    assert config.dv == 410
    assert NetworkConfig((4, 4, 4, 4)).gains == (2.0, 1.0, 2.0) and NetworkConfig((4, 4)).gains == (2.0,)
    assert network(beta=1.0).neurons[0].dv == 0


def test_raster_input_is_used_as_it_is():
    net = network(input_bits=0)
    raster = (torch.rand(6, 3, 20, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    assert net(raster)[0].shape == (6, 3, 5)
    assert not torch.equal(net.record(raster)[0][1][0], net.record(raster.flip(0))[0][1][0])
    with pytest.raises(ValueError, match="only 0 and 1"):
        net(raster * 0.5)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(3, 19), "shape"),
        (torch.zeros(20), "shape"),
        (torch.full((3, 20), 1.5), r"\[0, 1\]"),
        (torch.full((3, 20), float("nan")), "NaN"),
    ],
)
def test_wrong_input_is_named(x, message):
    with pytest.raises(ValueError, match=message):
        network()(x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": (20,)}, "sizes"),
        ({"num_steps": 0}, "num_steps"),
        ({"beta": 0.0}, "beta"),
        ({"gains": (1.0,)}, "gains"),
        ({"input_bits": 17}, "input_bits"),
        ({"encoding": "morse"}, "encoding must be one of"),
        ({"fast": True, "input_bits": 8}, "at most 7"),
        ({"convolutions": (Convolution(2, 3),)}, "image"),
        ({"convolutions": ((2, 3),), "image": (1, 2, 10)}, "layer 1: a kernel of 3 does not fit"),
        ({"sizes": (784, 10), "input_bits": 8}, "layer 1.*784 inputs.*fewer input_bits"),
    ],
)
def test_wrong_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**{"sizes": (20, 16, 5), **options})


def convolutional(**options):
    return SpikingBNN(
        (2 * 6 * 7, 12, 5),
        image=(2, 6, 7),
        convolutions=(Convolution(4, 3, padding=1), Convolution(3, 3, stride=2)),
        **{"num_steps": 5, "gains": (2.0, 2.0, 2.0, 2.0), "generator": torch.Generator().manual_seed(3), **options},
    )


def test_convolutions_equal_a_loop_of_functional_ones():
    net = convolutional()
    x = torch.rand(4, 84, generator=torch.Generator().manual_seed(1))
    assert net.config.shapes == ((4, 6, 7), (3, 2, 3), (12,), (5,)) and net.config.fan_ins == (18, 36, 18, 12)
    records = net.record(x)
    shown, mems = (x * 15).round().unflatten(1, (2, 6, 7)), [0.0] * 4
    signs = [torch.where(layer.weight >= 0, 1.0, -1.0) for layer in net.layers]
    products = (
        lambda s: functional.conv2d(s, signs[0], padding=1),
        lambda s: functional.conv2d(s, signs[1], stride=2),
        lambda s: s.flatten(1) @ signs[2].T,
        lambda s: s @ signs[3].T,
    )
    for t in range(5):
        spikes = shown
        for k, product in enumerate(products):
            current = 64 * product(spikes)
            spikes, mems[k] = net.neurons[k](current, torch.zeros_like(current) + mems[k])
            assert torch.equal(spikes, records[k][0][t]), (k, t)
    assert all(0 < spk.sum() < spk.numel() for spk, _ in records)


@pytest.mark.parametrize("encoding", ["rate", "latency"])
def test_coded_input_equals_its_raster(encoding):
    x = images()
    net, twin = network(encoding=encoding), network(input_bits=0)
    raster = net.encode(x)
    assert raster.shape == (6, 7, 20) and set(raster.unique().tolist()) == {0.0, 1.0}
    expected = (6 * x + 0.5).floor() if encoding == "rate" else (x > 0).float()
    assert torch.equal(raster.sum(0), expected)
    assert all(torch.equal(a, b) for a, b in zip(net(x), twin(raster), strict=True))


def test_readouts():
    spk, mem = (torch.rand(6, 7, 5) for _ in range(2))
    scores = {name: network(readout=name).readout(spk, mem) for name in ("count", "membrane", "count+membrane")}
    assert torch.equal(scores["count"], spk.sum(0))
    torch.testing.assert_close(scores["count"] + scores["membrane"], scores["count+membrane"])


@pytest.mark.parametrize("build", [network, convolutional])
@pytest.mark.parametrize("encoding", ["current", "rate"])
def test_fast_gives_the_same_spikes_and_nearly_the_same_gradient(build, encoding, monkeypatch):
    monkeypatch.setattr(products, "_short_products", lambda device: True)  # elsewhere gradients are not rounded
    slow, fast = build(encoding=encoding, fast=False), build(encoding=encoding)
    x, gradients = torch.rand(7, slow.config.sizes[0], generator=torch.Generator().manual_seed(1)), []
    assert all(torch.equal(a, b) for a, b in zip(slow(x), fast(x), strict=True))
    for net in (slow, fast):
        functional.cross_entropy(net.readout(*net(x)), torch.arange(7) % 3).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    assert functional.cosine_similarity(*gradients, dim=0) > 0.9999
    assert 0 < (gradients[0] - gradients[1]).norm() < 0.02 * gradients[0].norm()  # bfloat16 keeps 8 bits


@pytest.mark.parametrize("build", [network, convolutional])
def test_a_folded_norm_gives_nearly_the_same_spikes(build):
    torch.manual_seed(0)
    net = build(norm="batch-running", input_bits=2)
    x = torch.rand(200, net.config.sizes[0], generator=torch.Generator().manual_seed(1))
    for norm in net.norms:
        torch.nn.init.uniform_(norm.weight, -1.5, 1.5)
        torch.nn.init.uniform_(norm.bias, -0.2, 0.2)
    for _ in range(30):
        net(x)  # running statistics
    net.eval()
    folded = net.folded()
    assert folded.config.norm == "none" and (folded.neurons[0].bias != 0).any()
    for (ours, _), (theirs, _) in zip(net.record(x), folded.record(x), strict=True):
        assert ours.mean() > 0.01
        assert (ours != theirs).float().mean() < 0.03 * ours.mean()


def test_batch_statistics_depend_on_the_batch_and_running_ones_do_not():
    for norm, depends in (("batch-running", False), ("batch-statistics", True)):
        net, x = network(norm=norm), images()
        net(x)
        net.eval()
        assert torch.equal(net(x)[1][:, :3], net(x[:3])[1]) != depends


def test_only_running_statistics_fold():
    with pytest.raises(ValueError, match="only norm='batch-running'"):
        network(norm="batch-statistics").folded()
    with pytest.raises(ValueError, match="only norm='batch-running'"):
        network().folded()
