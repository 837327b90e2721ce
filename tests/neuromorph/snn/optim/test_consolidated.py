import copy
import io
import math

import numpy as np
import pytest
import torch

from fusi_models import BennaFusi, BinaryUncertainty, HiddenWeight, cascade, plain
from fusi_models.models.integer import fixed_point
from fusi_models.models.staircase import Staircase
from neuromorph.snn import BinaryLinear, Consolidated, Metaplastic

START = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)) * 0.1
GRADS = torch.randn(40, 6, 5, generator=torch.Generator().manual_seed(1))
MODELS = [HiddenWeight(3.0, 1.0, math.inf, leak=0.01), BinaryUncertainty(), BennaFusi(4, binary=True)]


def walk(make, start=START, grads=GRADS):
    param = torch.nn.Parameter(start.clone())
    optimiser = make([param])
    for grad in grads:
        param.grad = grad.clone()
        optimiser.step()
    return param.detach(), optimiser


@pytest.mark.parametrize("variance", ["weight", "layer"])
@pytest.mark.parametrize("m", [0.0, 4.0])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_with_a_hidden_weight_it_is_the_metaplastic_optimiser(m, kind, variance):
    start, grads = START.to(kind), GRADS.to(kind)
    synapse = HiddenWeight(m, 1.0, math.inf)
    found, _ = walk(lambda p: Consolidated(p, synapse, 0.05, (0.8, 0.95), variance=variance), start, grads)
    expected, _ = walk(lambda p: Metaplastic(p, lr=0.05, m=m, betas=(0.8, 0.95), variance=variance), start, grads)
    assert found.dtype == kind
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6 if kind == torch.float32 else 1e-12)
    assert (found - start).abs().max() > 0.1


def test_a_chain_is_that_of_numpy_with_the_same_drive():
    chain = BennaFusi(3, binary=True)
    found, optimiser = walk(lambda p: Consolidated(p, chain, 0.05, drive="gradient"))
    state = np.repeat(START.double().numpy()[..., None], 3, -1)
    for grad in GRADS:
        state = chain.step(state, -0.05 * grad.double().numpy())
    levels = [found, *(next(iter(optimiser.state.values()))[name] for name in ("u2", "u3"))]
    np.testing.assert_allclose(torch.stack(levels, -1).numpy(), state, atol=1e-6)
    assert np.abs(state[..., 0] - state[..., 2]).max() > 0.05


@pytest.mark.parametrize("synapse", MODELS, ids=lambda s: s.name)
@pytest.mark.parametrize("drive", ["adam", "gradient"])
def test_resumes_bit_by_bit_from_a_safe_file(synapse, drive):
    def make(params):
        return Consolidated(params, synapse, lr=0.03, drive=drive)

    whole, _ = walk(make)
    half, optimiser = walk(make, grads=GRADS[:20])
    file = io.BytesIO()
    torch.save(optimiser.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)

    def resumed(params):
        again = make(params)
        again.load_state_dict(copy.deepcopy(state))
        return again

    found, _ = walk(resumed, half, GRADS[20:])
    assert torch.equal(found, whole) and not torch.equal(half, whole)


@pytest.mark.parametrize("synapse", MODELS, ids=lambda s: s.name)
def test_a_binary_layer_learns_with_every_model(synapse):
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    teacher, layer = torch.randn(20, generator=generator).sign(), BinaryLinear(20, 1, bias=True)
    optimiser = Consolidated(layer.parameters(), synapse, lr=0.02)
    for _ in range(60):
        x = torch.randn(64, 20, generator=generator)
        optimiser.zero_grad()
        (layer(x)[:, 0] - x @ teacher).square().mean().backward()
        optimiser.step()
    assert ((layer.weight[0] >= 0) == (teacher > 0)).float().mean() > 0.85
    assert layer.bias.abs().max() > 0


def test_biases_take_plain_adam_steps():
    found, _ = walk(lambda p: Consolidated(p, MODELS[2], lr=0.01), START[0], GRADS[:, 0])
    expected, _ = walk(lambda p: torch.optim.Adam(p, lr=0.01), START[0], GRADS[:, 0])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    "synapse",
    [plain(0.1), cascade(3), BennaFusi(2, values=(8, 8)), fixed_point(HiddenWeight(2.0)), Staircase()],
    ids=str,
)
def test_synapses_of_events_are_refused(synapse):
    with pytest.raises(ValueError, match="is no continuous deterministic synapse"):
        Consolidated([torch.nn.Parameter(START.clone())], synapse)


@pytest.mark.parametrize(
    "wrong", [{"lr": float("nan")}, {"eps": -1.0}, {"betas": (1.0, 0.9)}, {"drive": "sgd"}], ids=str
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Consolidated([torch.nn.Parameter(START.clone())], HiddenWeight(1.0), **wrong)


def test_complex_parameters_and_sparse_gradients_are_refused():
    with pytest.raises(ValueError, match="a complex parameter has no sign"):
        Consolidated([torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))], HiddenWeight(1.0))
    table = torch.nn.Embedding(4, 3, sparse=True)
    table(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(ValueError, match="sparse gradients are not supported"):
        Consolidated(table.parameters(), HiddenWeight(1.0)).step()
