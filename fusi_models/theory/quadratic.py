"""The quadratic binary task: what the size of a hidden weight says about the importance of its sign.

L(W) = 1/2 (W - W*)^T H (W - W*),   W_h(t+1) = W_h(t) - eta H (sign(W_h(t)) - W*)

A hidden weight whose optimum lies outside [-1, 1] diverges linearly, the others oscillate around zero. The increase of
the loss when bit i is flipped at W = sign(W_h) is, exactly and asymptotically (t steps, near t -> infinity),

D_i L = 2 H_ii - 2 W_i g_i,   g = H (W - W*);        D_i L ~ 2 H_ii + 2 |W_h,i(t)| / (eta t)

Source: Laborieux et al. 2021, Nat Commun 12:2549 (its law has the eigenvalue in the place of H_ii, the same for a
diagonal H), and the authors' notebook. sign(0) = +1; everything is dimensionless, t in steps.
"""

from dataclasses import dataclass

import numpy as np

from fusi_models.synapse import Values


@dataclass(frozen=True, eq=False)
class QuadraticTask:
    """``hessian`` H [n, n], symmetric positive definite; ``target`` W* [n].

    Raises ``ValueError`` for shapes that do not fit or an H that is not symmetric positive definite.
    """

    hessian: Values
    target: Values

    def __post_init__(self) -> None:
        n = len(self.target)
        if self.hessian.shape != (n, n) or not np.allclose(self.hessian, self.hessian.T):
            raise ValueError(f"hessian must be symmetric [{n}, {n}] like the target, got shape {self.hessian.shape}.")
        if not np.linalg.eigvalsh(self.hessian).min() > 0:
            raise ValueError("hessian must be positive definite: all its eigenvalues must be positive.")

    def trajectory(self, start: Values, lr: float, steps: int) -> Values:
        """Hidden weights [steps + 1, n], the first row ``start``."""
        hidden = np.empty((steps + 1, len(self.target)))
        hidden[0] = start
        for t in range(steps):
            hidden[t + 1] = hidden[t] - lr * self.hessian @ (signs(hidden[t]) - self.target)
        return hidden

    def loss(self, binary: Values) -> float:
        """L at the weights ``binary`` [n]."""
        away = binary - self.target
        return float(away @ self.hessian @ away) / 2

    def flip_increase(self, hidden: Values) -> Values:
        """D_i L [n], exactly, at the signs of ``hidden`` [n]."""
        binary = signs(hidden)
        increase: Values = 2 * np.diag(self.hessian) - 2 * binary * (self.hessian @ (binary - self.target))
        return increase

    def predicted_increase(self, hidden: Values, lr: float, steps: int) -> Values:
        """D_i L [n] by the asymptotic law, from hidden weights [n] after ``steps`` steps."""
        increase: Values = 2 * np.diag(self.hessian) + 2 * np.abs(hidden) / (lr * steps)
        return increase


def signs(hidden: Values) -> Values:
    """-1.0 or +1.0; of 0 it is +1."""
    return np.where(hidden >= 0, 1.0, -1.0)


def random_task(
    size: int,
    rng: np.random.Generator,
    mean: float = 20.0,
    width: float = 19.0,
    reach: float = 4.0,
    diagonal: bool = False,
) -> QuadraticTask:
    """Eigenvalues uniform in ``mean`` +- ``width`` / 2 on uniformly random axes, W* uniform in +-``reach``.

    ``diagonal``: the axes are the eigenvectors.
    """
    values = mean + width * (rng.random(size) - 0.5)
    basis, upper = np.linalg.qr(rng.standard_normal((size, size)))
    basis = np.eye(size) if diagonal else basis * np.sign(np.diag(upper))  # the signs make it uniform (Haar)
    hessian = (basis * values) @ basis.T
    return QuadraticTask((hessian + hessian.T) / 2, rng.uniform(-reach, reach, size))
