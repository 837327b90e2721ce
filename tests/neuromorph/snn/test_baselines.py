import numpy as np
import pytest
import torch
from torch.nn import functional

from neuromorph.snn.baselines import ControlConfig, ControlNetwork, DrawnGainConfig, SpikingConfig, sign
from neuromorph.snn.network import SpikingBNN

torch.set_num_threads(1)


def network(seed=0, features=16, **options):
    return ControlConfig((features, 12, 5), **options).build(torch.Generator().manual_seed(seed))


def samples(count=8, features=16, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random((count, features), np.float32))


def test_sign_activation_has_the_gradient_of_the_hard_tanh():
    z = torch.tensor([-2.0, -1.0, -0.3, 0.0, 0.3, 1.0, 1.1], requires_grad=True)
    found = sign(z)
    assert found.tolist() == [-1, -1, -1, 1, 1, 1, 1]
    (found * torch.arange(1.0, 8)).sum().backward()
    assert z.grad.tolist() == [0, 2, 3, 4, 5, 6, 0]


def test_a_binary_network_equals_its_equation_in_numpy():
    net, x = network(), samples(20).numpy()
    scores = net.train()(torch.from_numpy(x)).detach().numpy()
    for k, weight in enumerate(net.weights()):
        a = x @ np.where(weight.detach().numpy() >= 0, 1, -1).T.astype(np.float32)
        z = (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-5)
        x = np.where(z >= 0, 1, -1).astype(np.float32) if k == 0 else z
    np.testing.assert_allclose(scores, x, atol=1e-4)


def test_a_full_precision_network_equals_its_equation_in_numpy():
    net, x = network(binary=False, norm="none"), samples().numpy()
    first, second = (w.detach().numpy() for w in net.weights())
    np.testing.assert_allclose(net(torch.from_numpy(x)).detach(), np.maximum(x @ first.T, 0) @ second.T, atol=1e-5)
    assert max(w.abs().max() for w in net.weights()) <= 0.05


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("norm", ["batch-running", "batch-statistics", "instance", "none"])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("channels", [(), (1, 3)])
def test_only_batch_statistics_let_neighbours_matter(binary, norm, affine, channels):
    net, x = network(binary=binary, norm=norm, affine=affine, channels=channels, features=36), samples(8, 36)
    net.train()(samples(30, 36, seed=1))
    net.eval()
    alone, together = net(x[:3]), net(x)[:3]
    assert torch.allclose(alone, together, atol=1e-5) == (norm != "batch-statistics")
    learned = [p for p in net.parameters() if p.dim() == 1]
    assert bool(learned) == (affine and norm != "none")
    assert all(w.requires_grad for w in net.weights()) and net(x).shape == (8, 5)


def test_running_statistics_follow_training_only():
    net, x = network(), samples()
    before = net.norms[0].running_mean.clone()
    net.eval()(x)
    assert torch.equal(net.norms[0].running_mean, before)
    net.train()(x)
    assert not torch.equal(net.norms[0].running_mean, before)


def test_the_network_for_mnist_and_usps():
    """28 pixels -> 27, pooled 13 -> 12, pooled 6 -> 5, pooled 2: 30 * 2 * 2 inputs of the last layer."""
    config = ControlConfig((784, 10), channels=(1, 12, 20, 30), affine=False)
    net = config.build(torch.Generator().manual_seed(0))
    assert [tuple(w.shape) for w in net.weights()] == [(12, 1, 4, 4), (20, 12, 4, 4), (30, 20, 4, 4), (10, 120)]
    scores = net(samples(6, 784))
    scores.square().sum().backward()
    assert scores.shape == (6, 10) and all(w.grad.abs().max() > 0 for w in net.weights())
    same = ControlNetwork(config, torch.Generator().manual_seed(0)).train()(samples(6, 784))
    assert torch.equal(same, scores)


def test_the_loss_depends_on_signs_of_hidden_weights_only():
    net, x = network(norm="instance"), samples()
    before = net(x)
    with torch.no_grad():
        for weight in net.weights():
            weight *= 7
    assert torch.equal(net(x), before)
    assert torch.equal(net.used(net.weights()[0]), torch.where(net.weights()[0] >= 0, 1.0, -1.0))


