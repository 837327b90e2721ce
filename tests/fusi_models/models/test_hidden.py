import numpy as np
import pytest
import torch

from fusi_models import BennaFusi, BinaryUncertainty, HiddenWeight, memory_curve, monte_carlo
from fusi_models.models.integer import fixed_point
from fusi_models.models.staircase import closest_staircase
from fusi_models.theory.transient import fresh_chain

MODELS = [
    HiddenWeight(3.0),
    HiddenWeight(3.0, leak=0.05),
    HiddenWeight(3.0, bound=np.inf, leak=0.05),
    BinaryUncertainty(),
    BinaryUncertainty(50, 4.9, 0.0023, 161.3, 3.76, np.inf),
]
H = np.linspace(-1, 1, 41)


def written_out(model, h, drive):
    """The equations of the module's head for one synapse, in the plainest form."""
    if drive == 0:
        return h
    if isinstance(model, HiddenWeight):
        f = 1 - np.tanh(model.m * h) ** 2 if drive * h < 0 else 1.0
        after = h + model.step_size * drive * f - model.leak * h
    else:
        t, k = np.tanh(h), model.kl
        g = -model.likelihood * drive * (1 - t**2)
        below = k * (1 - t**2) + 2 * g * t + 2 * abs(g) + 1 / model.lr_max
        after = h - (model.lr * g + h * k * (1 - t**2) / model.window) / below
    return min(max(after, -model.bound), model.bound)


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("drive", [-1, 0, 1, 0.37, -2.5])
def test_equals_the_equation_written_out(model, drive):
    expected = [written_out(model, h, drive) for h in H]
    np.testing.assert_allclose(model.step(H, np.full(H.shape, drive)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_tensors_keep_their_type_and_make_the_same_step(model):
    drive = np.tile([-1.0, 0.0, 1.0], 14)[: len(H)]
    for kind, close in ((torch.float64, 1e-13), (torch.float32, 1e-5)):
        found = model.step(torch.tensor(H, dtype=kind), torch.tensor(drive, dtype=kind))
        assert found.dtype == kind
        np.testing.assert_allclose(found.numpy(), model.step(H, drive), atol=close)


def test_lattice_of_hidden_weight_agrees_with_the_weight_itself():
    # a step that does not divide the range: no rounding accidents at the bounds
    syn, times = HiddenWeight(m=0.8, step_size=0.23), np.array([0, 1, 5, 20, 60])
    run = monte_carlo(syn, times, 2000, 40, np.random.default_rng(2), burn_in=300)
    theory = memory_curve(syn, times, 2000)
    assert np.all(np.abs(run.signal - theory.signal) < 4 * run.error + 0.01 * theory.signal)
    assert theory.signal[0] > 20 * run.error[0]
    levels = np.linspace(-1, 1, 50)
    np.testing.assert_allclose(syn.lattice(50).potentiation @ levels, syn.step(levels, 1), atol=1e-12)


@pytest.mark.parametrize("model", [HiddenWeight(0.8, 0.23, leak=0.1), BinaryUncertainty(3, 0.3, bound=2.0)], ids=str)
def test_lattices_of_the_remedies_agree_with_simulation(model):
    times = np.array([0, 1, 3, 8])
    run = monte_carlo(model, times, 2000, 40, np.random.default_rng(3), burn_in=300)
    theory = memory_curve(model, times, 2000)
    assert np.all(np.abs(run.signal - theory.signal) < 4 * run.error + 0.02 * theory.signal[0])
    assert theory.signal[0] > 20 * run.error[0]


def after_events(model, drive, count, start=0.0):
    h = np.array([start])
    for _ in range(count):
        h = model.step(h, np.array([drive]))
    return float(h[0])


def test_a_leak_bounds_h_and_forgets_within_its_window():
    model = HiddenWeight(3.0, 0.02, bound=np.inf, leak=0.01)
    assert after_events(model, 1.0, 3000) == pytest.approx(0.02 / 0.01, rel=1e-6)
    assert after_events(HiddenWeight(3.0, 0.02, bound=np.inf), 1.0, 3000) == pytest.approx(60)
    frozen, thawing = (after_events(HiddenWeight(8.0, leak=leak), -1.0, 300, start=1.0) for leak in (0.0, 0.01))
    assert frozen > 0.9 and thawing < 0


def test_a_sure_weight_moves_little_and_least_against_its_sign():
    model = BinaryUncertainty(np.inf, bound=np.inf)
    first = float(model.step(np.array([0.0]), np.array([1.0]))[0])
    assert first == pytest.approx(0.08 / (1 + 2 + 1)) and first == pytest.approx(0.02)
    with_it, against = (abs(float(model.step(np.array([1.5]), np.array([d]))[0]) - 1.5) for d in (1.0, -1.0))
    assert 0 < against < with_it < 0.02
    assert after_events(model, -1.0, 3000, start=3.0) < 0  # late, but not frozen


def test_the_window_decides_whether_balanced_events_leave_zero():
    """The linearised limit of the module's head: kl (kl + 2 likelihood + 1 / lr_max) / (2 lr likelihood^2) = 25."""
    rng = np.random.default_rng(0)
    events = rng.choice([-1.0, 1.0], (800, 2000))
    widths = []
    for window in (5.0, 20.0, 100.0, np.inf):
        model, h = BinaryUncertainty(window), rng.uniform(-0.01, 0.01, 2000)
        for drive in events:
            h = model.step(h, drive)
        widths.append(np.abs(h).mean())
    assert widths[0] < widths[1] < 0.3 and 1.0 < widths[2] < widths[3]


@pytest.mark.parametrize("model", [HiddenWeight(3.0, leak=0.05), BinaryUncertainty()], ids=str)
def test_the_remedies_have_an_integer_form(model):
    whole = fixed_point(model, 12)
    n = whole.init((500,), np.random.default_rng(0))
    for drive in (-1.0, 0.0, 1.0):
        expected = np.rint(model.step(n * model.bound / 2047, np.full(500, drive)) * 2047 / model.bound)
        np.testing.assert_array_equal(whole.step(n, np.full(500, drive)), expected)
    chain, start = fresh_chain(whole)
    assert chain.states == len(start) and start.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: HiddenWeight(-1), "m >= 0"),
        (lambda: HiddenWeight(1, leak=1.0), "0 <= leak < 1"),
        (lambda: HiddenWeight(1, leak=float("nan")), "leak must be a number, got nan"),
        (lambda: HiddenWeight(1).lattice(1), "at least 2"),
        (lambda: HiddenWeight(1, bound=np.inf).lattice(), "infinite bound"),
        (lambda: fixed_point(HiddenWeight(1, bound=np.inf)), "infinite bound"),
        (lambda: fresh_chain(HiddenWeight(1, bound=np.inf)), "infinite bound"),
        (lambda: closest_staircase(HiddenWeight(10, leak=0.1)), "no leak"),
        (lambda: BinaryUncertainty(0), "window must be a number above 0"),
        (lambda: BinaryUncertainty(lr_max=np.inf), "lr_max must be"),
        (lambda: BinaryUncertainty(lr=float("nan")), "lr must be"),
        (lambda: BinaryUncertainty(width=9.0), "width must lie"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, match):
    with pytest.raises(ValueError, match=match) as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("leak", "kept"), [(0.01, True), (0.03, False)])
def test_a_leak_ends_freezing_only_above_its_threshold(leak, kept):
    """m = 3, step = .02: the threshold .2913 m step is .0175. 3000 balanced events, then 1000 more."""
    model, rng = HiddenWeight(3.0, leak=leak), np.random.default_rng(0)
    state = model.init((400,), rng)
    for _ in range(3000):
        state = model.update(state, rng.choice([-1, 1], 400), rng)
    before, size = model.efficacy(state), np.abs(state).mean()
    for _ in range(1000):
        state = model.update(state, rng.choice([-1, 1], 400), rng)
    same = (model.efficacy(state) == before).mean()
    assert (same > 0.99 and size > 0.85) if kept else (0.4 < same < 0.6)
    u = np.linspace(0.5, 2, 100_001)
    assert (np.tanh(u) ** 2 / u).max() / 2 == pytest.approx(0.2913, abs=1e-4)


def test_numpy_numbers_are_parameters():
    assert HiddenWeight(np.int64(2), np.float32(0.5)) == HiddenWeight(2.0, 0.5)
    assert BennaFusi(np.int64(3), base=np.int64(2)).transfer.shape == (3, 3)
    with pytest.raises(ValueError, match="m must be a number, got '2'"):
        HiddenWeight("2")
