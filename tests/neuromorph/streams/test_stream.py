import tracemalloc

import numpy as np
import pytest

from neuromorph import streams
from neuromorph.data import Data, load
from neuromorph.streams.kinds.brightness import brightness


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
    "split-domain": lambda data, seed: streams.split(data, 2, "domain", seed),
    "parallel": lambda data, seed: streams.parallel([streams.permuted(data, 3, seed + r) for r in range(2)]),
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
            assert x.dtype == np.float32 and y.dtype == np.int64 and x.shape == (*y.shape, np.prod(stream.shape))
            assert x.min() >= 0 and x.max() <= 1 and y.min() >= 0 and y.max() < task.classes == stream.outputs


def test_the_tenth_permutation_costs_nothing_until_used():
    data = small(size=28, train=2000)  # 6 MB a task
    tracemalloc.start()
    stream = streams.permuted(data, 1000, 0)
    made = tracemalloc.get_traced_memory()[0]
    stream[9].train  # noqa: B018
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


COMBINED = {
    "sequence": lambda data: streams.sequence([data, data]),
    "joint": lambda data: streams.joint(streams.rotated(data, 3, 0)),
    "parallel": lambda data: streams.parallel([streams.permuted(data, 3, r) for r in range(2)]),
    "slice": lambda data: streams.permuted(data, 3, 0)[1:],
} | {kind: lambda data, kind=kind: MAKERS[kind](data, 0) for kind in MAKERS if kind != "patterns"}


class Untouched:
    """Stands for samples that must not be used."""

    def __init__(self, pair):
        self.shape, self.dtype, self.size = pair.shape, pair.dtype, pair.size

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, k):
        return np.zeros(self.shape[1:], self.dtype)  # the first image tells the size

    def __getattr__(self, name):
        raise AssertionError(f"{name} of samples that nobody asked for")

    def __array__(self, *args, **options):
        raise AssertionError("samples that nobody asked for")


@pytest.mark.parametrize("kind", COMBINED)
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_part_and_the_name_are_built_without_the_other_part(kind, part):
    """The images of the other part are not there; labels are, since a split looks whether every class has some."""
    data = small()
    whole = COMBINED[kind](data)
    expected = [(task.name, *getattr(task, part)) for task in whole]
    other = {"train": "test", "test": "train"}[part]
    images, labels = getattr(data, other)
    object.__setattr__(data, other, (Untouched(images), labels))
    if kind == "subsets":  # flat views of both are made at once
        object.__setattr__(data, other, (images, labels))
    for task, (name, x, y) in zip(COMBINED[kind](data), expected, strict=True):
        assert (task.name, task.classes) == (name, 4 if kind != "split-domain" else 2)
        np.testing.assert_array_equal(getattr(task, part)[0], x)
        np.testing.assert_array_equal(getattr(task, part)[1], y)


def test_a_part_is_built_once():
    calls = []
    pair = small().train
    task = streams.Task.lazy("mine", lambda: calls.append("train") or pair, lambda: calls.append("test") or pair, 4)
    assert calls == [] and task.name == "mine" and task.classes == 4
    assert task.test is task.test and calls == ["test"]
    assert task.train is task.train and calls == ["test", "train"]


def test_a_task_of_arrays():
    train, test = small().train, small().test
    task = streams.Task("mine", train, test, 4)
    assert task.train == train and task.test == test
    with pytest.raises(ValueError, match="No test samples of the task 'mine'"):
        streams.Task("mine", train, (test[0][:0], test[1][:0]), 4)


def test_digests_tell_streams_apart_by_every_sample_and_parameter():
    data, other = small(), small(seed=1)
    with_test = Data("small", data.train, other.test, 4)
    with_train = Data("small", other.train, data.test, 4)
    with_label = Data("small", data.train, (data.test[0], (data.test[1] + 1) % 4), 4)
    found = {}
    for name, one in {"data": data, "test": with_test, "train": with_train, "label": with_label}.items():
        for kind, make in COMBINED.items():
            if kind != "patterns":
                found[name, kind] = make(one).digest
        found[name, "second"] = streams.sequence([data, one]).digest
        found[name, "limited"] = streams.permuted(one.limited(20, 5), 3, 0).digest
        found[name, "limited, other samples"] = streams.permuted(one.limited(20, 5, seed=1), 3, 0).digest
        found[name, "more test samples"] = streams.permuted(one.limited(20, 6), 3, 0).digest
        found[name, "tasks"] = streams.permuted(one, 4, 0).digest
        found[name, "seed"] = streams.permuted(one, 3, 1).digest
        found[name, "first"] = streams.permuted(one, 3, 0, "original").digest
        found[name, "scenario"] = streams.split(one, 2, "task", 0).digest
        found[name, "degrees"] = streams.rotated(one, 3, 0, degrees=1).digest
        found[name, "lowest"] = brightness(one, 3, 0, lowest=0.4).digest
        found[name, "start"] = streams.rotated(one, 3, 0, start=1).digest
        found[name, "parts"] = streams.subsets(one, 4, 0).digest
    same_on_purpose = {("data", "second"): ("data", "sequence")}
    for key, twin in same_on_purpose.items():
        assert found.pop(key) == found[twin]
    assert len(set(found.values())) == len(found)
    assert all(make(small()).digest == found["data", kind] for kind, make in COMBINED.items())


