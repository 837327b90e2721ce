"""The text in a user's own network: against the model's own stepping, the theory and closed forms, on every target."""

import subprocess
import sys

import brian2 as b2
import numpy as np
import pytest

from fusi_models import BennaFusi, HiddenWeight, MarkovSynapse, cascade, multistate, plain
from fusi_models.engines.brian import Expression, Pairing, Signal, synapse_equations

STEPS, PRE, POST = 30, 4, 3
RNG = np.random.default_rng(5)
RASTER = RNG.random((STEPS, PRE)) < 0.4
ERRORS = RNG.integers(-1, 2, (STEPS, POST)).astype(float)


@pytest.fixture(autouse=True)
def numpy_target():
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = before


def spikes(raster):
    when, which = np.nonzero(raster)
    return b2.SpikeGeneratorGroup(raster.shape[1], which, when * b2.ms, dt=1 * b2.ms)


def neurons(size, values, model="", **options):
    """Neurons with ``error``, which follows ``values`` [step, neuron]."""
    space = {"told": b2.TimedArray(values, dt=1 * b2.ms)}
    group = b2.NeuronGroup(
        size, "error = told(t, i) : 1\n" + model, threshold="False", dt=1 * b2.ms, namespace=space, **options
    )
    return group, space


def follow(model, drive, every=None, seed=0):
    """Variables of PRE x POST synapses after the raster, and their states before and after by the model's own step."""
    equations = synapse_equations(model, drive, every)
    source, (target, space) = spikes(RASTER), neurons(POST, ERRORS, events={"taught": "told(t, i) != 0"})
    at = {"on_event": {"post": "taught"}} if equations.on_post else {}
    links = b2.Synapses(source, target, **equations.arguments, **at, dt=1 * b2.ms)
    links.connect()
    for name, values in equations.initial(PRE * POST, seed).items():
        setattr(links, name, values)
    if every is not None:
        links.run_regularly(equations.regularly, dt=every, when="end", order=1)
    state = equations.states(links)
    b2.Network(source, target, links).run(STEPS * b2.ms, namespace=space)
    return state, equations.states(links), np.array(links.i), np.array(links.j)


@pytest.mark.parametrize("model", [HiddenWeight(3, 0.1, leak=0.02), BennaFusi(3), plain(1.0)], ids=lambda m: m.name)
@pytest.mark.parametrize("at", ["pre", "post"])
def test_a_signal_moves_every_synapse_as_the_model_itself(model, at):
    """plain(1) draws numbers that change nothing. "post" is an event of the user's own, ``taught``."""
    state, found, i, j = follow(model, Signal("error_post", at=at))
    for spike, error in zip(RASTER, ERRORS, strict=True):
        moved = (spike[i] if at == "pre" else error[j] != 0).reshape(-1, *[1] * (state.ndim - 1))
        state = np.where(moved, model.step(state, error[j], np.zeros(len(i))), state)
    np.testing.assert_allclose(found, state, atol=1e-12)


def test_a_clock_gathers_the_drives_of_an_interval():
    state, found, i, j = follow(BennaFusi(4), "error", every=5 * b2.ms)
    noted = np.zeros(len(i))
    for step, (spike, error) in enumerate(zip(RASTER, ERRORS, strict=True)):
        noted = np.clip(noted + spike[i] * error[j], -1, 1)
        if step % 5 == 0:
            state, noted = BennaFusi(4).step(state, noted), 0 * noted
    np.testing.assert_allclose(found, state, atol=1e-12)


@pytest.mark.parametrize("model", [cascade(4), multistate(6), plain(0.3)], ids=lambda m: m.name)
def test_stochastic_synapses_have_the_distribution_of_their_chain(model: MarkovSynapse):
    count, drives = 4000, np.array([1, 1, -1, 1, 0, -1, 1.0])
    equations = synapse_equations(model, Signal("error_post", -0.5, 0.5))
    source, (target, space) = spikes(np.ones((7, 1), bool)), neurons(1, drives[:, None])
    links = b2.Synapses(source, target, **equations.arguments, dt=1 * b2.ms)
    links.connect(n=count)
    for name, values in equations.initial(count).items():
        setattr(links, name, values)
    before = equations.states(links)
    b2.seed(2)
    b2.Network(source, target, links).run(7 * b2.ms, namespace=space)
    chance = np.bincount(before, minlength=model.states) / count
    for drive in drives[drives != 0]:
        chance = chance @ (model.potentiation if drive > 0 else model.depression)
    share = np.bincount(equations.states(links), minlength=model.states) / count
    assert np.all(np.abs(share - chance) < 4.5 * np.sqrt(chance * (1 - chance) / count) + 1e-12)
    np.testing.assert_array_equal(links.efficacy, model.efficacy(equations.states(links)))


