import pytest

from neuromorph.lazy import attribute


def test_loads_the_name_from_its_module():
    assert attribute("neuromorph", {"write_json": "atomic"}, "write_json").__module__ == "neuromorph.atomic"


def test_unknown_names_list_the_known():
    with pytest.raises(AttributeError, match="module 'neuromorph' has no attribute 'load'; it offers a, b"):
        attribute("neuromorph", {"b": "atomic", "a": "atomic"}, "load")


def test_every_promised_name_is_there():
    import neuromorph.lava
    import neuromorph.learners
    import neuromorph.snn

    for package in (neuromorph.learners, neuromorph.snn, neuromorph.lava):
        found = [getattr(package, name) for name in package.__all__]
        assert len(found) > 3 and all(part is not None for part in found)


def test_the_true_cause_of_a_module_that_cannot_be_loaded_is_shown(tmp_path, monkeypatch):
    """numpy 2 beside Brian2: "cannot import name 'BrianLearner'" said nothing of numpy.ptp."""
    package = tmp_path / "halfway"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from neuromorph.lazy import attribute\n"
        "def __getattr__(name):\n    return attribute(__name__, {'Learner': 'broken'}, name)\n"
    )
    (package / "broken.py").write_text("import numpy\nnumpy.no_such_function\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match="halfway.Learner cannot be loaded, .*no_such_function.*numpy < 2"):
        from halfway import Learner  # noqa: F401
