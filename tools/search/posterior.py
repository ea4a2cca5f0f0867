"""The posterior over configurations, measured or not: mean and standard deviation of each one's log ratio.

A Gaussian process over log ratios with a kernel that is additive in the knobs: every value of every knob has an
effect of its own, pairs of changed knobs have a smaller interaction, and the reference is 0 by definition. So one
measurement says something about every configuration that shares a change with it, and a lucky round is shrunk
towards what the same changes did elsewhere (the winner's curse, D09). How large each knob's effects are, and how
noisy the scores, is fitted to the scores themselves by marginal likelihood, so that one disastrous value does not
drag down everything it was tried with. Rasmussen & Williams, *Gaussian Processes for Machine Learning*, 2006,
algorithm 2.1 and eq. 5.8; additive kernels: Duvenaud et al., NeurIPS 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky
from scipy.special import ndtr

from bankable.tools.search.space import Point, SearchSpace

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

SCALES = (0.5, 1.0, 2.0, 4.0)
"""Factors on the prior standard deviations that the fit may choose from."""
SWEEPS = 2
"""Rounds of coordinate ascent over the factors."""
NOISE = -1
"""Coordinate of the noise's factor."""


@dataclass(frozen=True)
class Prior:
    """What is assumed before anything is measured; standard deviations in log ratio."""

    effect_sd: float = 0.08
    """Of one knob's value of importance 1."""
    interaction: float = 0.35
    """Of a pair's interaction, relative to the geometric mean of the two effects' standard deviations."""
    correlation: float = 0.6
    """Correlation between the effects of neighbouring numeric values of a knob."""
    category_correlation: float = 0.2
    """The same for values without an order."""
    noise_sd: float = 0.03
    """Of one measured score; the control comparison measures it."""


GOODPUT_PRIOR = Prior(effect_sd=0.3, noise_sd=0.12)
"""For goodput: near a limit a small change of a latency moves many requests in or out, and so does noise."""


class Posterior:
    """Posterior over all points of a space given some scores."""

    def __init__(
        self,
        space: SearchSpace,
        prior: Prior,
        points: Sequence[Point],
        scores: Sequence[float],
        factors: Vector | None = None,
    ) -> None:
        self._prior = prior
        self._tables = [_correlation_table(space, d, prior) for d in range(len(space.dimensions))]
        self._sds = np.array([prior.effect_sd * d.importance for d in space.dimensions])
        self._x = self._indices(points)
        self._y: Vector = np.array(scores, dtype=np.float64)
        self._parts = self._correlations(self._x, self._x)
        self.factors: Vector = self._fit() if factors is None else factors
        """On each knob's effect, and last on the noise."""
        self._weights: Vector = np.zeros(0)
        if len(points):
            self._factor: Matrix = cholesky(self._covariance(self.factors), lower=True)
            self._weights = cho_solve((self._factor, True), self._y)

    def at(self, points: Sequence[Point]) -> tuple[Vector, Vector]:
        """Mean and standard deviation of the true log ratio at each point."""
        at = self._indices(points)
        own = self._combine(np.stack([t[at[:, d], at[:, d]] for d, t in enumerate(self._tables)]), self.factors)
        if not len(self._x):
            return np.zeros(len(points)), np.sqrt(own)
        cross = self._combine(self._correlations(at, self._x), self.factors)
        explained = np.einsum("ij,ji->i", cross, cho_solve((self._factor, True), cross.T))
        return cross @ self._weights, np.sqrt(np.maximum(own - explained, 1e-12))

    def _indices(self, points: Sequence[Point]) -> Indices:
        return np.array(points, dtype=np.intp).reshape(len(points), len(self._tables))

    def _correlations(self, a: Indices, b: Indices) -> Matrix:
        """Correlation of the effects, knob by knob: (knobs, points of a, points of b)."""
        return np.stack([t[np.ix_(a[:, d], b[:, d])] for d, t in enumerate(self._tables)])

    def _combine(self, correlations: Matrix, factors: Vector) -> Matrix:
        """Main effects, and the products of two knobs by ((Σq)² − Σq²)/2."""
        sds = self._sds * factors[:NOISE]
        main = np.tensordot(sds**2, correlations, axes=1)
        linear = np.tensordot(sds, correlations, axes=1)
        squares = np.tensordot(sds**2, correlations * correlations, axes=1)
        combined: Matrix = main + self._prior.interaction**2 * (linear * linear - squares) / 2
        return combined

    def _covariance(self, factors: Vector) -> Matrix:
        noise = (self._prior.noise_sd * factors[NOISE]) ** 2
        covariance: Matrix = self._combine(self._parts, factors) + noise * np.eye(len(self._x))
        return covariance

    def _fit(self) -> Vector:
        """Coordinate ascent on the log marginal likelihood plus a log-normal prior (sd: a factor of 2)."""
        factors = np.ones(len(self._tables) + 1)
        if not len(self._x):
            return factors
        moved = [d for d in range(len(self._tables)) if self._x[:, d].any()]
        best = self._log_evidence(factors)
        for _ in range(SWEEPS):
            for d in (*moved, NOISE):
                for scale in SCALES:
                    trial = factors.copy()
                    trial[d] = scale
                    evidence = self._log_evidence(trial)
                    if evidence > best + 1e-9:
                        best, factors = evidence, trial
        return factors

    def _log_evidence(self, factors: Vector) -> float:
        factor = cholesky(self._covariance(factors), lower=True)
        fit = float(self._y @ cho_solve((factor, True), self._y))
        return -fit / 2 - float(np.log(np.diag(factor)).sum()) - float((np.log2(factors) ** 2).sum()) / 2


def expected_improvement(mean: Vector, sd: Vector, over: float) -> Vector:
    """E[max(f − over, 0)] for a normal posterior. Jones, Schonlau & Welch, J. Global Optimization 13, 1998, eq. 15."""
    z = (mean - over) / sd
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    improvement: Vector = (mean - over) * ndtr(z) + sd * density
    return improvement


def _correlation_table(space: SearchSpace, index: int, prior: Prior) -> Matrix:
    """Correlation of the effects of one knob's values; row and column 0, the reference, are 0."""
    dimension = space.dimensions[index]
    if dimension.ordered:
        rank = np.zeros(len(dimension.values))
        rank[1:] = np.argsort(np.argsort([float(str(v)) for v in dimension.values[1:]]))
        table: Matrix = prior.correlation ** np.abs(rank[:, None] - rank[None, :])
    else:
        table = np.where(np.eye(len(dimension.values)) > 0, 1.0, prior.category_correlation)
    table[0, :] = table[:, 0] = 0.0
    return table
