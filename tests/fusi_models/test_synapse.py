import numpy as np
import pytest

from fusi_models import BennaFusi, BinaryUncertainty, HiddenWeight, cascade, plain
from fusi_models.equations import evaluate
from fusi_models.synapse import check_fraction

MODELS = [plain(0.3), cascade(3), HiddenWeight(2.0, leak=0.01), BinaryUncertainty(), BennaFusi(3, binary=True)]


@pytest.mark.parametrize("model", MODELS, ids=lambda s: s.name)
def test_every_model_keeps_the_contract(model):
    """Declared variables name the state; the text makes the same step as ``step``; what is given is not changed."""
    rng = np.random.default_rng(0)
    state, drive, uniform = model.init((40, 5), rng), rng.integers(-1, 2, (40, 5)), rng.random((40, 5))
    before = state.copy()
    found = model.step(state, drive, uniform if model.stochastic else None)
    np.testing.assert_array_equal(state, before)
    variables = model.variables(state)
    assert list(variables) == [line.split(" : ")[0] for line in model.declarations.splitlines()]
    np.testing.assert_array_equal(model.from_variables(variables), state)
    after = evaluate(model.on_event.replace("rand()", "uniform"), variables | {"drive": drive, "uniform": uniform})
    np.testing.assert_allclose(model.from_variables(after), found, rtol=1e-13)
    efficacy = model.efficacy(found)
    assert efficacy.shape == (40, 5) and set(np.unique(efficacy)) == {-1, 1}
    np.testing.assert_array_equal(evaluate(f"w = {model.efficacy_code}", after)["w"], efficacy)


@pytest.mark.parametrize("value", [0.0, -0.1, 1.1, float("nan")])
def test_fractions(value):
    with pytest.raises(ValueError, match="q must lie between 0 and 1"):
        check_fraction("q", value)
    check_fraction("q", 1.0)
    with pytest.raises(ValueError, match="q must lie"):
        check_fraction("q", 1.0, below_one=True)
    check_fraction("f_pot", 1.0)  # the bound is asked for, not read off the label
