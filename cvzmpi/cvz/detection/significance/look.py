"""The look at an event: with all templates around its peak, in the whitened light curve with it.

A found flare and an injected one are looked at in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from cvzmpi.cvz.detection.significance.quiet_noise import QuietNoise, box_lengths
from cvzmpi.cvz.detection.significance.vetting import Look, hump_fwhm, since_gap_at_places
from cvzmpi.cvz.detection.significance.whitened.boxes import best_box
from cvzmpi.cvz.detection.significance.whitened.statistic import (
    MIN_COVERAGE,
    coverage,
    places_of,
)
from cvzmpi.cvz.detection.significance.whitened.templates import RESOLVED, Template
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.light_curves.exposure import in_cadences

_BOX_LENGTHS = range(12, 201)  # cadences (of 120 s), of boxes that are compared
_BOX_WIDTH = 2.5  # a box has the noise of the template of this fraction of its length
_NEAR = 3  # cadences around the peak in which the brightest one is


@dataclass(frozen=True)
class Looker:
    """Looks at events in a light curve, or a piece of it."""

    quiet: QuietNoise
    exposure: float  # days
    pad: int  # places before the first and after the last for which there are factors
    # what turns sums over whitened fluxes to signal-to-noise: float64, shape (n_templates,
    # n_places + 2 pad); 0 where too little is usable
    factors: np.ndarray
    backwards_factors: np.ndarray
    scales: np.ndarray  # float64, shape (n_templates, n_places): the star's noise, raised
    usable: np.ndarray  # bool, shape (n_places,)
    since_gap: np.ndarray  # int64, shape (n_places,)

    @classmethod
    def of(
        cls,
        whitening: Whitening,
        quiet: QuietNoise,
        scales: np.ndarray,
        since_gap: np.ndarray,
    ) -> Looker:
        """Prepare to look at a whitened light curve.

        Parameters
        ----------
        scales : float64, shape (n_templates, n)
            The star's noise at the usable cadences, raised where need be.
        since_gap : int, shape (n,)
            From `cadences_since_gap`.
        """
        samples = whitening.samples
        of_places = places_of(samples, scales)
        forwards = coverage(whitening, quiet.templates)
        backwards = coverage(whitening, quiet.backwards)
        n_short = len(quiet.templates) - len(quiet.backwards)
        pad = in_cadences(_PAD, samples.exposure, least=_PAD)
        return cls(
            quiet=quiet,
            exposure=samples.exposure,
            pad=pad,
            factors=_factors(forwards, quiet.information, of_places, pad),
            backwards_factors=_factors(
                backwards, quiet.backwards_information, of_places[n_short:], pad
            ),
            scales=of_places,
            usable=samples.on_grid(~whitening.left_out).astype(bool),
            since_gap=since_gap_at_places(samples.place, since_gap, samples.exposure),
        )

    @property
    def margin(self) -> int:
        """Cadences around the peak that are looked at."""
        return margin(self.quiet.templates, self.exposure)

    def look(self, alpha: np.ndarray, centre: np.ndarray, least: float = -np.inf) -> Look:
        """Look at a batch of events.

        Parameters
        ----------
        alpha : float64, shape (batch, 2 margin + 1)
            K^-1 of the flux around each, on the grid; 0 where nothing is usable.
        centre : int, shape (batch,)
            Places of the peaks, which stand in the middle of `alpha`.
        least : float
            Signal-to-noise below which that is no event. Where it is given, events are only
            decided: the vetting values are left at 0 of what is none, and those of a rule where
            another refuses it already, and that of boxes is only above its limit or not.
        """
        batch = np.arange(len(centre))
        snr = np.full(len(centre), -np.inf)
        at_template, shift = np.zeros((2, len(centre)), np.int64)
        compared = []
        for k, template in enumerate(self.quiet.templates):
            sums = _sums(alpha, template, template.slack)
            factors = _factors_at(self.factors[k], centre, template.slack, self.pad)
            compared.append((sums, factors))
            values = sums * factors
            where = values.argmax(axis=1)
            better = values[batch, where] > snr
            snr[better] = values[batch, where][better]
            at_template[better] = k
            shift[better] = where[better] - template.slack
        place = np.clip(centre + shift, 0, len(self.usable) - 1)
        rest, backwards, hump = np.zeros((3, len(centre)))
        since_gap = self.since_gap[place]
        look = Look(snr, at_template, place, rest, backwards, hump, since_gap)
        self._vet(look, alpha, centre, shift, compared, least)
        return look

    def _vet(
        self,
        look: Look,
        alpha: np.ndarray,
        centre: np.ndarray,
        shift: np.ndarray,
        compared: list[tuple[np.ndarray, np.ndarray]],
        least: float,
    ) -> None:
        """Fill in the vetting values of a batch: all, or those that decide."""
        decide = least > -np.inf

        def undecided(members: np.ndarray) -> np.ndarray:
            if not decide:
                return members
            return members[look.refused(self.exposure)[members] == 0]

        fwhm = np.array([t.fwhm for t in self.quiet.templates])[look.template]
        members = np.flatnonzero(look.snr >= least)
        look.rest_snr[members] = self._rest(
            alpha[members],
            shift[members],
            [(sums[members], factors[members]) for sums, factors in compared],
        )
        members = undecided(members)
        resolved = members[fwhm[members] >= RESOLVED]
        look.reversed_snr[resolved] = self._backwards(alpha[resolved], centre[resolved])
        members = undecided(members)
        limits = look.hump_limit
        for member in members[fwhm[members] >= hump_fwhm(self.exposure)]:
            limit = float(limits[member]) if decide else None
            look.hump_snr[member] = self._hump(
                alpha[member], int(centre[member]), int(shift[member]), limit
            )

    def _backwards(self, alpha: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """The best signal-to-noise of templates backwards in time."""
        best = np.zeros(len(centre))
        for k, template in enumerate(self.quiet.backwards):
            slack = _backwards_slack(template)
            factors = _factors_at(self.backwards_factors[k], centre, slack, self.pad)
            snr = _sums(alpha, template, slack) * factors
            best = np.maximum(best, snr.max(axis=1))
        return best

    def _rest(
        self,
        alpha: np.ndarray,
        shift: np.ndarray,
        compared: list[tuple[np.ndarray, np.ndarray]],
    ) -> np.ndarray:
        """The best signal-to-noise without the brightest cadence near the peak.

        To leave a cadence out takes K^-1 e alpha_n / (K^-1)_nn from K^-1 y, and the square of
        s^T K^-1 e over (K^-1)_nn from the information of s (a rank-one update).
        """
        batch = np.arange(len(shift))
        middle = alpha.shape[1] // 2
        near = shift[:, None] + np.arange(-_NEAR, _NEAR + 1)
        values = np.take_along_axis(alpha, near + middle, axis=1)
        brightest = near[batch, values.argmax(axis=1)]  # relative to the centre
        excess = values.max(axis=1) / self.quiet.cadence_information
        best, reach = np.zeros(len(shift)), self.quiet.profiles.shape[1] // 2
        for k, (template, (product, factors)) in enumerate(
            zip(self.quiet.templates, compared, strict=True)
        ):
            shifts = np.arange(-template.slack, template.slack + 1)
            offset = np.clip(brightest[:, None] - shifts, -reach, reach)
            overlap = self.quiet.profiles[k][offset + reach]
            left = 1 - overlap**2 / (self.quiet.cadence_information * self.quiet.information[k])
            snr = (product - overlap * excess[:, None]) * factors
            snr = np.where(left > 0.05, snr / np.sqrt(np.maximum(left, 0.05)), 0.0)
            best = np.maximum(best, snr.max(axis=1))
        return best

    def _hump(self, alpha: np.ndarray, centre: int, shift: int, limit: float | None) -> float:
        """The best signal-to-noise of a box over the peak; with a limit, as of `best_box`."""
        middle = len(alpha) // 2
        places = np.arange(centre - middle, centre + middle + 1)
        inside = (places >= 0) & (places < len(self.usable))
        usable = np.zeros(len(alpha))
        usable[inside] = self.usable[places[inside]]
        fwhms = np.log([template.fwhm for template in self.quiet.templates])
        scales = self.scales[:, min(max(centre + shift, 0), len(self.usable) - 1)]
        lengths = _lengths(self.exposure)
        information = np.exp(
            np.interp(
                np.log(lengths), np.log(self.quiet.box_lengths), np.log(self.quiet.box_information)
            )
        )
        noise = np.interp(np.log(lengths / _BOX_WIDTH), fwhms, scales)
        return best_box(alpha, usable, middle + shift, lengths, information, noise, limit)


@cache
def _lengths(exposure: float) -> np.ndarray:
    """Of the boxes that are compared, in cadences; read-only, for it is made once."""
    lengths = box_lengths(_BOX_LENGTHS, exposure)
    lengths.flags.writeable = False
    return lengths


@cache
def _matrix(template: Template, slack: int) -> np.ndarray:
    """The template at each shift, in columns; shape (n + 2 slack, 2 slack + 1)."""
    n = len(template.shape)
    matrix = np.zeros((n + 2 * slack, 2 * slack + 1))
    for k in range(2 * slack + 1):
        matrix[k : k + n, k] = template.shape
    return matrix


def _sums(alpha: np.ndarray, template: Template, slack: int) -> np.ndarray:
    """The template times the whitened flux, at each shift; shape (batch, 2 slack + 1)."""
    first = alpha.shape[1] // 2 - slack - template.before
    matrix = _matrix(template, slack)
    product: np.ndarray = alpha[:, first : first + len(matrix)] @ matrix
    return product


def _factors_at(factors: np.ndarray, centre: np.ndarray, slack: int, pad: int) -> np.ndarray:
    """The factors of a template at each shift; shape (batch, 2 slack + 1)."""
    values: np.ndarray = factors[centre[:, None] + np.arange(-slack, slack + 1) + pad]
    return values


_PAD = 512  # places (of 120 s) before the first and after the last that may be asked for


def _factors(covered: np.ndarray, info: np.ndarray, scales: np.ndarray, pad: int) -> np.ndarray:
    enough = np.maximum(covered, MIN_COVERAGE)
    factors = 1 / (np.sqrt(info[:, None] * enough) * scales)
    factors[covered < MIN_COVERAGE] = 0.0
    return np.pad(factors, ((0, 0), (pad, pad)))


def _backwards_slack(template: Template) -> int:
    """A template backwards in time peaks later than the bump that it fits."""
    return int(3 + 2.5 * template.fwhm)


def margin(templates: tuple[Template, ...], exposure: float) -> int:
    """Cadences around a peak that a look at it needs."""
    longest = templates[-1]
    box = int(_lengths(exposure)[-1])
    return max(longest.after + _backwards_slack(longest), box + longest.slack) + _NEAR
