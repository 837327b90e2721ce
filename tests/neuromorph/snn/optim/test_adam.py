import pytest
import torch

from neuromorph.snn.optim.adam import CheckedOptimizer, adam_step

GROUP = {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3}


class Plain(CheckedOptimizer):
    """Subtract lr times the gradient."""

    numbers = ("lr",)

    def __init__(self, params, lr=0.1, betas=(0.9, 0.99)):
        super().__init__(params, {"lr": lr, "betas": betas})

    def _update_group(self, params, group):
        for param in params:
            param.sub_(param.grad, alpha=group["lr"])


def test_adam_s_step_is_torch_s():
    generator = torch.Generator().manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.ones(4, 5, dtype=torch.float64)) for _ in "ab")
    state, adam = {}, torch.optim.Adam([theirs], **GROUP)
    for _ in range(20):
        theirs.grad = torch.randn(4, 5, generator=generator, dtype=torch.float64)
        adam.step()
        ours.data.sub_(adam_step(state, theirs.grad, GROUP))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_published_eps_enters_before_the_bias_correction():
    """First step: mu = (1 - b1) g, nu = (1 - b2) g^2, step = lr sqrt(1 - b2) / (1 - b1) mu / (sqrt(nu) + eps)."""
    grad = torch.tensor([1e-3, 2.0], dtype=torch.float64)
    expected = 0.02 * 0.05**0.5 / 0.2 * (0.2 * grad) / ((0.05 * grad**2).sqrt() + 1e-3)
    torch.testing.assert_close(adam_step({}, grad, GROUP, published_eps=True), expected, rtol=1e-12, atol=0)
    assert (adam_step({}, grad, GROUP) - expected).abs().max() > 1e-4


def test_walks_over_parameters_with_a_gradient_and_returns_the_closure_s_loss():
    a, b = (torch.nn.Parameter(torch.ones(2)) for _ in "ab")
    optimiser = Plain([a, b])

    def closure():
        loss = (3 * a).sum()
        loss.backward()
        return loss

    assert optimiser.step(closure).item() == 6.0
    torch.testing.assert_close(a.detach(), torch.full((2,), 0.7))
    assert torch.equal(b.detach(), torch.ones(2))


@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"lr": float("nan")}, {"lr": float("inf")}, {"betas": (1.0, 0.9)}])
def test_wrong_groups_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Plain([{"params": [torch.nn.Parameter(torch.ones(2))], **wrong}])
