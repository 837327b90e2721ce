import numpy as np
import pytest

from fusi_models import BennaFusi, BinaryUncertainty, HiddenWeight, cascade, plain
from fusi_models.catalogue import DEEP, LEARNERS, REGIMES, entries, learning_synapse, names, parse, table


def test_names_and_parameters():
    assert learning_synapse("hidden:m=3,step=0.1,bound=2,width=0.5") == HiddenWeight(3, 0.1, 2, 0.5)
    assert learning_synapse("hidden:m=3,leak=0.01") == HiddenWeight(3, leak=0.01)
    assert learning_synapse("uncertain:window=50,lr=0.2") == BinaryUncertainty(50, 0.2)
    np.testing.assert_array_equal(learning_synapse("plain:q=0.2").depression, plain(0.2).depression)
    built = learning_synapse("cascade:depth=3,x=0.4,rate=0.5")
    np.testing.assert_array_equal(built.potentiation, cascade(3, 0.4).slowed(0.5).potentiation)


@pytest.mark.parametrize("name", names(LEARNERS))
def test_defaults(name):
    assert learning_synapse(name).name.startswith(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("benna", "no synapse 'benna': choose one of benna-fusi, cascade, .* uncertain, or file:PATH"),
        ("benna-fusi@theory:levels=4", r"binary weights, but the efficacies of 'benna-fusi@theory:levels=4' go from -"),
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


def test_a_chain_from_a_file(tmp_path):
    """As for memory-curve."""
    path, chain = tmp_path / "own.npz", plain(0.2)
    np.savez(path, potentiation=chain.potentiation, depression=chain.depression, strength=chain.strength)
    assert learning_synapse(f"file:{path}").name == "own"
    assert parse(f"file:{path}", "theory", f_pot=0.3).f_pot == 0.3
    with pytest.raises(FileNotFoundError):
        learning_synapse(f"file:{tmp_path / 'none.npz'}")


def test_labels_of_the_readme():
    assert [learning_synapse(t).name for t in ("plain", "cascade", "hidden")] == [
        "plain(q=0.03)",
        "cascade(n=5, x=0.5, rate=0.1)",
        "hidden(m=2)",
    ]
    assert learning_synapse("hidden") == HiddenWeight(2.0) == parse("hidden:m=2", "theory")


@pytest.mark.parametrize("name", entries())
def test_one_label_means_the_same_numbers_in_every_regime(name):
    """Two regimes may give a name different numbers, but then different labels too; equal labels are equal models."""
    models = {}
    for regime in entries()[name].regimes:
        given = {k: 4 for k, v in entries()[name].defaults(regime).items() if v is None}
        model = parse(name, regime, **given)
        assert repr(models.setdefault(model.name, model)) == repr(model)


def test_numbers_of_another_regime_can_be_asked_for():
    assert parse("hidden@gradient:m=25,leak=0.001", "local") == parse("hidden:m=25,leak=0.001", DEEP)
    assert parse("hidden@gradient", "local").name == "hidden(m=4, step=1, bound=inf, width=0.05)"
    assert parse("benna-fusi:levels=6", DEEP) == BennaFusi(6, binary=True)
    assert parse("benna-fusi@theory:levels=2,values=8,binary=1", DEEP) == BennaFusi(2, values=(8, 8), binary=True)
    assert parse("hidden:step_size=0.1", "local") == HiddenWeight(2.0, 0.1)  # the word of 0.1


def test_the_table_shows_every_name_regime_and_number():
    lines = table().splitlines()
    assert len(lines) == sum(len(e.regimes) for e in entries().values()) == sum(len(names(r)) for r in REGIMES)
    assert "cascade@local         depth=5, x=0.5, rate=0.1, f_pot=0.5" in lines
    assert "hidden@gradient       m=4, step=1, bound=inf, width=0.05, leak=0" in lines


def test_words_that_only_another_regime_knows():
    with pytest.raises(ValueError, match="no synapse 'cascade' with numbers for the regime gradient: choose one of"):
        parse("cascade", DEEP)
    with pytest.raises(ValueError, match="no regime 'chip': choose one of theory, local, gradient"):
        learning_synapse("hidden@chip")


def test_whole_numbers_may_be_written_with_a_point_and_others_are_refused():
    assert parse("multistate:states=6.0", "theory").states == 6
    assert parse("serial:states=4.0,eps=.1", "theory").name == "serial(4, eps=0.1)"
    assert parse("benna-fusi:levels=3.0", "theory") == BennaFusi(3)
    for text in ("multistate:states=5.5", "serial:states=3", "benna-fusi:levels=2.5", "multistate:states=-2"):
        with pytest.raises(ValueError, match="must be"):
            parse(text, "theory")
