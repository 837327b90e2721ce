"""Operations against sums by hand."""

import math

import numpy as np
import torch

from fusi_models import HiddenWeight
from neuromorph.learners import DeepConfig, DeepLearner, TorchLearner
from neuromorph.snn import Convolution, SpikingBNN
from neuromorph.snn.baselines import ControlConfig, SpikingConfig
from neuromorph.snn.cost import inference_cost
from neuromorph.snn.fine_tuning import Levels
from neuromorph.snn.memristor import MemristorConfig

X = torch.rand(5, 16, generator=torch.Generator().manual_seed(0))


def built(config):
    return config.build(torch.Generator().manual_seed(1)).eval()


def test_graded_input_is_multiplied_at_every_step_and_spikes_are_added():
    network = SpikingBNN((16, 8, 4), num_steps=3, generator=torch.Generator().manual_seed(1))
    first, second = network.record(X)
    found = inference_cost(network, X)
    assert found.multiply_accumulates == 3 * 8 * ((15 * X).round() != 0).sum().item() / 5
    assert found.accumulates == 4 * first[0].sum().item() / 5 > 0
    assert found.spikes == (first[0].sum() + second[0].sum()).item() / 5
    assert (found.synapses, found.weight_bytes) == (160, 20.0)
    assert inference_cost(built(SpikingConfig((16, 8, 4), num_steps=3)), X).accumulates == found.accumulates


def test_every_pair_of_a_convolution_counts_once():
    network = SpikingBNN((16, 2), num_steps=1, input_bits=1, image=(1, 4, 4), convolutions=(Convolution(3, 3, 1, 1),))
    ones = torch.ones(1, 16)
    found = inference_cost(network, ones)
    spikes = network.record(ones)[0][0].sum().item()
    assert found.accumulates == 3 * 100 + 2 * spikes  # 100: pixels that lie under a 3x3 kernel on a padded 4x4 image


def test_networks_without_spikes():
    real, binary = built(ControlConfig((16, 8, 4), binary=False)), built(ControlConfig((16, 8, 4)))
    assert inference_cost(binary, X).accumulates == 32 and inference_cost(binary, X).weight_bytes == 20
    eight = built(ControlConfig((16, 8, 4), weights=MemristorConfig(levels=8, spread=0.1)))
    assert inference_cost(eight, X).weight_bytes == 160 * 3 / 8  # the number of a level
    assert Levels(4, X).packed_bits == 4
    found = inference_cost(real, X)
    assert found.multiply_accumulates <= 160 and found.accumulates == 0 and found.weight_bytes == 640
    assert math.isnan(found.spikes)


def test_learners_count_too_and_nothing_is_left_behind():
    deep = DeepLearner(DeepConfig((16, 8, 4), num_steps=3, encoding="rate"))
    before = deep.predict(X.numpy())
    assert deep.cost(X.numpy()).multiply_accumulates == 0 < deep.cost(X.numpy()).accumulates
    assert not deep.network.watchers and (deep.predict(X.numpy()) == before).all()
    local = TorchLearner(HiddenWeight(2), 16, 4, seeds=(0, 1))
    found = local.cost(np.stack([X.numpy()] * 2, 1))
    assert found.synapses == 16 * 80 and 10 * found.accumulates % 80 == 0
