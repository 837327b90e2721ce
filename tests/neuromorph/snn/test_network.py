import copy

import pytest
import torch

from neuromorph.snn import NetworkConfig, SpikingBNN


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
        ({"sizes": (784, 10), "input_bits": 8}, "layer 1.*784 inputs.*fewer input_bits"),
    ],
)
def test_wrong_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**{"sizes": (20, 16, 5), **options})
