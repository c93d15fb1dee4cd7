"""The covariance of the quiet star and its noise, and flare templates seen through it.

The light curve y of a star with a flare of amplitude a and template s is Gaussian around a s, with
the covariance K of the process and the noise. The likelihood ratio with and without the flare is
greatest at

    a = s^T K^-1 y / s^T K^-1 s,   with the error  (s^T K^-1 s)^(-1/2),

and the signal-to-noise of the flare is the quotient of both (e.g. Kay 1998, Fundamentals of
Statistical Signal Processing II, section 4.4). With K = L diag(d) L^T (celerite, O(N)) the products
are sums over whitened vectors: x^T K^-1 y = sum_n (L^-1 x)_n (L^-1 y)_n / d_n. As L is lower
triangular, a template's whitened vector begins where the template begins, and is small soon after
its end: a few hundred cadences are all that is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from celerite2 import backprop, driver

from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.templates import Template
from cvzmpi.cvz.light_curves.exposure import in_cadences
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS

_LEFT_OUT = 1e30  # noise variance of a cadence that is left out, in variances of the process
# cadences (of 120 s) after its end in which a whitened template fades, and the fewest of others
_AFTERGLOW, _FEWEST_AFTER = 300, 150
_PLACES = 24  # places in the light curve at which the information of a template is computed


class Whitening:
    """A light curve whitened with the covariance of the quiet star.

    Parameters
    ----------
    samples : Samples
    residual : float64, shape (n,)
        The flux without the mean of the quiet star and without known flares.
    kernel, parameters : str and mapping
        The fitted Gaussian process: see `GaussianProcessFit`.
    left_out : bool, shape (n,)
        Cadences that carry no information.
    """

    def __init__(
        self,
        samples: Samples,
        residual: np.ndarray,
        kernel: str,
        parameters: Mapping[str, float],
        left_out: np.ndarray,
    ) -> None:
        names = KERNELS[kernel].parameters
        theta = np.log([parameters[name] for name in names])
        A, w, r = np.exp(KERNELS[kernel].oscillators(theta)[0]).T
        self.samples, self.left_out = samples, left_out
        # as in the fit: small times keep the sines in the kernel accurate
        self.time = samples.time - 0.5 * (samples.time[0] + samples.time[-1])
        self.variance = samples.error**2 + parameters["jitter"] ** 2
        self._c = np.repeat(w / r, 2)
        n, J = len(samples), len(self._c)
        noise = np.where(left_out, _LEFT_OUT * A.sum(), self.variance)
        a, U, V = driver.get_celerite_matrices(
            *(np.empty(0), A, A / r, w, self.time, noise),
            *(np.empty(n), np.empty((n, J)), np.empty((n, J))),
        )
        self._U = U
        self._d, self._W, _ = backprop.factor_fwd(
            *(self.time, self._c, a, U, V),
            *(np.empty(n), np.empty((n, J)), np.empty((n, J, J))),
        )
        self.residual = np.where(left_out, 0.0, residual)

    @cached_property
    def whitened(self) -> np.ndarray:
        """L^-1 of the residual; float64, shape (n,)."""
        return self.lower(self.residual[:, None], slice(None))[:, 0]

    @cached_property
    def alpha(self) -> np.ndarray:
        """K^-1 of the residual; float64, shape (n,), 0 where left out."""
        return self.upper(self.whitened[:, None], slice(None))[:, 0]

    @property
    def remainder(self) -> np.ndarray:
        """The residual without the conditional mean of the process; 0 where left out."""
        remainder: np.ndarray = np.where(self.left_out, 0.0, self.variance * self.alpha)
        return remainder

    def lower(self, values: np.ndarray, part: slice) -> np.ndarray:
        """L^-1 of vectors that are 0 before a part of the light curve; shape (n_part, k).

        They are taken as 0 where cadences are left out.
        """
        values = np.where(self.left_out[part, None], 0.0, values)
        system = (self.time[part], self._c, self._U[part], self._W[part])
        return driver.solve_lower(*system, values, values)

    def upper(self, whitened: np.ndarray, part: slice) -> np.ndarray:
        """L^-T diag(1/d) of whitened vectors that are 0 after a part; shape (n_part, k)."""
        values = self.weighted(whitened, part)
        system = (self.time[part], self._c, self._U[part], self._W[part])
        solved = driver.solve_upper(*system, values, values)
        solved[self.left_out[part]] = 0.0
        return solved

    def products(self, vectors: np.ndarray, part: slice) -> tuple[np.ndarray, np.ndarray]:
        """Products of vectors with the light curve and with each other.

        Parameters
        ----------
        vectors : float64, shape (n_part, k)
            In a part of the light curve; 0 elsewhere.

        Returns
        -------
        float64, shape (k,) and (k, k)
            v^T K^-1 y and v^T K^-1 v'.
        """
        z = self.lower(vectors, part)
        weighted = self.weighted(z, part)
        return weighted.T @ self.whitened[part], weighted.T @ z

    def weighted(self, whitened: np.ndarray, part: slice) -> np.ndarray:
        """diag(1/d) of whitened vectors in a part; shape (n_part, k)."""
        weighted: np.ndarray = whitened / self._d[part, None]
        return weighted

    def around(self, place: int, before: int, after: int) -> slice:
        """The part from `before` to `after` cadences of a place, and what fades after it."""
        glow = in_cadences(_AFTERGLOW, self.samples.exposure, _FEWEST_AFTER)
        return self.samples.piece(place - before, place + after + glow)


def typical_places(samples: Samples) -> np.ndarray:
    """Places across the light curve; int, shape (about 24,)."""
    numbers = np.linspace(0, len(samples) - 1, _PLACES + 2)[1:-1].astype(int)
    return samples.place[numbers]


def information(
    whitening: Whitening, shapes: Sequence[tuple[int, np.ndarray]], places: np.ndarray
) -> np.ndarray:
    """s^T K^-1 s of shapes where all their cadences are usable; float64, shape (n_shapes,).

    The process is stationary and most cadences are usable, so it is nearly the same everywhere: the
    median over some places is taken. Where cadences of a shape are missing, its information is
    smaller by their part of the sum of s^2: see `StatisticMap`.

    Parameters
    ----------
    shapes : sequence of (int, ndarray)
        Index of the cadence that stands at the place, and values.
    """
    values: list[list[float]] = [[] for _ in shapes]
    sums_of_squares = [np.sum(shape**2) for _, shape in shapes]
    for place in places.tolist():
        vectors = []
        for number, (before, shape) in enumerate(shapes):
            part = whitening.around(place, before, len(shape) - 1 - before)
            vector = placed(shape, whitening.samples.place[part] - (place - before))
            vector[whitening.left_out[part]] = 0.0
            share = np.sum(vector**2) / sums_of_squares[number]
            if share > 0.5:
                vectors.append((number, part, vector, share))
        for (number, _, _, share), product in zip(
            vectors, _with_themselves(whitening, [v[1:3] for v in vectors]), strict=True
        ):
            values[number].append(product / share)
    return np.array([np.median(of_shape) if of_shape else np.nan for of_shape in values])


def _with_themselves(
    whitening: Whitening, vectors: Sequence[tuple[slice, np.ndarray]]
) -> Iterator[float]:
    """v^T K^-1 v of vectors in parts of the light curve that overlap, each summed over its own.

    They are solved together: the exponentials of a solve are the same for all, and each vector has
    the bits that it has alone.
    """
    if not vectors:
        return
    start = min(part.start for part, _ in vectors)
    whole = slice(start, max(part.stop for part, _ in vectors))
    columns = np.zeros((whole.stop - start, len(vectors)))
    for column, (part, vector) in enumerate(vectors):
        columns[part.start - start : part.stop - start, column] = vector
    solved = whitening.lower(columns, whole)
    for column, (part, _) in enumerate(vectors):
        z = solved[part.start - start : part.stop - start, column, None].copy()
        yield float((whitening.weighted(z, part).T @ z)[0, 0])


def placed(shape: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The values of a shape at its indices; 0 before its first and after its last."""
    inside = (index >= 0) & (index < len(shape))
    values: np.ndarray = np.where(inside, shape[np.clip(index, 0, len(shape) - 1)], 0.0)
    return values


def shapes_of(templates: Sequence[Template]) -> list[tuple[int, np.ndarray]]:
    """The templates as `information` takes them."""
    return [(template.before, template.shape) for template in templates]
