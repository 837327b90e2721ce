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
