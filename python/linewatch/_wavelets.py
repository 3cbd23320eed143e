"""Wavelets by name or by their filters: what `linewatch.wavelet` offers as classes.

Names, attributes and values are those of PyWavelets.
"""

from __future__ import annotations

import difflib
import math
import warnings
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core

if TYPE_CHECKING:
    from typing import Any, ClassVar, Literal

    from linewatch._typing import Array, Float64


# Family: full name, symmetry, orthogonal, biorthogonal.
_DISCRETE = {
    "haar": ("Haar", "asymmetric", True, True),
    "db": ("Daubechies", "asymmetric", True, True),
    "sym": ("Symlets", "near symmetric", True, True),
    "coif": ("Coiflets", "near symmetric", True, True),
    "bior": ("Biorthogonal", "symmetric", False, True),
    "rbio": ("Reverse biorthogonal", "symmetric", False, True),
    "dmey": ("Discrete Meyer (FIR Approximation)", "symmetric", True, True),
}
# Family: full name, complex, numbers, half of the interval it lives on, default parameters.
_CONTINUOUS = {
    "gaus": ("Gaussian", False, range(1, 9), 5.0, None),
    "mexh": ("Mexican hat wavelet", False, None, 8.0, None),
    "morl": ("Morlet wavelet", False, None, 8.0, None),
    "cgau": ("Complex Gaussian wavelets", True, range(1, 9), 5.0, None),
    "shan": ("Shannon wavelets", True, None, 20.0, (0.5, 1.0)),
    "fbsp": ("Frequency B-Spline wavelets", True, None, 20.0, (2, 1.0, 0.5)),
    "cmor": ("Complex Morlet wavelets", True, None, 8.0, (1.0, 0.5)),
}
# Wavelets are tabled at up to 2**24 points.
_MOST_STEPS = 24
# Old names that PyWavelets still knows.
_OLD_MODES = {
    "zpd": "zero",
    "sym": "symmetric",
    "cpd": "constant",
    "sp1": "smooth",
    "ppd": "periodic",
    "per": "periodization",
}
# PyWavelets' numbers.
_NUMBERS = [
    "zero",
    "symmetric",
    "constant",
    "smooth",
    "periodic",
    "periodization",
    "reflect",
    "antisymmetric",
    "antireflect",
]


_EXAMPLES = {"shan": "1.5-1.0", "fbsp": "2-1.5-1.0", "cmor": "1.5-1.0"}


