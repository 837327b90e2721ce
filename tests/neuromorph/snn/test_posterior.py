import numpy as np
import pytest
import torch
from scipy.integrate import quad

from neuromorph.snn.posterior import BernoulliConfig, GaussianConfig
from neuromorph.snn.sampled import SampledConfig, SampledNetwork, gate

LATENTS = [-3.0, -0.6, -0.5, -0.1, 0.0, 1e-4, 0.3, 0.3999, 0.4001, 1.2, 4.0]


def relaxed(latent, power):
    return quad(lambda r: np.tanh(latent + np.arctanh(r)) ** power / 2, -1, 1)[0]


def test_moments_of_relaxed_signs_are_their_integrals():
    latent = torch.tensor(LATENTS, dtype=torch.float64, requires_grad=True)
    mean, variance = BernoulliConfig().build(latent.shape).moments(latent)
    expected = np.array([(relaxed(v, 1), relaxed(v, 2) - relaxed(v, 1) ** 2) for v in LATENTS]).T
    np.testing.assert_allclose(mean.detach(), expected[0], atol=5e-8)
    np.testing.assert_allclose(variance.detach(), expected[1], atol=5e-8)
    moments = BernoulliConfig().build(latent.shape).moments
    assert torch.autograd.gradcheck(moments, latent, eps=1e-5, atol=1e-6)


def network(weights, samples=3, **options):
    config = SampledConfig((4, 5, 3), weights, samples, init=2.0, standard=(0.4, 0.5), **options)
    return SampledNetwork(config, torch.Generator().manual_seed(0)).double()


FORMS = [GaussianConfig(), GaussianConfig(local=False), BernoulliConfig(), BernoulliConfig(local=False)]
X = torch.rand(2, 4, generator=torch.Generator().manual_seed(1)).double()


def loss(net, draws=0):
    for form in net.forms:
        form.draws.fill_(draws)
    return -net.scores(X)[[0, 1], [2, 0]].sum()


@pytest.mark.parametrize("weights", FORMS)
@pytest.mark.parametrize("normed", [False, True])
def test_the_gradient_is_the_slope_of_the_loss_with_the_same_draw(weights, normed):
    net = network(weights, normed=normed)
    loss(net).backward()
    for values in net.parameters():
        for place in (0, 3):
            kept, step = values.data.view(-1)[place].item(), 1e-6
            found = []
            for moved in (kept + step, kept - step):
                values.data.view(-1)[place] = moved
                found.append(loss(net).item())
            values.data.view(-1)[place] = kept
            assert values.grad.view(-1)[place].item() == pytest.approx((found[0] - found[1]) / 2 / step, abs=2e-6)


def gradients(weights, count):
    """Many estimates from one sample of x, [draw, number]."""
    net = network(weights, samples=1)
    found = []
    for draw in range(count):
        for form in net.forms:
            form.draws.fill_(draw)
        net.zero_grad()
        (-net.scores(X[:1])[0, 2]).backward()
        found.append(torch.cat([p.grad.view(-1) for p in net.parameters()]).numpy())
    return np.array(found)


def test_one_number_a_sum_estimates_the_same_gradient_with_less_noise():
    one, each = (gradients(GaussianConfig(local=local), 400) for local in (True, False))
    z = (one.mean(0) - each.mean(0)) / np.sqrt((one.var(0) + each.var(0)) / 400 + 1e-12)
    assert np.abs(z).max() < 4.5
    first = slice(20, 40)  # the deviations of the first layer
    assert one[:, first].var(0).mean() < 0.7 * each[:, first].var(0).mean()


@pytest.mark.parametrize("weights", [GaussianConfig(), BernoulliConfig()])
def test_a_prediction_draws_the_same_weights_each_time_and_moves_nothing(weights):
    net = network(weights).eval()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    together, alone = net(X), net(X[1:])
    assert torch.equal(together, net(X))
    torch.testing.assert_close(together[:, 1:], alone)  # a neighbour makes no difference but for rounding
    assert (together[0] != together[1]).any()
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_signs_are_signs_when_they_predict_with_the_mean_that_they_claim():
    latent = torch.linspace(-2, 2, 5).expand(4000, 5)
    values = BernoulliConfig().build(latent.shape, torch.Generator().manual_seed(0)).eval()(latent)
    assert set(values.unique().tolist()) == {-1.0, 1.0}
    torch.testing.assert_close(values.mean(0), torch.tanh(latent[0]), atol=4 / 4000**0.5, rtol=0)


def test_the_gate_and_its_slope():
    z = torch.tensor([-2.0, -1.2, -0.8, -0.2, 0.2, 0.8, 1.2, 2.0], requires_grad=True)
    gate(z).sum().backward()
    assert gate(z).tolist() == [1, 1, 0, 0, 0, 0, 1, 1]
    assert z.grad.tolist() == [0, -1, -1, 0, 0, 1, 1, 0]


def test_scores_are_mean_logarithms_while_it_learns_and_the_logarithm_of_the_mean_in_a_prediction():
    net = network(GaussianConfig(deviation=0.0), samples=4)
    torch.testing.assert_close(net.train().scores(X), net.eval().scores(X))  # without spread they agree
    net = network(GaussianConfig()).eval()
    torch.testing.assert_close(net.scores(X).exp(), net(X).softmax(-1).mean(0))
    net.train()
    for form in net.forms:
        form.draws.fill_(0)
    logs = net.scores(X)
    for form in net.forms:
        form.draws.fill_(0)
    torch.testing.assert_close(logs, net(X).log_softmax(-1).mean(0))


@pytest.mark.parametrize(
    "options", [{"samples": 0}, {"sizes": (3,)}, {"activation": "sign"}, {"init": 0.0}, {"standard": (0.0, 0.0)}]
)
def test_impossible_choices_are_refused(options):
    with pytest.raises(ValueError):
        SampledConfig(**options)
    for deviation, match in ((-1.0, "of at least 0, got -1"), (1e300, "at most 1e.06")):
        with pytest.raises(ValueError, match=f"deviation must be .*{match}"):
            GaussianConfig(deviation=deviation)
