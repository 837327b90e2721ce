import tracemalloc

import numpy as np
import pytest

from neuromorph import streams
from neuromorph.data import Data, load


def small(name="small", classes=4, size=4, train=24, test=12, seed=0):
    """Random images in which every class is there, all pixels different."""
    rng = np.random.default_rng(seed)

    def pair(n):
        return rng.random((n, size, size), np.float32), rng.permutation(np.arange(n) % classes)

    return Data(name, pair(train), pair(test), classes)


MAKERS = {
    "permuted": lambda data, seed: streams.permuted(data, 3, seed),
    "rotated": lambda data, seed: streams.rotated(data, 3, seed),
    "split": lambda data, seed: streams.split(data, 1, "class", seed),
    "subsets": lambda data, seed: streams.subsets(data, 3, seed),
    "patterns": lambda data, seed: streams.patterns(3, 20, seed),
}


def same(a, b):
    return len(a.train[0]) == len(b.train[0]) and all(
        np.array_equal(p, q) for p, q in zip((*a.train, *a.test), (*b.train, *b.test), strict=True)
    )


@pytest.mark.parametrize("kind", MAKERS)
def test_deterministic_by_seed_and_iterable_again(kind):
    data = small()
    one, again, other = (MAKERS[kind](data, seed) for seed in (5, 5, 6))
    assert all(same(a, b) for a, b in zip(one, again, strict=True))
    assert all(same(a, b) for a, b in zip(one, one, strict=True))
    assert all(same(task, one[k]) for k, task in enumerate(one))
    assert not all(same(a, b) for a, b in zip(one, other, strict=True))
    assert not same(one[0], one[1]) and same(one[-1], one[len(one) - 1])


@pytest.mark.parametrize("kind", MAKERS)
def test_a_slice_is_a_stream_of_those_tasks(kind):
    stream = MAKERS[kind](small(), 1)
    tail = stream[1:]
    assert (len(tail), tail.scenario, tail.shape) == (len(stream) - 1, stream.scenario, stream.shape)
    assert same(tail[0], stream[1])
    with pytest.raises(IndexError):
        stream[len(stream)]
    with pytest.raises(ValueError, match="at least 1 task, got 0"):
        stream[:0]


@pytest.mark.parametrize("kind", MAKERS)
def test_types_and_range(kind):
    stream = MAKERS[kind](small(), 2)
    for task in stream:
        for x, y in (task.train, task.test):
            assert x.dtype == np.float32 and y.dtype == np.int64 and x.shape == (len(y), np.prod(stream.shape))
            assert x.min() >= 0 and x.max() <= 1 and y.min() >= 0 and y.max() < task.classes == stream.outputs


def test_the_tenth_permutation_costs_nothing_until_used():
    data = small(size=28, train=2000)  # 6 MB a task
    tracemalloc.start()
    stream = streams.permuted(data, 1000, 0)
    made = tracemalloc.get_traced_memory()[0]
    stream[9]
    after = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made < 1e6
    assert after[1] > data.train[0].nbytes  # it was built when asked for
    assert after[0] < 1e6  # and not kept


def test_tasks_are_built_one_at_a_time():
    built = []
    data = small()
    source = streams.permuted(data, 4, 0)
    spied = streams.Stream(
        "spied", "domain", 4, (4, 4), tuple(lambda k=k: built.append(k) or source[k] for k in range(len(source)))
    )
    both = streams.parallel([spied, spied])
    assert built == []
    tasks = iter(spied)
    next(tasks)
    assert built == [0]
    both[2]
    assert built == [0, 2, 2]


def test_permuted_shuffles_pixels_the_same_way_in_training_and_test():
    data = small()
    stream = streams.permuted(data, 3, 0)
    assert stream.scenario == "domain" and stream.shape == (4, 4)
    for task in stream:
        order = [np.flatnonzero(data.train[0][0].ravel() == v)[0] for v in task.train[0][0]]
        assert sorted(order) == list(range(16)) != order
        for (x, y), (x0, y0) in ((task.train, data.train), (task.test, data.test)):
            np.testing.assert_array_equal(x, x0.reshape(len(x0), -1)[:, order])
            np.testing.assert_array_equal(y, y0)


