"""Continually learning prototypes on the spikes of an input code (``local_rule.clp``): Lava's own way, as a peer.

No replay and no boundary, but whole samples are kept as prototypes, and more of them with every mistake: ``nbytes``
says how much. The same numbers from numpy and from a graph of Lava's own processes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from fusi_models.checks import count
from fusi_models.seeds import whole
from neuromorph.learner import Learner, checked_labels, checked_samples, described
from neuromorph.learners.methods import NoParts
from neuromorph.local_rule.clp import Memory, Novelty, learned, shared_inputs
from neuromorph.local_rule.codes import Winners
from neuromorph.metrics import Cost

CODE, NOVELTY = Winners(), Novelty()
TOGETHER = 200  # samples of a product, or of a graph


class Clp(Learner):
    """x [n, inputs] in [0, 1], y [n] in 0..classes-1; mini-batch size 1, boundary-free.

    ``code``: one step of it is the input of a sample; ``novelty``: when an input is new; ``seed``: of the code. Where
    no prototype answers, the first class is said. Attribute: ``memory``, prototypes and their classes. Raises
    ``ValueError`` for sizes below 1, bad samples and a state of another configuration.
    """

    def __init__(
        self, inputs: int, classes: int, code: Winners = CODE, novelty: Novelty = NOVELTY, seed: int = 0
    ) -> None:
        self.inputs, self.classes = count("inputs", inputs), count("classes", classes)
        self.code, self.novelty, self.seed = code, novelty, whole(seed)
        self.membrane = novelty.membrane(code.winners)
        self.memory = Memory(np.zeros((0, code.sources(self.inputs)), bool), np.zeros(0, np.int64))

    @property
    def description(self) -> str:
        names = ("inputs", "classes", "code", "novelty", "seed")
        return described(type(self).__name__, **{name: getattr(self, name) for name in names})

    @property
    def nbytes(self) -> int:
        """Of the prototypes, a bit a synapse, and of their classes, a byte each."""
        stored = self.memory.stored
        return -(-stored.size // 8) + len(stored)

    def partial_fit(self, x: Any, y: Any) -> None:
        x = checked_samples(x, (self.inputs,))
        y = checked_labels(y, x.shape[:1], self.classes)
        for k in range(0, len(x), TOGETHER):
            self.memory = self._learned(self._spikes(x[k : k + TOGETHER]), y[k : k + TOGETHER])

    def predict(self, x: Any) -> NDArray[np.int64]:
        x = checked_samples(x, (self.inputs,))
        if not len(self.memory.stored):
            return np.zeros(len(x), np.int64)
        found = [np.zeros(0, np.int64)]
        for k in range(0, len(x), TOGETHER):
            found.append(np.maximum(self._answers(self._spikes(x[k : k + TOGETHER])), 0))
        return np.concatenate(found)

    def cost(self, x: Any) -> Cost | None:
        """Of the code and the prototypes that there are, until the first has crossed; None for no prototypes."""
        x = checked_samples(x, (self.inputs,))
        z, stored = self._spikes(x), self.memory.stored
        if not stored.size:
            return None
        first = self.membrane.crossings(shared_inputs(z, stored)).min(1)
        shown = z.sum(1) * np.minimum(first, self.membrane.window)
        spikes = float((first <= self.membrane.window).mean())
        return Cost(stored.size, stored.size / 8, float(shown.mean()) * len(stored), self.code.multiplied(x), spikes)

    def state_dict(self) -> dict[str, Any]:
        return {"description": self.description, **self.memory._asdict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.check_saved(state)
        self.memory = Memory(np.array(state["stored"], bool), np.array(state["classes"], np.int64))

    def _spikes(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        spikes: NDArray[np.bool_] = self.code.raster(x, 1, self.seed, 0, False)[:, 0]
        return spikes

    @abstractmethod
    def _learned(self, z: NDArray[np.bool_], y: NDArray[np.int64]) -> Memory:
        """The memory after inputs z [n, spiking input]."""

    @abstractmethod
    def _answers(self, z: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The class that is said [n], below 0 where nobody answers; at least one prototype."""


@final
class ClpLearner(Clp):
    """``Clp`` in numpy.

    >>> learner = ClpLearner(4, 2, Winners(50))
    >>> learner.partial_fit(np.eye(4), np.array([0, 1, 0, 1]))
    >>> learner.predict(np.eye(4)).tolist()
    [0, 1, 0, 1]
    """

    def _learned(self, z: NDArray[np.bool_], y: NDArray[np.int64]) -> Memory:
        return learned(self.membrane, self.memory, z, y)

    def _answers(self, z: NDArray[np.bool_]) -> NDArray[np.int64]:
        stored, classes = self.memory
        winners = self.membrane.winners(shared_inputs(z, stored))
        return np.where(winners < 0, -1, classes[winners])


@final
class LavaClpLearner(Clp):
    """``Clp`` in a graph of Lava's own processes, which learns and answers; some 80 steps a sample."""

    def _learned(self, z: NDArray[np.bool_], y: NDArray[np.int64]) -> Memory:
        from neuromorph.lava.graphs import clp

        return clp.learn(self.membrane, self.memory, z, y)

    def _answers(self, z: NDArray[np.bool_]) -> NDArray[np.int64]:
        from neuromorph.lava.graphs import clp

        return clp.infer(self.membrane, self.memory, z)


SUBSTRATES: Mapping[str, type[Clp]] = {"numpy": ClpLearner, "lava": LavaClpLearner}


@final
@dataclass(frozen=True)
class ClpMethod:
    """``Clp`` in words, of the code ``Winners``; no hidden layers. ``substrate``: numpy or lava."""

    features: int = 1000
    active: float = 0.1
    window: int = 64
    alike: float = 0.45
    substrate: str = "numpy"

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``. Raises ``ValueError`` for parts and for another substrate."""
        if parts:
            raise NoParts("clp", parts)
        if self.substrate not in SUBSTRATES:
            raise ValueError(f"clp runs on no substrate '{self.substrate}': choose one of {', '.join(SUBSTRATES)}.")
        code, novelty = Winners(self.features, self.active), Novelty(self.window, self.alike)
        return SUBSTRATES[self.substrate](sizes[0], sizes[-1], code, novelty, seed)


METHOD = ClpMethod


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one, for the contract test."""
    return ClpLearner, {"inputs": inputs, "classes": classes, "code": Winners(30, 0.2), "seed": seed}
