import pickle

import numpy as np
import pytest

from neuromorph import streams
from neuromorph.streams import words


@pytest.mark.parametrize("kind", streams.KINDS)
def test_by_name_refuses_zero_tasks(kind):
    with pytest.raises(ValueError, match="tasks must be at least 1, got 0"):
        streams.by_name(f"{kind}-digits", 0, 0)


@pytest.mark.parametrize(
    ("name", "tasks", "scenario", "outputs"),
    [
        ("permuted-digits", 3, "domain", 10),
        ("rotated-digits", 3, "domain", 10),
        ("split-digits", 5, "domain", 2),
        ("split-task-digits", 2, "task", 5),
        ("split-class-digits", 5, "class", 10),
        ("subsets-digits", 4, "domain", 10),
        ("sequence-digits+digits", 2, "domain", 10),
    ],
)
def test_by_name(name, tasks, scenario, outputs):
    stream = streams.by_name(name, tasks, 1, 60, 30)
    assert (len(stream), stream.scenario, stream.outputs, stream.shape) == (tasks, scenario, outputs, (8, 8))
    cut = tasks if name.startswith(("split", "subsets")) else 1
    samples = [len(task.train[0]) for task in stream]
    assert sum(samples) == 60 * tasks / cut
    assert all(len(task.test[0]) <= 30 for task in stream)


@pytest.mark.parametrize(
    ("name", "tasks", "message"),
    [
        ("mixed-digits", 2, "no stream 'mixed-digits': say KIND-DATA, with KIND one of .*permuted, .*digits, mnist"),
        ("digits", 2, "no stream 'digits'"),
        ("", 2, "no stream ''"),
        ("permuted-", 2, "no data set ''"),
        ("permuted-mnits", 2, "no data set 'mnits': choose one of digits, mnist"),
        ("sequence-digits+", 2, "no data set ''"),
        ("permuted-digits+digits", 2, "only sequence takes more than one"),
        ("split-digits", 10, "A task of digits with one class leaves nothing to tell apart"),
        ("split-digits:order=3-1", 5, "the order 3-1 is none of the 10 classes of digits"),
        ("split-digits:order=big", 5, "parameter order of 'split' must be natural, seed, or the classes .*got 'big'"),
        ("rotated-digits:degrees=many", 2, "parameter degrees of 'rotated' must be a number, got 'many'"),
        ("rotated-digits:degrees=nan", 2, "parameter degrees of 'rotated' must be a number, got 'nan'"),
        ("rotated-digits:degree=3", 2, "stream 'rotated' has no parameter 'degree': it has degrees, start"),
        ("subsets-digits:parts=3", 2, "stream 'subsets' has no parameter 'parts': it has none"),
        ("permuted-digits:first=last", 2, "parameter first of 'permuted' must be one of permuted, original"),
        ("split-digits", 3, "10 classes of digits cannot be split into 3 equal tasks"),
    ],
)
def test_by_name_says_what_is_wrong(name, tasks, message):
    with pytest.raises(ValueError, match=message):
        streams.by_name(name, tasks, 0)


def test_parameters_in_words():
    turned = streams.by_name("rotated-digits:degrees=15,start=-30", 3, 0, 20, 20)
    assert [task.name for task in turned] == [f"rotated by {angle} degrees" for angle in (-30, -15, 0)]
    plain = streams.by_name("subsets-digits", 1, 0, 20, 20)[0]
    np.testing.assert_allclose(turned[2].test[0], plain.test[0], atol=1e-6)
    ordered = streams.by_name("split-digits:order=9-8-7-6-5-4-3-2-1-0", 5, 0)
    assert [task.name for task in ordered][:2] == ["classes 9, 8", "classes 7, 6"]
    drawn = [[t.name for t in streams.by_name("split-digits:order=seed", 5, seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    first = streams.by_name("permuted-digits:first=original", 2, 0, 20, 20)
    np.testing.assert_array_equal(first[0].test[0], plain.test[0])


def test_stream_words_are_a_function_of_the_seed_that_can_be_sent():
    made = streams.StreamWords("permuted-digits", 2, 30, 20)
    sent = pickle.loads(pickle.dumps(made))
    assert sent == made and sent(3).digest == streams.by_name("permuted-digits", 2, 3, 30, 20).digest
    assert made(3).digest != made(4).digest
    (task,) = streams.StreamWords("permuted-digits", 2, 30, 20, joint=True)(3)
    assert len(task.train[1]) == 60


TOY = """
from neuromorph.streams.kind import Kind, number
from neuromorph.streams.stream import Stream, Task, each, flat


def dimmed(data, tasks, seed, factor=0.5):
    def build(k):
        x, y = flat(data.test)
        return Task(f"dimmed {k}", (x * factor**k, y), (x * factor**k, y), data.classes)

    return Stream(f"dimmed-{data.name}", "domain", data.classes, data.shape, each(build, tasks))


KINDS = {"dimmed": Kind(dimmed, {"factor": number})}
"""


def test_a_new_kind_is_one_file(tmp_path, monkeypatch):
    (tmp_path / "dimmed.py").write_text(TOY)
    monkeypatch.setattr(streams.kinds, "__path__", [*streams.kinds.__path__, str(tmp_path)])
    words.known_kinds.cache_clear()
    try:
        stream = streams.by_name("dimmed-digits:factor=0.25", 3, 0, 20, 20)
        assert [task.train[0].max() for task in stream] == [1, 1 / 4, 1 / 16]
        with pytest.raises(ValueError, match="KIND one of .*dimmed"):
            streams.by_name("mixed-digits", 1, 0)
    finally:
        words.known_kinds.cache_clear()


@pytest.mark.parametrize("kind", words.known_kinds())
def test_the_count_of_tasks_is_known_before_the_data(kind, no_network, monkeypatch):
    count = words.task_count(f"{kind}-digits", 5)
    assert len(streams.by_name(f"{kind}-digits", 5, 0, 50, 50)) == count
    monkeypatch.setenv("NEUROMORPH_DATA", "nowhere")
    assert words.task_count(f"{kind}-usps", 5) == count
