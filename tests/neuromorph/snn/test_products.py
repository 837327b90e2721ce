import pytest
import torch
from torch.nn import functional

from neuromorph.snn import products
from neuromorph.snn.weights import Signs


def operands():
    generator = torch.Generator().manual_seed(0)
    messages = torch.randint(0, 16, (5, 30, 400), generator=generator).float().requires_grad_()
    hidden = torch.randn(20, 400, generator=generator).requires_grad_()
    return messages, hidden, torch.randn(5, 30, 20, generator=generator)


def test_forward_is_exact_beyond_what_bfloat16_holds():
    messages, hidden, _ = operands()
    expected = messages.detach().double() @ torch.where(hidden >= 0, 1.0, -1.0).double().T
    assert expected.abs().max() > 256  # above 2^8 bfloat16 skips integers
    assert torch.equal(Signs().linear(messages, hidden, 127, rounded=True).double(), expected)


def test_gradients_are_those_of_float32_rounded():
    messages, hidden, weights = operands()
    found = torch.autograd.grad(
        (Signs().linear(messages, hidden, 127, rounded=True) * weights).sum(), (messages, hidden)
    )
    signs = torch.where(hidden >= 0, 1.0, -1.0)
    flat = weights.flatten(0, 1)
    for ours, exact in zip(found, (weights @ signs, flat.T @ messages.detach().flatten(0, 1)), strict=True):
        assert (ours - exact).norm() < 0.01 * exact.norm()


def test_messages_that_need_no_gradient():
    messages, hidden, weights = operands()
    (Signs().linear(messages.detach(), hidden, 127, rounded=True) * weights).sum().backward()
    assert messages.grad is None and hidden.grad.abs().sum() > 0


def images(channels, largest, stride=2):
    generator = torch.Generator().manual_seed(0)
    messages = torch.randint(0, largest + 1, (6, channels, 9, 8), generator=generator).float().requires_grad_()
    hidden = torch.randn(5, channels, 3, 3, generator=generator).requires_grad_()
    signs = torch.where(hidden >= 0, 1.0, -1.0).detach().requires_grad_()
    expected = functional.conv2d(messages, signs, None, stride, 1)
    weights = torch.randn(expected.shape, generator=generator)
    return messages, hidden, signs, expected, weights


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize(("channels", "largest"), [(3, 1), (70, 1), (2, 15), (2, 127)])
def test_a_convolution_is_exact(channels, largest, short, monkeypatch):
    monkeypatch.setattr(products, "_short_products", lambda device: short)
    messages, hidden, _, expected, _ = images(channels, largest)
    assert torch.equal(Signs().convolve(messages, hidden, largest, 2, 1, rounded=True), expected)


def test_the_gradients_of_a_convolution_are_those_of_float32_rounded():
    messages, hidden, signs, expected, weights = images(70, 1)
    found = torch.autograd.grad(
        (Signs().convolve(messages, hidden, 1, 2, 1, rounded=True) * weights).sum(), (messages, hidden)
    )
    for ours, exact in zip(found, torch.autograd.grad((expected * weights).sum(), (messages, signs)), strict=True):
        assert (ours - exact).norm() < 0.01 * exact.norm()
