import pytest
import snntorch
import torch

from neuromorph.snn import BinaryConv2d, BinaryLinear, binarize


def test_sign_of_zero_is_plus_one_and_gradient_is_identity():
    hidden = torch.tensor([-2.0, -0.0, 0.0, 1e-30, 3.0], requires_grad=True)
    signs = binarize(hidden)
    assert signs.tolist() == [-1.0, 1.0, 1.0, 1.0, 1.0]
    (signs * torch.arange(5.0)).sum().backward()
    assert hidden.grad.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]  # also beyond |1|: hidden weights are never clipped


def test_is_a_linear_layer_of_signs():
    layer = BinaryLinear(7, 3)
    x = torch.randn(5, 7)
    assert isinstance(layer, torch.nn.Linear) and layer.bias is None
    torch.testing.assert_close(layer(x), x @ torch.where(layer.weight >= 0, 1.0, -1.0).T)
    layer(x).sum().backward()
    torch.testing.assert_close(layer.weight.grad, x.sum(0).expand(3, 7))


def test_hidden_weights_start_uniform_and_repeat_by_generator():
    layer = BinaryLinear(300, 300, init=0.2)
    weight = layer.weight.detach()
    assert weight.abs().max() <= 0.2
    se = 0.2 / 3**0.5 / 300  # standard error of the mean of a uniform on +-0.2
    assert abs(weight.mean().item()) < 5 * se
    assert abs(weight.abs().mean().item() - 0.1) < 5 * se
    layer.reset_parameters(torch.Generator().manual_seed(1))
    first = layer.weight.detach().clone()
    layer.reset_parameters(torch.Generator().manual_seed(1))
    assert torch.equal(first, layer.weight)


def test_is_a_convolution_of_signs():
    layer = BinaryConv2d(2, 3, 3, stride=2, padding=1)
    x = torch.randn(4, 2, 8, 8)
    assert isinstance(layer, torch.nn.Conv2d) and layer.bias is None
    signs = torch.where(layer.weight >= 0, 1.0, -1.0)
    torch.testing.assert_close(layer(x), torch.nn.functional.conv2d(x, signs, stride=2, padding=1))


def test_drop_in_for_a_snntorch_network():
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        BinaryConv2d(1, 2, 3),
        snntorch.Leaky(0.9, init_hidden=True),
        torch.nn.Flatten(),
        BinaryLinear(2 * 6 * 6, 4),
        snntorch.Leaky(0.9, init_hidden=True, output=True),
    )
    spk, mem = net(3 * torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    (spk.sum() + mem.sum()).backward()
    assert spk.shape == (3, 4) and all(p.grad.abs().sum() > 0 for p in net.parameters())


def test_init_must_be_positive():
    for build in (lambda: BinaryLinear(2, 2, init=0.0), lambda: BinaryConv2d(2, 2, 3, init=float("nan"))):
        with pytest.raises(ValueError, match="init"):
            build()
