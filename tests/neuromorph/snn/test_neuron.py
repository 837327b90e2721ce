import gc
import weakref

import pytest
import torch
from snntorch._neurons.neurons import SpikingNeuron

from neuromorph.snn import ChipLeaky


def step_by_step(neuron, current):
    mem, spikes, membranes = torch.zeros_like(current[0]), [], []
    for step in current:
        spk, mem = neuron(step, mem)
        spikes.append(spk)
        membranes.append(mem)
    return torch.stack(spikes), torch.stack(membranes)


def integer_recurrence(current, dv, vth):
    """Python integers, one neuron at a time."""
    steps, batch, width = current.shape
    spikes, membranes = torch.zeros(current.shape), torch.zeros(current.shape)
    for b in range(batch):
        for n in range(width):
            v = 0
            for t in range(steps):
                decayed = abs(v) * (4096 - dv) // 4096
                v = (decayed if v >= 0 else -decayed) + int(current[t, b, n])
                v = max(-(2**23 - 1), min(2**23 - 1, v))
                membranes[t, b, n] = v
                if v > 64 * vth:
                    spikes[t, b, n] = 1
                    v = 0
    return spikes, membranes


@pytest.mark.parametrize("dv", [0, 1, 410, 2048, 4095])
@pytest.mark.parametrize("size", [40, 2_000_000])  # the second reaches the clip at 2^23 - 1
def test_equals_integer_recurrence(dv, size):
    vth = 20 if size == 40 else 131071
    current = 64 * torch.randint(-size // 2, size, (12, 3, 8), generator=torch.Generator().manual_seed(dv)).float()
    neuron = ChipLeaky(dv, vth)
    spikes, membranes = integer_recurrence(current, dv, vth)
    assert 0 < spikes.sum() < spikes.numel()
    for found in (neuron.sequence(current / 64, 12), step_by_step(neuron, current)):
        assert torch.equal(found[0], spikes)
        assert torch.equal(found[1], membranes)


def test_rounding_differs_from_stock_leaky():
    """A negative membrane is rounded towards zero: -65 * (4095/4096) is -64 on the chip and -64.98 in snnTorch."""
    current = torch.tensor([[[-65.0]], [[0.0]]])
    assert ChipLeaky(1, 5).sequence(current / 64, 2)[1].flatten().tolist() == [-65.0, -64.0]


def test_a_sequence_of_images_is_that_of_its_pixels_whatever_their_order_in_memory():
    generator = torch.Generator().manual_seed(0)
    current = torch.randint(-10, 15, (4, 3, 2, 5, 6), generator=generator).float()
    neuron = ChipLeaky(410, torch.tensor([3, 9]).view(2, 1, 1), torch.tensor([-64, 70]).view(2, 1, 1))
    last = current.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, (4, 3))
    for whole in (current, last):
        records = neuron.sequence(whole, 4)
        for k, (vth, bias) in enumerate(((3, -64), (9, 70))):
            alone = ChipLeaky(410, vth, bias).sequence(current[:, :, k].flatten(2), 4)
            assert all(torch.equal(r[:, :, k].flatten(2), a) for r, a in zip(records, alone, strict=True))


def test_sequence_has_the_gradient_of_single_steps():
    torch.manual_seed(0)
    current = (64 * torch.randint(-10, 15, (8, 4, 6)).float()).requires_grad_()
    weights = torch.randn(2, 8, 4, 6)
    gradients = []
    for records in (lambda c: ChipLeaky(410, 12).sequence(c / 64, 8), lambda c: step_by_step(ChipLeaky(410, 12), c)):
        spk, mem = records(current)
        assert 0 < spk.sum() < spk.numel()
        (gradient,) = torch.autograd.grad((weights[0] * spk + weights[1] * mem / 768).sum(), current)
        gradients.append(gradient)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-7)


def test_neurons_are_not_kept_alive():
    count = len(SpikingNeuron.instances)
    neuron = ChipLeaky(0, 1)
    neuron(torch.zeros(2, 3), torch.zeros(2, 3))
    ref = weakref.ref(neuron)
    del neuron
    gc.collect()
    assert ref() is None
    assert len(SpikingNeuron.instances) == count


@pytest.mark.parametrize(("dv", "vth", "name"), [(4096, 1, "dv"), (-1, 1, "dv"), (0, 0, "vth"), (0, 131072, "vth")])
def test_widths_are_checked(dv, vth, name):
    with pytest.raises(ValueError, match=name):
        ChipLeaky(dv, vth)


def test_per_neuron_threshold_and_bias():
    vth, bias = torch.tensor([10, 20, 30]), torch.tensor([0, 64, -640])
    activation = torch.randint(-10, 15, (9, 2, 3), generator=torch.Generator().manual_seed(0)).float()
    spk, mem = ChipLeaky(410, vth, bias).sequence(activation, 9)
    for n in range(3):
        current = 64 * activation[..., n : n + 1] + bias[n]
        spikes, membranes = integer_recurrence(current, 410, int(vth[n]))
        assert torch.equal(spk[..., n : n + 1], spikes) and torch.equal(mem[..., n : n + 1], membranes)
    found = step_by_step(ChipLeaky(410, vth, bias), 64 * activation)
    assert torch.equal(found[0], spk) and torch.equal(found[1], mem)


@pytest.mark.parametrize("fast", [False, True])
def test_constant_activation_equals_the_same_at_each_step(fast):
    activation = torch.randint(-10, 15, (1, 4, 6), generator=torch.Generator().manual_seed(0)).float()
    activation.requires_grad_()
    neuron, weights = ChipLeaky(410, 12), torch.randn(2, 7, 4, 6)
    results = []
    for shown in (activation, activation.expand(7, 4, 6).contiguous()):
        spk, mem = neuron.sequence(shown, 7, fast)
        (gradient,) = torch.autograd.grad((weights[0] * spk + weights[1] * mem / 768).sum(), activation)
        results.append((spk, mem, gradient))
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1], results[1][1])
    torch.testing.assert_close(results[0][2], results[1][2], rtol=1e-4, atol=1e-6)


def test_compiled_loop_gives_the_same_spikes():
    activation = torch.randint(-10, 15, (8, 4, 40), generator=torch.Generator().manual_seed(0)).float()
    assert all(
        torch.equal(a, b)
        for a, b in zip(
            ChipLeaky(410, 12).sequence(activation, 8), ChipLeaky(410, 12).sequence(activation, 8, True), strict=True
        )
    )


def test_a_fractional_threshold_is_refused():
    with pytest.raises(ValueError, match="vth must be an integer"):
        ChipLeaky(0, torch.tensor([1.5]))
    with pytest.raises(ValueError, match="bias must be an integer"):
        ChipLeaky(0, 1, torch.tensor([1.5]))