def nearest(name, known):
    """The end of a message: the known name most like `name`, if one is."""
    close = difflib.get_close_matches(str(name).lower(), known, 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


class Modes:
    """Names of the modes that say how a signal goes on beyond its ends.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.Modes.modes
    ['zero', 'constant', 'symmetric', 'periodic', 'smooth', 'periodization', 'reflect',
     'antisymmetric', 'antireflect']
    """

    modes: ClassVar[list[str]] = [
        "zero",
        "constant",
        "symmetric",
        "periodic",
        "smooth",
        "periodization",
        "reflect",
        "antisymmetric",
        "antireflect",
    ]

    @classmethod
    def from_object(cls, mode: str | int) -> int:
        """The number of a mode given by name or number, as PyWavelets counts them."""
        return _NUMBERS.index(mode_name(mode))


for _number, _mode in enumerate(_NUMBERS):
    setattr(Modes, _mode, _number)


def mode_name(mode):
    """The name of a mode given by name or by PyWavelets' number."""
    if type(mode) is str and mode in Modes.modes:
        return mode
    if isinstance(mode, bool) or not isinstance(mode, str | int | np.integer):
        raise TypeError(f"mode must be a name such as 'symmetric', got {mode!r}")
    if isinstance(mode, str):
        if mode in _OLD_MODES:
            new = _OLD_MODES[mode]
            warnings.warn(f"{mode} is now called {new}", DeprecationWarning, stacklevel=3)
            return new
        known = ", ".join(map(repr, Modes.modes))
        raise ValueError(f"unknown mode {mode!r}{nearest(mode, Modes.modes)} (modes: {known})")
    if not 0 <= mode < len(_NUMBERS):
        raise ValueError(f"mode must be from 0 to {len(_NUMBERS) - 1}, got {mode}")
    return _NUMBERS[mode]


@cache
def _discrete_names():
    """Names of the discrete wavelets by family."""
    families = {family: [] for family in _DISCRETE}
    for name in _core.wavelet_names():
        families[name.rstrip("0123456789.")].append(name)
    return families


@cache
def _continuous_names():
    return {
        family: [f"{family}{n}" for n in numbers] if numbers else [family]
        for family, (_, _, numbers, *_) in _CONTINUOUS.items()
    }


def families(short: bool = True) -> list[str]:
    """Families of wavelets, the discrete ones first.

    Parameters
    ----------
    short : bool, default=True
        Short names, as `wavelist` takes them, rather than full ones.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.families()[:4]
    ['haar', 'db', 'sym', 'coif']
    """
    every = {**_DISCRETE, **_CONTINUOUS}
    return list(every) if short else [about[0] for about in every.values()]


def wavelist(
    family: str | None = None, kind: Literal["all", "discrete", "continuous"] = "all"
) -> list[str]:
    """Names of the wavelets.

    Parameters
    ----------
    family : str, optional
        Short name of one family.
    kind : {"all", "discrete", "continuous"}, default="all"
        Those for the discrete transforms, or those for `cwt`.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If `family` or `kind` is unknown.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.wavelist("coif")[:3]
    ['coif1', 'coif2', 'coif3']
    >>> len(wavelet.wavelist(kind="discrete"))
    106
    """
    if kind not in ("all", "discrete", "continuous"):
        raise ValueError(f"kind must be 'all', 'discrete' or 'continuous', got {kind!r}")
    names = {}
    if kind != "continuous":
        names |= _discrete_names()
    if kind != "discrete":
        names |= _continuous_names()
    if family is None:
        return [name for known in sorted(names) for name in names[known]]
    if family not in {**_DISCRETE, **_CONTINUOUS}:
        hint = nearest(family, families())
        raise ValueError(f"unknown family {family!r}{hint} (families() lists all)")
    return list(names.get(family, []))


def _unknown(name):
    hint = nearest(name, [*wavelist()])
    return ValueError(f"unknown wavelet {name!r}{hint} (wavelist() names all)")


def _split(name):
    """Family of a discrete wavelet."""
    return name.rstrip("0123456789.")


def _check_level(level):
    if not 1 <= level <= _MOST_STEPS:
        bound = "at least 1" if level < 1 else f"at most {_MOST_STEPS}"
        raise ValueError(f"level must be {bound}, got {level}")


class Wavelet:
    """A discrete wavelet: four filters and what is known about them.

    Parameters
    ----------
    name : str
        One of ``wavelist(kind="discrete")``, or any name if `filter_bank` is given.
    filter_bank : tuple of four sequences, or an object with such a ``filter_bank``, optional
        Filters of your own: analysis low-pass and high-pass, synthesis low-pass and high-pass, of
        one length. An odd length gets a zero at the end.

    Attributes
    ----------
    dec_lo, dec_hi, rec_lo, rec_hi : list of float
        The filters.
    filter_bank : tuple
        All four.
    dec_len, rec_len : int
        Their length.
    orthogonal, biorthogonal : bool
        Unknown filters count as neither until you say so.
    symmetry, family_name, short_family_name : str
    vanishing_moments_psi, vanishing_moments_phi : int or None

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one, or filters that do not fit.

    Notes
    -----
    Daubechies filters are those of PyWavelets to the last bit. Symlets and the biorthogonal
    wavelets 4.4, 5.5 and 6.8 are computed to full precision, which differs from its tables by up
    to 1.5e-11.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> w = wavelet.Wavelet("db2")
    >>> [round(tap, 4) for tap in w.dec_lo]
    [-0.1294, 0.2241, 0.8365, 0.483]
    """

    name: str
    dec_lo: list[float]
    dec_hi: list[float]
    rec_lo: list[float]
    rec_hi: list[float]
    orthogonal: bool
    biorthogonal: bool
    symmetry: str
    family_name: str
    short_family_name: str
    family_number: int
    number: int
    vanishing_moments_psi: int | None
    vanishing_moments_phi: int | None

    def __init__(self, name: str = "", filter_bank: Any = None) -> None:
        if not name and filter_bank is None:
            raise TypeError("a wavelet needs a name or a filter_bank")
        if filter_bank is None:
            if not isinstance(name, str):
                raise TypeError(f"wavelet must be a name or a Wavelet, got {name!r}")
            self._built_in(name.lower())
        else:
            self._custom(name, filter_bank)
        filters = self._bank.filters
        self.dec_lo, self.dec_hi, self.rec_lo, self.rec_hi = filters

    def _built_in(self, name):
        family = _split(name)
        if name not in _discrete_names().get(family, ()):
            if name[:4] in _CONTINUOUS:
                _parse_continuous(name)
                raise ValueError(
                    f"The `Wavelet` class is for discrete wavelets, {name} is a continuous one "
                    "(use ContinuousWavelet and cwt)"
                )
            raise _unknown(name)
        self.name = name
        about = _DISCRETE[family]
        self.family_name, self.symmetry, self.orthogonal, self.biorthogonal = about
        self.short_family_name = family
        self.family_number = self.number = int(name[len(family) :].replace(".", "") or 0)
        self.vanishing_moments_psi, self.vanishing_moments_phi = _moments(family, name)
        self._bank = _core.FilterBank.named(name)

    def _custom(self, name, filter_bank):
        filters = getattr(filter_bank, "filter_bank", filter_bank)
        filters = [list(map(float, taps)) for taps in filters]
        if len(filters) != 4:
            raise ValueError(f"filter_bank must hold 4 filters, got {len(filters)}")
        lengths = [len(taps) for taps in filters]
        if len(set(lengths)) != 1 or not lengths[0]:
            raise ValueError(f"filters must have one length above 0, got {lengths}")
        if lengths[0] % 2:
            filters = [[*taps, 0.0] for taps in filters]
        self.name = name
        self.family_name = self.short_family_name = ""
        self.symmetry = "unknown"
        self.orthogonal = self.biorthogonal = False
        self.family_number = self.number = 0
        self.vanishing_moments_psi = self.vanishing_moments_phi = 0
        self._bank = _core.FilterBank(*filters)

    @property
    def filter_bank(self) -> tuple[list[float], list[float], list[float], list[float]]:
        """The filters for analysis and synthesis."""
        return self.dec_lo, self.dec_hi, self.rec_lo, self.rec_hi

    @property
    def inverse_filter_bank(self) -> tuple[list[float], ...]:
        """The filters of the wavelet that exchanges analysis and synthesis."""
        filters = (self.rec_lo, self.rec_hi, self.dec_lo, self.dec_hi)
        return tuple(taps[::-1] for taps in filters)

    @property
    def dec_len(self) -> int:
        """Taps of the analysis filters."""
        return len(self.dec_lo)

    @property
    def rec_len(self) -> int:
        """Taps of the synthesis filters."""
        return len(self.rec_lo)

    def wavefun(self, level: int = 8) -> tuple[Float64, ...]:
        """Scaling function and wavelet, approximated by `level` steps of reconstruction.

        Parameters
        ----------
        level : int, default=8
            The functions are given at steps of ``2 ** -level``.

        Returns
        -------
        phi, psi, x : ndarray
            Of an orthogonal wavelet; of a biorthogonal one `phi_d, psi_d, phi_r, psi_r, x`.

        Raises
        ------
        ValueError
            If `level` is not from 1 to 24.

        Examples
        --------
        >>> from linewatch import wavelet
        >>> phi, psi, x = wavelet.Wavelet("haar").wavefun(level=1)
        >>> psi
        array([ 0.,  1., -1.,  0.])
        """
        _check_level(level)
        taps = self.dec_len
        keep = (2**level - 1) * (taps - 1) + 1
        # PyWavelets turns the sign of these wavelets.
        is_spline = self.short_family_name in ("bior", "rbio")
        sign = -1 if is_spline and self.name[4] in "2346" else 1
        size = max((taps - 1) * 2**level + (1 if self.orthogonal else 0), keep + 2)
        scale = math.sqrt(2.0**level)

        def curve(bank, detail):
            start = np.array([scale * (sign if detail else 1)])
            full = bank.upcoef(start, level, detail)
            spare = len(full) - keep
            full = full[spare // 2 : spare // 2 + keep]
            return np.concatenate([[0.0], full, np.zeros(size - keep - 1)])

        x = np.arange(size) / 2**level
        if self.orthogonal:
            return curve(self._bank, False), curve(self._bank, True), x
        other = _core.FilterBank(*self.inverse_filter_bank)
        return (
            curve(other, False),
            curve(other, True),
            curve(self._bank, False),
            curve(self._bank, True),
            x,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        filters = None if self.short_family_name else self.filter_bank
        return _restore, (self.name, filters, self.orthogonal, self.biorthogonal)

    def __repr__(self) -> str:
        filters = "" if self.short_family_name else f", filter_bank={self.filter_bank}"
        return f"Wavelet({self.name!r}{filters})"

    def __str__(self) -> str:
        return "\n".join(
            [
                f"Wavelet {self.name}",
                f"  Family name:    {self.family_name}",
                f"  Short name:     {self.short_family_name}",
                f"  Filters length: {self.dec_len}",
                f"  Orthogonal:     {self.orthogonal}",
                f"  Biorthogonal:   {self.biorthogonal}",
                f"  Symmetry:       {self.symmetry}",
                "  DWT:            True",
                "  CWT:            False",
            ]
        )


def _restore(name, filters, orthogonal, biorthogonal):
    wavelet = Wavelet(name, filters)
    wavelet.orthogonal, wavelet.biorthogonal = orthogonal, biorthogonal
    return wavelet


def _moments(family, name):
    """Vanishing moments of the wavelet and of the scaling function."""
    number = name[len(family) :]
    if family == "haar":
        return 1, 0
    if family == "dmey":
        return None, None
    if family == "coif":
        return 2 * int(number), 2 * int(number) - 1
    if family in ("bior", "rbio"):
        return tuple(map(int, number.split(".")))
    return int(number), 0


class ContinuousWavelet:
    """A wavelet for `cwt`, given by a formula.

    Parameters
    ----------
    name : str
        One of ``wavelist(kind="continuous")``; those of the families ``shan``, ``fbsp`` and
        ``cmor`` take parameters, as in ``"cmor1.5-1.0"`` (bandwidth and centre frequency) and
        ``"fbsp2-1.5-1.0"`` (order before them).

    Attributes
    ----------
    lower_bound, upper_bound : float
        The interval it lives on; may be set.
    bandwidth_frequency, center_frequency, fbsp_order : float or None
        The parameters; may be set.
    complex_cwt : bool
        Whether its transform is complex.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> psi, x = wavelet.ContinuousWavelet("mexh").wavefun(length=3)
    >>> psi.round(3) + 0.0
    array([0.   , 0.867, 0.   ])
    """

    name: str
    dt: np.dtype[Any]
    lower_bound: float
    upper_bound: float
    bandwidth_frequency: float | None
    center_frequency: float | None
    fbsp_order: int | None
    complex_cwt: bool
    symmetry: str
    family_name: str
    short_family_name: str
    family_number: int
    number: int

    orthogonal = biorthogonal = False

    def __init__(self, name: str = "", dtype: Any = np.float64) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"wavelet must be a name or a ContinuousWavelet, got {name!r}")
        self.name = name.lower()
        self.dt = np.dtype(dtype)
        if self.dt not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, got {self.dt}")
        family, number, parameters = _parse_continuous(self.name)
        self.short_family_name = family
        full, self.complex_cwt, _, half, _ = _CONTINUOUS[family]
        self.family_name = full
        self.family_number = self.number = number
        self.lower_bound, self.upper_bound = -half, half
        self.bandwidth_frequency = self.center_frequency = self.fbsp_order = None
        if parameters:
            *order, self.bandwidth_frequency, self.center_frequency = parameters
            if order:
                self.fbsp_order = int(order[0])
        if family in ("gaus", "cgau"):
            self.symmetry = "anti-symmetric" if number % 2 else "symmetric"
        else:
            self.symmetry = "symmetric" if family in ("mexh", "morl") else "asymmetric"

    def wavefun(self, level: int = 8, length: int | None = None) -> tuple[Array, Array]:
        """The wavelet at equal steps across its interval.

        Parameters
        ----------
        level : int, default=8
            There are ``2 ** level`` values.
        length : int, optional
            There are so many values instead.

        Returns
        -------
        psi, x : ndarray

        Raises
        ------
        ValueError
            If `level` is not from 1 to 24, or `length` below 2 or above ``2 ** 24``.
        """
        if length is None:
            _check_level(level)
        elif not 2 <= length <= 2**_MOST_STEPS:
            raise ValueError(f"length must be from 2 to {2**_MOST_STEPS}, got {length}")
        x = np.linspace(self.lower_bound, self.upper_bound, length or 2**level)
        psi = self._psi(x)
        kind = np.result_type(self.dt, np.complex64) if self.complex_cwt else self.dt
        return psi.astype(kind, copy=False), x.astype(self.dt, copy=False)

    def _psi(self, x):
        family = self.short_family_name
        if family == "mexh":
            scale = 2 / (math.sqrt(3) * math.pi**0.25)
            return scale * np.exp(-(x**2) / 2) * (1 - x**2)
        if family == "morl":
            return np.exp(-(x**2) / 2) * np.cos(5 * x)
        if family in ("gaus", "cgau"):
            return _gaussian_derivative(x, self.number, family == "cgau")
        b, c = self.bandwidth_frequency, self.center_frequency
        wave = np.exp(2j * math.pi * c * x)
        if family == "cmor":
            return np.exp(-(x**2) / b) / math.sqrt(math.pi * b) * wave
        if family == "shan":
            return math.sqrt(b) * np.sinc(b * x) * wave
        return math.sqrt(b) * np.sinc(b * x / self.fbsp_order) ** self.fbsp_order * wave

    def __reduce__(self) -> tuple[Any, ...]:
        return ContinuousWavelet, (self.name, self.dt), self.__dict__

    def __repr__(self) -> str:
        return f"ContinuousWavelet({self.name!r})"

    def __str__(self) -> str:
        return "\n".join(
            [
                f"ContinuousWavelet {self.name}",
                f"  Family name:    {self.family_name}",
                f"  Short name:     {self.short_family_name}",
                f"  Symmetry:       {self.symmetry}",
                "  DWT:            False",
                "  CWT:            True",
                f"  Complex CWT:    {self.complex_cwt}",
            ]
        )


def _parse_continuous(name):
    """Family, number and parameters of a continuous wavelet."""
    family = name[:4]
    if family not in _CONTINUOUS:
        if _split(name) in _DISCRETE and name in wavelist(kind="discrete"):
            raise ValueError(f"{name} is a discrete wavelet; expected a continuous one for cwt")
        raise _unknown(name)
    rest = name[4:]
    _, _, numbers, _, defaults = _CONTINUOUS[family]
    if numbers is not None:
        if rest not in map(str, numbers):
            raise _unknown(name)
        return family, int(rest), None
    if not rest:
        if defaults:
            form = f"{family}M-B-C" if len(defaults) == 3 else f"{family}B-C"
            warnings.warn(
                f"{family} without parameters takes {defaults}; say which you mean, as {form}",
                FutureWarning,
                stacklevel=4,
            )
        return family, 0, defaults
    try:
        parameters = tuple(map(float, rest.split("-")))
    except ValueError:
        parameters = ()
    if defaults is None or len(parameters) != len(defaults):
        error = ValueError(f"Invalid wavelet name {name!r}.")
        if defaults:
            error.add_note(
                f"{family} takes {len(defaults)} numbers, as in {family}{_EXAMPLES[family]}"
            )
        raise error
    if not all(math.isfinite(p) and p > 0 for p in parameters):
        raise ValueError(f"the parameters of {name} must be above 0")
    if len(parameters) == 3 and parameters[0] != int(parameters[0]):
        raise ValueError(f"the order of {name} must be a whole number")
    return family, 0, parameters


def _gaussian_derivative(x, n, is_complex):
    """The n-th derivative of exp(-x^2), or of exp(-x^2 - ix), with unit energy."""
    turn = 1j if is_complex else 0.0
    poly = np.polynomial.Polynomial([1.0 + 0 * turn])
    factor = np.polynomial.Polynomial([-turn, -2.0])
    for _ in range(n):
        poly = poly.deriv() + factor * poly
    # The energy is that of the polynomial under exp(-2 x^2), whose moments are known.
    square = poly * np.polynomial.Polynomial(np.conj(poly.coef))
    energy = 0.0
    for k, c in enumerate(square.coef):
        if k % 2 == 0:
            energy += c.real * math.gamma((k + 1) / 2) * 0.5 ** ((k + 1) / 2)
    # PyWavelets turns every second pair of real ones.
    sign = -1.0 if not is_complex and n % 4 in (2, 3) else 1.0
    return sign / math.sqrt(energy) * poly(x) * np.exp(-(x**2) - turn * x)


def DiscreteContinuousWavelet(
    name: str = "", filter_bank: Any = None
) -> Wavelet | ContinuousWavelet:
    """A `Wavelet` or a `ContinuousWavelet`, whichever has the name.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> [wavelet.DiscreteContinuousWavelet(name).name for name in ("db2", "mexh")]
    ['db2', 'mexh']
    """
    if filter_bank is None and isinstance(name, str) and name[:4].lower() in _CONTINUOUS:
        return ContinuousWavelet(name)
    return Wavelet(name, filter_bank)


@cache
def _by_name(name):
    return Wavelet(name)


def as_discrete(wavelet):
    """A wavelet with filters, from its name, a `Wavelet` or PyWavelets' own."""
    if type(wavelet) is str:
        return _by_name(wavelet)
    if isinstance(wavelet, Wavelet):
        return wavelet
    if isinstance(wavelet, ContinuousWavelet) or hasattr(wavelet, "complex_cwt"):
        raise ValueError(
            f"{wavelet.name} is a continuous wavelet; expected a discrete one "
            "(wavelist(kind='discrete') names all)"
        )
    if hasattr(wavelet, "filter_bank"):
        found = Wavelet(wavelet.name, wavelet.filter_bank)
        found.orthogonal = getattr(wavelet, "orthogonal", False)
        found.biorthogonal = getattr(wavelet, "biorthogonal", False)
        return found
    return Wavelet(wavelet)