def test_rotated_turns_by_equal_angles():
    """A rotation by 180 degrees is exact, and is where a stream of twice 180 / tasks degrees arrives."""
    data = load("digits").limited(40, 20)
    stream = streams.rotated(data, 2, seed=4)
    first, second = (float(t.name.split()[2]) for t in stream)
    assert abs(second - first - 90) <= 1
    middle = np.hypot(*(np.mgrid[:8, :8] - 3.5)) < 3  # what stays inside the image
    once = stream[0].train[0].reshape(-1, 8, 8)
    twice = stream[1].train[0].reshape(-1, 8, 8)
    turned = np.rot90(once, axes=(1, 2))
    np.testing.assert_allclose(twice[:, middle], turned[:, middle], atol=1e-5)
    assert twice.min() >= 0 and twice.max() <= 1
    assert abs(twice - once).mean() > 0.1


@pytest.mark.parametrize("scenario", streams.SCENARIOS)
def test_split_partitions_the_data(scenario):
    data = small(classes=6)
    stream = streams.split(data, 2, scenario, seed=3)
    assert (stream.scenario, len(stream)) == (scenario, 3)
    assert stream.outputs == (6 if scenario == "class" else 2)
    label = {x.tobytes(): y for x, y in zip(*data.train, strict=True)}
    seen, groups = [], []
    for task in stream:
        keys = [x.tobytes() for x in task.train[0]]
        seen += keys
        original = np.array([label[k] for k in keys])
        groups.append(set(original))
        assert len(groups[-1]) == 2
        if scenario == "class":
            np.testing.assert_array_equal(task.train[1], original)
        else:
            assert set(task.train[1]) == set(task.test[1]) == {0, 1}
            assert len(set(zip(original, task.train[1], strict=True))) == 2  # one output a class
    assert sorted(seen) == sorted(label)
    assert set.union(*groups) == set(range(6)) and sum(map(len, groups)) == 6
    assert sum(len(task.test[0]) for task in stream) == len(data.test[0])


def test_split_keeps_the_natural_order_without_a_seed():
    names = [task.name for task in streams.split(small(classes=6), 3, "domain")]
    assert names == ["classes 0, 1, 2", "classes 3, 4, 5"]


@pytest.mark.parametrize(("per_task", "scenario"), [(4, "class"), (0, "class"), (7, "task")])
def test_split_refuses_groups_that_do_not_fit(per_task, scenario):
    with pytest.raises(ValueError, match=f"groups of {per_task}: choose a divisor of 6"):
        streams.split(small(classes=6), per_task, scenario)


def test_split_refuses_an_unknown_scenario():
    with pytest.raises(ValueError, match="no scenario 'online': choose one of task, domain, class"):
        streams.split(small(), 2, "online")


def test_a_task_without_samples_is_refused():
    data = small(classes=4)
    few = Data("few", tuple(a[data.train[1] < 2] for a in data.train), data.test, 4)
    with pytest.raises(ValueError, match="classes 2, 3 has no training samples"):
        list(streams.split(few, 2, "class"))
    few = Data("few", data.train, tuple(a[data.test[1] < 2] for a in data.test), 4)
    with pytest.raises(ValueError, match="classes 2, 3 has no test samples"):
        list(streams.split(few, 2, "class"))


def test_subsets_partition_the_training_data():
    data = small(train=26)
    stream = streams.subsets(data, 4, 0)
    parts = [[x.tobytes() for x in task.train[0]] for task in stream]
    assert sorted(map(len, parts)) == [6, 6, 7, 7]
    assert sorted(sum(parts, [])) == sorted(x.tobytes() for x in data.train[0])
    label = {x.tobytes(): y for x, y in zip(*data.train, strict=True)}
    for task in stream:
        assert [label[x.tobytes()] for x in task.train[0]] == task.train[1].tolist()
        np.testing.assert_array_equal(task.test[0], data.test[0].reshape(12, -1))
    for wrong in (0, 27):
        with pytest.raises(ValueError, match=f"26 samples cannot be cut into {wrong} parts"):
            streams.subsets(data, wrong, 0)


