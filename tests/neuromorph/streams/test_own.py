import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler, Subset, TensorDataset

from fusi_models import HiddenWeight
from neuromorph import data, streams
from neuromorph.learners.torch import TorchLearner
from neuromorph.run import learn_stream
from neuromorph.streams import from_datasets


def task(k=0, n=20, classes=2, shape=(3, 4, 4), first=0):
    """Colour images, classes ``first``, ``first`` + 1..., all pixels different."""
    rng = np.random.default_rng(k)
    return rng.random((n, *shape), np.float32), first + np.arange(n) % classes


class Slow(Dataset):
    """A Dataset as torch's users write one, which counts what is read."""

    def __init__(self, x, y, change=0.0):
        self.x, self.y, self.change, self.read = x, y, change, 0

    def __len__(self):
        return len(self.x)

    def __getitem__(self, k):
        self.read += 1
        return torch.from_numpy(self.x[k]) * (1 - self.change * self.read / 1000), int(self.y[k])


class Flow(IterableDataset):
    def __init__(self, x, y):
        self.pairs = list(zip(x, y, strict=True))

    def __iter__(self):
        return iter(self.pairs)


def tensors(x, y):
    return torch.from_numpy(x), torch.from_numpy(y)


FORMS = {
    "arrays": lambda x, y: (x, y),
    "float64": lambda x, y: [x.astype(float), y.astype(np.uint8)],
    "labels in a list": lambda x, y: (x, y.tolist()),
    "tensors": tensors,
    "list of samples": lambda x, y: list(zip(x, y.tolist(), strict=True)),
    "TensorDataset": lambda x, y: TensorDataset(*tensors(x, y)),
    "Dataset": Slow,
    "Subset": lambda x, y: Subset(Slow(np.concatenate([x, x]), np.concatenate([y, y])), range(len(x))),
    "IterableDataset": Flow,
    "DataLoader": lambda x, y: DataLoader(Slow(x, y), batch_size=7),
    "DataLoader that shuffles": lambda x, y: DataLoader(Slow(x, y), batch_size=7, shuffle=True),
    "DataLoader of a flow": lambda x, y: DataLoader(Flow(x, y), batch_size=3),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_stream(form):
    pairs = [task(0), task(1)]
    wanted = from_datasets(pairs, seed=3)
    found = from_datasets([FORMS[form](*pair) for pair in pairs], seed=3)
    assert (found.scenario, found.outputs, found.shape, found.digest) == ("domain", 2, (3, 4, 4), wanted.digest)
    for ours, theirs in zip(found, wanted, strict=True):
        for a, b in zip((*ours.train, *ours.test), (*theirs.train, *theirs.test), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
    assert found[0].train[0].shape == (16, 48) and found[0].test[0].shape == (4, 48)


def test_a_test_part_is_split_off_by_class_and_seed():
    x, y = task(n=23, classes=3)
    one, again, other = (from_datasets([(x, y)], seed=seed, test_share=0.3)[0] for seed in (0, 0, 1))
    assert one.digest == again.digest != other.digest
    np.testing.assert_array_equal(np.bincount(one.test[1]), [2, 2, 2])
    together = np.concatenate([one.train[0], one.test[0]])
    np.testing.assert_array_equal(np.sort(together[:, 0]), np.sort(x[:, 0, 0, 0]))  # each sample in one of both
    assert not np.array_equal(one.test[0], other.test[0])


def test_a_test_part_of_ones_own_is_kept_as_it_is():
    pairs, tests = [task(0), task(1)], [task(2, n=5), task(3, n=6)]
    stream = from_datasets(pairs, tests, names=["day", "night"])
    assert [one.name for one in stream] == ["day", "night"]
    assert [(len(one.train[1]), len(one.test[1])) for one in stream] == [(20, 5), (20, 6)]
    assert from_datasets(pairs, tests[::-1]).digest != stream.digest


def test_the_scenario_is_chosen_by_the_labels_and_said():
    disjoint = [task(0), task(1, first=2), task(2, first=4)]
    assert [from_datasets(disjoint).scenario, from_datasets(disjoint).outputs] == ["class", 6]
    assert from_datasets([task(0), task(1)]).scenario == "domain"
    assert from_datasets([task(0), task(1)], scenario="task", outputs=2).scenario == "task"
    with pytest.raises(ValueError, match=r"some classes are in several tasks and others are not \(\[0, 1\], \[1, 2\]"):
        from_datasets([task(0), task(1, first=1)])
    assert from_datasets([task(0), task(1, first=1)], scenario="class").outputs == 3


def test_a_dataset_is_read_when_its_task_is_used():
    sets = [Slow(*task(k)) for k in range(3)]
    stream = from_datasets(sets, scenario="domain", outputs=2)
    assert [one.read for one in sets] == [2, 0, 0]  # the first sample, twice, for shape
    used = stream[1]
    assert [one.read for one in sets] == [2, 0, 0]
    used.train, used.test  # noqa: B018
    assert [one.read for one in sets] == [2, 20, 0]


def test_the_fingerprint_covers_every_sample_and_how_they_are_split():
    pairs = [task(0), task(1)]
    x = pairs[1][0].copy()
    x[7, 1, 2, 3] = 0.5
    made = [
        from_datasets(pairs),
        from_datasets([pairs[0], (x, pairs[1][1])]),
        from_datasets([pairs[0], (pairs[1][0], 1 - pairs[1][1])]),
        from_datasets(pairs, test_share=0.4),
        from_datasets(pairs, seed=1),
        from_datasets(pairs, outputs=3),
        from_datasets(pairs, pairs),
        from_datasets(pairs, names=["a", "b"]),
        from_datasets(pairs, scenario="task", outputs=2),
        from_datasets(pairs, name="mine"),
    ]
    assert len({one.digest for one in made}) == len(made)


X, Y = task()
WRONG = [
    (([X, Y],), {}, "training samples of task 1 is a ndarray"),
    ((X, Y), {}, "the training samples must be a list with a data set a task, got a ndarray"),
    (([],), {}, "at least 1 task, got 0"),
    (([(255 * X, Y)],), {}, r"values must be finite numbers between 0 and 1, got .*float32.: scale them"),
    (([((255 * X).astype(np.uint8), Y)],), {}, r"\(uint8\): scale them \(bytes: divide by 255\)"),
    (([(np.full_like(X, np.nan), Y)],), {}, "remove NaN"),
    (([(X.astype(str), Y)],), {}, "samples must hold numbers"),
    (([(X, Y[:3])],), {}, r"samples have shape \(20, 3, 4, 4\) and labels \(3,\)"),
    (([(X, Y - 1)],), {"outputs": 2}, "labels run from -1 to 0, not 0..1"),
    (([(X, Y + 0.0)],), {}, "labels of shape .* and type float64: give one whole number a sample"),
    (([(X, np.eye(2)[Y])],), {}, "labels of shape"),
    (([(X, Y)],), {"outputs": 1}, "labels run from 0 to 1, not 0..0"),
    (([(X, Y), (X[:, :1], Y)],), {}, r"task 2 have shape \(1, 4, 4\) each, training samples of task 1 \(3, 4, 4\)"),
    (([(X, Y)], [(X, Y), (X, Y)]), {}, "1 tasks have 2 test sets"),
    (([(X, Y), (X, Y)],), {"names": ["a", "a"]}, "2 tasks need as many different names, got a, a"),
    (([(X, Y)],), {"scenario": "instance"}, "no scenario 'instance': choose one of task, domain, class"),
    (([(X, Y)],), {"test_share": 1.0}, "test_share must lie between 0 and 1"),
    (([{"x": X}],), {}, "is a dict: give"),
    (([list(X)],), {}, "sample 0 is a ndarray without a label"),
    (
        ([[(X[0], 0), (X[0, :1], 1), (X[0], 0)]],),
        {},
        r"samples of shapes \(1, 4, 4\), \(3, 4, 4\): give samples",
    ),
    (([Slow(X, Y, change=0.1)],), {}, r"gives another first sample each time \(a random transform\?\)"),
    (([DataLoader(Slow(X, Y), sampler=RandomSampler(Y, num_samples=5))],), {}, "is a loader with a RandomSampler"),
    (([(torch.from_numpy(X).requires_grad_(), Y)],), {}, "x is no array of samples"),
]


@pytest.mark.parametrize(("given", "options", "said"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_thing_gets_one_sentence(given, options, said):
    with pytest.raises(ValueError, match=said) as refused:
        from_datasets(*given, **options)
    assert "\n" not in str(refused.value)


def test_a_learner_learns_such_a_stream_and_goes_on_from_a_checkpoint(tmp_path):
    x, y = (part[:300] for part in data.load("digits").train)
    some = [(x[np.isin(y, pair)], y[np.isin(y, pair)]) for pair in ((0, 1), (2, 3))]

    def run(sets, epochs=2):
        learner = TorchLearner(HiddenWeight(2.0), 64, 4)
        return learn_stream(learner, from_datasets(sets), epochs, 0, tmp_path / "run.pt", progress=False)

    first = run([some[0], Slow(*some[1])])
    again = run([DataLoader(Slow(*some[0])), tensors(*some[1])])  # other clothes, the same samples
    np.testing.assert_array_equal(first.accuracy, again.accuracy)
    assert first.accuracy[1, 1] > 0.8
    with pytest.raises(ValueError, match="belongs to another run .*it differs in training or test samples"):
        run([some[0], (np.clip(some[1][0] + 0.01, 0, 1), some[1][1])])


def test_a_data_set_of_colour_images_goes_into_every_kind():
    x, y = task(n=40, classes=4, shape=(3, 5, 4))
    own = data.from_dataset(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), name="birds", test_share=0.3)
    assert (own.shape, own.classes, len(own.train[1]), len(own.test[1])) == ((3, 5, 4), 4, 28, 12)
    kinds = [
        streams.permuted(own, 2, 0),
        streams.split(own, 2, "class"),
        streams.rotated(own, 2, 0),
        streams.subsets(own, 2, 0),
        streams.sequence([own, own]),
    ]
    for stream in kinds:
        assert stream.shape == (3, 5, 4) and stream[1].train[0].shape[1:] == (60,)
    turned = streams.rotated(own, 1, 0, start=180)[0].train[0].reshape(-1, 3, 5, 4)
    np.testing.assert_allclose(turned, own.train[0][..., ::-1, ::-1], atol=1e-6)  # each colour by itself
    features = data.from_dataset((x[:, 0, 0], y), (x[:4, 0, 0], y[:4]))
    assert features.shape == (1, 4)
    with pytest.raises(ValueError, match="training images have shape .* test images"):
        data.from_dataset((x, y), (x[:, :1], y))
    with pytest.raises(ValueError, match="do not have equal channels"):
        streams.sequence([own, data.load("digits")])


def test_labels_from_1_are_no_further_class():
    """Earlier an output more than there are classes, which no sample asks for."""
    with pytest.raises(ValueError, match="no sample has the label 0, but labels go up to 2: number classes from 0"):
        from_datasets([task(first=1)])
    assert from_datasets([task(first=1)], outputs=3).outputs == 3


def test_a_test_set_that_lacks_a_class_is_refused():
    """Its accuracy was a mean over the other classes, and nobody was told."""
    x, y = np.zeros((6, 4), np.float32), np.arange(6) % 3
    with pytest.raises(ValueError, match="birds has no test samples of class 2: give every class some"):
        data.from_dataset((x, y), (x[:2], y[:2]), name="birds")
    with pytest.raises(ValueError, match="task 1 has no test samples of class 1 and others"):
        streams.from_datasets([(x, y)], [(x[:1], y[:1])])