@pytest.mark.parametrize("binary", [True, False])
def test_two_outputs_of_one_sample_are_not_normalised_to_a_mere_sign(binary):
    """(a, b) over its own mean and deviation is always (1, -1) or (-1, 1): nothing could be learned."""
    config, x = ControlConfig((16, 12, 2), binary, "instance"), samples()
    net = config.build(torch.Generator().manual_seed(0))
    scores = net(x)
    assert len(scores.detach().abs().round(decimals=3).unique()) > 4
    functional.cross_entropy(scores, torch.arange(len(x)) % 2).backward()
    assert all(w.grad.abs().max() > 1e-3 for w in net.weights())


def test_a_threshold_makes_the_input_binary():
    net, x = network(threshold=0.5, norm="none"), samples()
    assert torch.equal(net(x), net((x > 0.5).float()))
    assert not torch.equal(net(x), network(norm="none")(x))


def test_the_spiking_classifier_is_the_spiking_network():
    config = SpikingConfig((16, 12, 5), num_steps=3)
    net = config.build(torch.Generator().manual_seed(3))
    twin = SpikingBNN((16, 12, 5), num_steps=3, generator=torch.Generator().manual_seed(3))
    assert torch.equal(net(samples()), twin.readout(*twin(samples())))
    assert [w.shape for w in net.weights()] == [(12, 16), (5, 12)] and config.norm == "none"
    assert net.used(net.weights()[0]).abs().unique().tolist() == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": (4,)}, "at least inputs and classes"),
        ({"sizes": (4, 0)}, "be positive"),
        ({"sizes": (4, 2), "norm": "layer"}, "no norm 'layer': choose one of batch-running"),
        ({"sizes": (4, 2), "init": 0.0}, "init, .* must be a finite number above 0"),
        ({"sizes": (15, 2), "channels": (1, 2)}, "15 features are no square images"),
        ({"sizes": (16, 2), "channels": (1, 2, 3, 4)}, "too small for 3 convolutions"),
        ({"sizes": (16, 2), "channels": (1, 2), "norm": "instance"}, "one pixel"),
    ],
)
def test_impossible_networks_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ControlConfig(**options)


@pytest.mark.parametrize(("channels", "threshold"), [((), None), ((), 0.5), ((1, 3), None), ((1, 3), 0.5)])
def test_fast_products_give_the_same_scores_and_nearly_the_same_gradients(channels, threshold):
    x, found = samples(30, 36), []
    for fast in (False, True):
        net = network(channels=channels, features=36, threshold=threshold, fast=fast)
        scores = net(x)
        found.append((scores, torch.autograd.grad((scores * samples(30, 5, 1)).sum(), net.weights())))
    (exact, gradients), (scores, rounded) = found
    assert torch.equal(scores, exact)
    for a, b in zip(rounded, gradients, strict=True):
        assert 0 <= (a - b).norm() < 0.03 * b.norm()


def test_fast_products_need_bits():
    with pytest.raises(ValueError, match="binary=True"):
        network(binary=False, fast=True)


def test_gains_are_drawn_where_asked_and_nothing_else_differs():
    def built(kind, **options):
        return kind((20, 300, 5), **options).build(torch.Generator().manual_seed(3))

    plain, drawn = built(ControlConfig), built(DrawnGainConfig)
    gains = torch.cat([norm.weight for norm in drawn.norms])
    assert 0 < gains.min() < 0.05 and 0.95 < gains.max() < 1 and abs(gains.mean() - 0.5) < 0.05
    assert all((norm.weight == 1).all() for norm in plain.norms)
    assert all(torch.equal(a, b) for a, b in zip(plain.weights(), drawn.weights(), strict=True))
    for options in ({"norm": "none"}, {"affine": False}):
        with pytest.raises(ValueError, match="scale"):
            DrawnGainConfig((20, 5), **options)
