import pytest
import torch

from neuromorph.snn import BinaryLinear, binarize


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


def test_init_must_be_positive():
    with pytest.raises(ValueError, match="init"):
        BinaryLinear(2, 2, init=0.0)