@pytest.mark.parametrize(("gap", "first"), [(3, "pre"), (12, "pre"), (5, "post"), (15, "post")])
def test_pairs_of_spikes_have_the_published_window(gap, first):
    """plain(1) flips with probability a exp(-gap / tau), 4000 synapses."""
    rule = Pairing(0.8, 0.5, 10 * b2.ms, 20 * b2.ms)
    raster = np.zeros((25, 2), bool)
    raster[2, int(first == "post")] = raster[2 + gap, int(first == "pre")] = True
    source = spikes(raster)
    equations = synapse_equations(plain(1.0), rule)
    links = b2.Synapses(source, source, **equations.arguments, dt=1 * b2.ms)
    links.connect(i=np.zeros(4000, int), j=np.ones(4000, int))
    links.syn_depth, links.syn_strength = 1, -1 if first == "pre" else 1
    b2.seed(3)
    b2.Network(source, links).run(25 * b2.ms, namespace={})
    expected = 0.8 * np.exp(-gap / 10) if first == "pre" else 0.5 * np.exp(-gap / 20)
    flipped = np.mean(np.array(links.efficacy) == (1 if first == "pre" else -1))
    assert abs(flipped - expected) < 4.5 * np.sqrt(expected * (1 - expected) / 4000)


@pytest.mark.parametrize("model", [cascade(3), HiddenWeight(2), BennaFusi(2, values=(8, 8))], ids=lambda m: m.name)
def test_variables_of_the_users_neurons_with_the_names_of_a_rule_stay(model):
    """Without suffix they would be written (an Izhikevich cell's u), or refused where a synapse has them too."""
    own = ("u", "k", "h", "drive", "damping", "flow1", "depth", "strength", "u1")
    equations = synapse_equations(model, "error")
    source = spikes(RASTER)
    target, space = neurons(POST, ERRORS, "\n".join(f"{name} : 1" for name in own))
    links = b2.Synapses(source, target, **equations.arguments, dt=1 * b2.ms)
    links.connect()
    for name in own:
        setattr(target, name, 7)
    b2.Network(source, target, links).run(5 * b2.ms, namespace=space)
    assert all(np.all(np.array(getattr(target, name)) == 7) for name in own)


PROGRAM = """
import sys
import brian2 as b2, numpy as np
from fusi_models import plain
from fusi_models.brian import Signal, synapse_equations
b2.prefs["codegen.cpp.extra_compile_args_gcc"] = ["-w", "-O0", "-std=c++11"]
if sys.argv[1] == "cpp_standalone":
    b2.set_device("cpp_standalone", directory=sys.argv[2], build_on_run=False)
else:
    b2.prefs.codegen.target = sys.argv[1]
device, stream = b2.get_device(), np.random.get_state()[1].tolist()
equations = synapse_equations(plain(0.3), Signal("error_post"))
first = equations.initial(2000)
assert b2.get_device() is device and np.random.get_state()[1].tolist() == stream
neuron = b2.NeuronGroup(1, "error = 1 - 2*int(t > 3.5*ms) : 1", threshold="True", dt=1*b2.ms)
links = b2.Synapses(neuron, neuron, **equations.arguments, dt=1*b2.ms)
links.connect(i=np.zeros(2000, int), j=np.zeros(2000, int))
for name, values in first.items():
    setattr(links, name, 0*values + 1 if name == "syn_depth" else 0*values - 1)
b2.seed(4)
b2.run(6*b2.ms)  # the user's magic network
if sys.argv[1] == "cpp_standalone":
    device.build(directory=sys.argv[2])
print(np.array(links.syn_strength).mean())
"""


@pytest.mark.parametrize("target", ["cpp_standalone"])
def test_in_the_users_program_on_compiled_targets(target, tmp_path):
    """The magic network, a standalone device and numpy's stream are the user's; the numbers are those of theory."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, target, str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    strong = (1 - 0.7**4) * 0.7**2
    found = (float(run.stdout.split()[-1]) + 1) / 2
    assert abs(found - strong) < 4.5 * np.sqrt(strong * (1 - strong) / 2000)


def test_a_print_shows_the_text_and_the_units():
    shown = str(synapse_equations(cascade(2), Pairing(depress=0.4), every=10 * b2.ms))
    assert all(part in shown for part in ("cascade(n=2", "on_pre:", "on_post:", "every 10. ms", "syn_tau_depress = 20"))
    assert shown.splitlines()[0] == cascade(2).name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Signal("error + 1"), "one variable"),
        (lambda: Signal("v_post", -60 * b2.mV, 0), "low <= high in one unit"),
        (lambda: Signal("v_post", 1, 0), "low <= high"),
        (lambda: Pairing(depress=1.5), "depress must lie between"),
        (lambda: Pairing(tau_depress=20), "positive time"),
        (lambda: Expression(" "), "empty"),
        (lambda: Expression("1", at="both"), "'pre' or the 'post'"),
        (lambda: synapse_equations(cascade(2), "1", every=3), "every must be"),
        (lambda: synapse_equations(cascade(2).fixed_point, "1"), "no equation as text"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