def test_the_digest_of_a_stream_made_by_hand_is_that_of_its_samples():
    data = small()

    def by_hand(x):
        return streams.Stream(
            "hand", "domain", 4, (4, 4), (lambda: streams.Task("a", data.train, (x, data.test[1]), 4),)
        )

    x = data.test[0].copy()
    assert by_hand(data.test[0]).digest == by_hand(x).digest
    x[3, 2, 1] = 0.5
    assert by_hand(data.test[0]).digest != by_hand(x).digest


def test_the_digest_hashes_a_data_set_once(monkeypatch):
    from neuromorph.data import labelled

    calls = []
    digest = labelled.digest_of
    monkeypatch.setattr(labelled, "digest_of", lambda *arrays: calls.append(len(arrays)) or digest(*arrays))
    data = small()
    for tasks in (3, 4):
        streams.rotated(data, tasks, 0).digest  # noqa: B018
        streams.joint(streams.parallel([streams.permuted(data, tasks, seed) for seed in range(5)])).digest  # noqa: B018
    assert calls == [4]


def test_pixels_of_a_task_are_not_the_order_of_its_samples():
    """With as many samples as pixels, the permutation of a task was the order of its first epoch."""
    from neuromorph.run import shuffled

    data = small(train=16)
    for seed in range(3):
        for k, task in enumerate(streams.permuted(data, 3, seed)):
            pixels = [np.flatnonzero(data.train[0][0].ravel() == v)[0] for v in task.train[0][0]]
            for epoch in range(3):
                x, _ = shuffled(task, seed, k, epoch)
                order = [np.flatnonzero((task.train[0] == row).all(1))[0] for row in x]
                assert order != pixels


def test_the_first_task_may_have_the_images_as_they_are():
    data = small()
    plain, mixed = streams.permuted(data, 3, 0, first="original"), streams.permuted(data, 3, 0)
    np.testing.assert_array_equal(plain[0].train[0], data.train[0].reshape(24, 16))
    np.testing.assert_array_equal(plain[0].test[0], data.test[0].reshape(12, 16))
    assert same(plain[1], mixed[1]) and plain[0].digest != mixed[0].digest and plain[1].digest == mixed[1].digest


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


def test_split_goes_in_the_order_asked_for():
    stream = streams.split(small(classes=6), 2, "domain", order=[5, 0, 3, 1, 4, 2])
    assert [task.name for task in stream] == ["classes 5, 0", "classes 3, 1", "classes 4, 2"]
    for wrong in ([0, 1, 2], [0, 1, 2, 3, 4, 4], [1, 2, 3, 4, 5, 6]):
        with pytest.raises(ValueError, match="is none of the 6 classes of small: name each of 0 to 5 once"):
            streams.split(small(classes=6), 2, "domain", order=wrong)


@pytest.mark.parametrize("scenario", ["domain", "task"])
def test_tasks_of_one_class_are_refused(scenario):
    with pytest.raises(ValueError, match=r"one class leaves nothing to tell apart \(chance would be 100 %\)"):
        streams.split(small(), 1, scenario)


def test_brightness_falls_evenly_and_the_last_task_must_show_something():
    data = small()
    stream = brightness(data, 3, 0, lowest=0.5)
    for k, factor in enumerate((1.0, 0.75, 0.5)):
        np.testing.assert_allclose(stream[k].train[0], data.train[0].reshape(24, -1) * factor, rtol=1e-6)
        np.testing.assert_array_equal(stream[k].test[1], data.test[1])
    with pytest.raises(ValueError, match="lowest"):
        brightness(data, 3, 0, lowest=0.0)


def test_samples_that_are_no_images_are_not_rotated():
    x = np.zeros((4, 1, 7), np.float32)
    data = Data("vectors", (x, np.arange(4) % 2), (x, np.arange(4) % 2), 2)
    with pytest.raises(ValueError, match=r"vectors has samples of shape \(1, 7\), no images to rotate"):
        streams.rotated(data, 2, 0)


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
    with pytest.raises(ValueError, match="No training samples of the task 'classes 2, 3'"):
        list(streams.split(few, 2, "class"))
    few = Data("few", data.train, tuple(a[data.test[1] < 2] for a in data.test), 4)
    with pytest.raises(ValueError, match="No test samples of the task 'classes 2, 3'"):
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
        both[0].train  # noqa: B018
    with pytest.raises(ValueError, match=r"permuted-small have \[2, 3\] tasks: give equal numbers"):
        streams.parallel([streams.permuted(small(), n, 0) for n in (2, 3)])
    with pytest.raises(ValueError, match="at least 1 stream, got 0"):
        streams.parallel([])


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
