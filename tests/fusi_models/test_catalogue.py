import numpy as np
import pytest

from fusi_models import BinaryUncertainty, HiddenWeight, cascade, plain
from fusi_models.catalogue import LEARNERS, learning_synapse


def test_names_and_parameters():
    assert learning_synapse("hidden:m=3,step=0.1,bound=2,width=0.5") == HiddenWeight(3, 0.1, 2, 0.5)
    assert learning_synapse("hidden:m=3,leak=0.01") == HiddenWeight(3, leak=0.01)
    assert learning_synapse("uncertain:window=50,lr=0.2") == BinaryUncertainty(50, 0.2)
    np.testing.assert_array_equal(learning_synapse("plain:q=0.2").depression, plain(0.2).depression)
    built = learning_synapse("cascade:depth=3,x=0.4,rate=0.5")
    np.testing.assert_array_equal(built.potentiation, cascade(3, 0.4).slowed(0.5).potentiation)


@pytest.mark.parametrize("name", LEARNERS)
def test_defaults(name):
    assert learning_synapse(name).name.startswith(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("benna", "no synapse 'benna': choose one of plain, cascade, hidden, uncertain"),
        ("", "no synapse ''"),
        ("Plain", "no synapse 'Plain'"),
        ("plain:p=1", "'plain' has no parameter 'p': it has q"),
        ("hidden:n=1", "it has m, step, bound, width, leak"),
        ("plain:q", "q of 'plain' must be a number, got ''"),
        ("plain:q=much", "q of 'plain' must be a number, got 'much'"),
        ("cascade:depth=nan", "depth of 'cascade' must be a number, got 'nan'"),
        ("cascade:depth=inf", "depth of 'cascade' must be a number, got 'inf'"),
        ("hidden:bound=inf", "bound of 'hidden' must be a number"),
        ("cascade:depth=2.5", "depth must be a whole number of at least 1, got 2.5"),
        ("cascade:depth=0", "depth must be a whole number"),
        ("cascade:x=0.7", "choose x <="),
        ("plain:q=2", "q must lie between 0 and 1, got 2"),
        ("hidden:m=-1", "needs m >= 0"),
    ],
)
def test_wrong_words(text, message):
    with pytest.raises(ValueError, match=message):
        learning_synapse(text)