def test_sequence_pads_smaller_images_in_the_middle():
    sets = [small("a", size=3, classes=3), small("b", size=6, classes=4)]
    stream = streams.sequence(sets)
    assert (stream.outputs, stream.shape, [t.name for t in stream]) == (4, (6, 6), ["a", "b"])
    image = stream[0].train[0].reshape(-1, 6, 6)
    np.testing.assert_array_equal(image[:, 1:4, 1:4], sets[0].train[0])
    assert image.sum() == pytest.approx(sets[0].train[0].sum())
    np.testing.assert_array_equal(stream[1].train[0].reshape(-1, 6, 6), sets[1].train[0])
    with pytest.raises(ValueError, match="at least 1 data set"):
        streams.sequence([])


def test_patterns_are_fair_and_independent():
    stream = streams.patterns(40, 500, seed=1)
    x = np.concatenate([task.train[0] for task in stream])
    assert set(np.unique(x)) == {0, 1} and stream[0].train[1].tolist() == [0]
    assert abs(x.mean() - 0.5) < 4 * 0.5 / np.sqrt(x.size)
    overlap = (2 * x - 1) @ (2 * x - 1).T / 500
    assert abs(overlap[np.triu_indices(40, 1)]).max() < 5 / np.sqrt(500)


def test_parallel_stacks_the_replicas():
    ones = [streams.permuted(small(), 2, seed) for seed in (0, 1, 2)]
    both = streams.parallel(ones)
    assert (len(both), both.outputs, both.shape) == (2, 4, (4, 4))
    for k, task in enumerate(both):
        assert task.train[0].shape == (24, 3, 16) and task.test[1].shape == (12, 3)
        for r, alone in enumerate(ones):
            np.testing.assert_array_equal(task.train[0][:, r], alone[k].train[0])
            np.testing.assert_array_equal(task.test[1][:, r], alone[k].test[1])


def test_parallel_refuses_tasks_of_unequal_size():
    both = streams.parallel([streams.permuted(small(train=n), 2, 0) for n in (24, 20)])
    with pytest.raises(ValueError, match="another size in each replica: run the seeds of permuted-small one by one"):
        both[0]


def test_joint_holds_all_tasks():
    stream = streams.split(small(), 2, "class")
    (task,) = streams.joint(stream)
    np.testing.assert_array_equal(task.train[0], np.concatenate([t.train[0] for t in stream]))
    np.testing.assert_array_equal(task.test[1], np.concatenate([t.test[1] for t in stream]))
    assert task.classes == 4


@pytest.mark.parametrize(
    "make",
    [
        lambda data: streams.permuted(data, 0, 0),
        lambda data: streams.rotated(data, 0, 0),
        lambda data: streams.patterns(0, 5, 0),
        lambda data: streams.patterns(5, 0, 0),
        lambda data: streams.permuted(data, -2, 0),
    ],
)
def test_zero_tasks_are_refused(make):
    with pytest.raises(ValueError, match=r"(tasks|count|size) must be at least 1, got (0|-2)\."):
        make(small())


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
        ("mixed-digits", 2, "no stream 'mixed-digits': say KIND-DATA, with KIND one of permuted, .*digits, mnist"),
        ("digits", 2, "no stream 'digits'"),
        ("", 2, "no stream ''"),
        ("permuted-", 2, "no data set ''"),
        ("permuted-mnits", 2, "no data set 'mnits': choose one of digits, mnist"),
        ("sequence-digits+", 2, "no data set ''"),
        ("permuted-digits+digits", 2, "only sequence takes more than one"),
        ("split-digits", 3, "10 classes of digits cannot be split into 3 equal tasks"),
    ],
)
def test_by_name_says_what_is_wrong(name, tasks, message):
    with pytest.raises(ValueError, match=message):
        streams.by_name(name, tasks, 0)
