"""Compute the wavelet filters from their definitions and write them as `table.rs`.

    python src/wavelet/filters.py [--check]

Daubechies filters and symlets are spectral factors of the binomial half-band polynomial, the
biorthogonal splines its products with binomials, the rest of the biorthogonal family splits its
roots between analysis and synthesis; all of it in 120 digits and rounded once, to double
precision. The choice of roots is that of the filters in general use. Needs mpmath; coiflets and the
discrete Meyer filter are taken from PyWavelets (MIT license, see LICENSE). `--check` compares the
computed filters with those of PyWavelets and says by how much they differ.

Sources: I. Daubechies, Ten Lectures on Wavelets (SIAM 1992), chapters 6 to 8; A. Cohen,
I. Daubechies and J.-C. Feauveau, Biorthogonal bases of compactly supported wavelets, Communications
on Pure and Applied Mathematics 45 (1992), 485-560.
"""

import argparse
import pathlib

import mpmath as mp

mp.mp.dps = 120

# One bit for each pair of roots, real and complex ones in the order of `pairs`: set if the root
# outside the unit circle is taken.
SYMLETS = {2: 0, 3: 0, 4: 2, 5: 1, 6: 5, 7: 1, 8: 10, 9: 6, 10: 21, 11: 6, 12: 21, 13: 28, 14: 44}
SYMLETS |= {15: 28, 16: 89, 17: 142, 18: 333, 19: 116, 20: 357}

SPLINES = ["1.1", "1.3", "1.5", "2.2", "2.4", "2.6", "2.8", "3.1", "3.3", "3.5", "3.7", "3.9"]
# Zeros at -1 of the synthesis and of the analysis filter, and which pairs synthesis takes.
SPLIT = {"4.4": (4, 4, (0,)), "5.5": (6, 4, (0,)), "6.8": (6, 8, (1,))}


def multiply(a, b):
    out = [mp.mpf(0)] * (len(a) + len(b) - 1)
    for i, u in enumerate(a):
        for j, v in enumerate(b):
            out[i + j] += u * v
    return out


def half_band(n):
    """Coefficients in y = sin(w/2)**2 of the polynomial with P(y)(1-y)**n + P(1-y)y**n = 1."""
    return [mp.binomial(n - 1 + k, k) for k in range(n)]


def pairs(n):
    """Roots z inside the unit circle of P((2 - z - 1/z) / 4): real ones, then one of each
    conjugate pair, each sorted by real part of y."""
    roots = mp.polyroots(half_band(n)[::-1], maxsteps=500, extraprec=600) if n > 1 else []
    found = []
    for y in roots:
        if abs(mp.im(y)) < mp.mpf(10) ** -80:
            y = mp.re(y)
        elif mp.im(y) < 0:
            continue
        middle = 1 - 2 * y
        z = middle + mp.sqrt(middle**2 - 1)
        found.append((y, z if abs(z) < 1 else 1 / z))
    found.sort(key=lambda pair: (mp.im(pair[0]) != 0, mp.re(pair[0])))
    return [z for _, z in found]


def factor(z):
    """The real polynomial, lowest power last, with root `z` and its conjugate."""
    if mp.im(z) == 0:
        return [mp.mpf(1), -mp.re(z)]
    return [mp.mpf(1), -2 * mp.re(z), abs(z) ** 2]


def scaled(taps):
    total = mp.fsum(taps)
    return [tap * mp.sqrt(2) / total for tap in taps]


def orthogonal(n, outside=0):
    """Scaling filter with `n` vanishing moments; bit k of `outside` turns pair k inside out."""
    taps = [mp.binomial(n, k) for k in range(n + 1)]
    for k, z in enumerate(pairs(n)):
        taps = multiply(taps, factor(1 / z if outside >> k & 1 else z))
    return scaled(taps)


def both(z):
    """The polynomial with the roots `z`, its inverse and their conjugates."""
    return multiply(factor(z), factor(1 / z))


def spline(name):
    p, q = map(int, name.split("."))
    synthesis = scaled([mp.binomial(p, k) for k in range(p + 1)])
    half = half_band((p + q) // 2)
    sine = [mp.mpf(-1) / 4, mp.mpf(1) / 2, mp.mpf(-1) / 4]
    total, power = [mp.mpf(0)] * (2 * len(half) - 1), [mp.mpf(1)]
    for c in half:
        start = (len(total) - len(power)) // 2
        for i, v in enumerate(power):
            total[start + i] += c * v
        power = multiply(power, sine)
    return scaled(multiply([mp.binomial(q, k) for k in range(q + 1)], total)), synthesis


def split(name):
    zeros, dual_zeros, taken = SPLIT[name]
    synthesis = [mp.binomial(zeros, k) for k in range(zeros + 1)]
    analysis = [mp.binomial(dual_zeros, k) for k in range(dual_zeros + 1)]
    for k, z in enumerate(pairs((zeros + dual_zeros) // 2)):
        if k in taken:
            synthesis = multiply(synthesis, both(z))
        else:
            analysis = multiply(analysis, both(z))
    return scaled(analysis), scaled(synthesis)


def aligned(analysis, synthesis):
    """Both filters in one even length, with zeros where the shorter one has no taps."""
    length = max(len(analysis), len(synthesis))
    if length % 2 == 0:
        starts = [(length - len(f)) // 2 for f in (analysis, synthesis)]
    else:
        length += 1
        starts = [length // 2 - len(analysis) // 2, length // 2 - 1 - len(synthesis) // 2]
    out = []
    for taps, start in zip((analysis, synthesis), starts):
        out.append([0.0] * start + [float(t) for t in taps] + [0.0] * (length - start - len(taps)))
    return out


def tables():
    import pywt

    db = [[float(t) for t in orthogonal(n)] for n in range(1, 39)]
    sym = [[float(t) for t in orthogonal(n, SYMLETS[n])] for n in range(2, 21)]
    coif = [list(pywt.Wavelet(f"coif{n}").rec_lo) for n in range(1, 18)]
    bior = {name: aligned(*spline(name)) for name in SPLINES}
    bior |= {name: aligned(*split(name)) for name in SPLIT}
    dmey = list(pywt.Wavelet("dmey").rec_lo)
    return db, sym, coif, bior, dmey


def rows(taps):
    lines, line = [], "   "
    for tap in taps:
        text = f" {tap!r},"
        if len(line) + len(text) > 98:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join([*lines, line])


def write(path):
    db, sym, coif, bior, dmey = tables()
    lines = ["//! Filter coefficients, written by `filters.py`; change that, not this.", ""]

    def one(name, taps, doc):
        lines.append(f"/// {doc}")
        lines.append(f"pub static {name}: &[f64] = &[\n{rows(taps)}\n];")

    def many(name, filters, doc):
        lines.append(f"/// {doc}")
        lines.append(f"pub static {name}: &[&[f64]] = &[")
        lines.extend(f"    &[\n{rows(taps)}\n    ]," for taps in filters)
        lines.append("];")

    many("DB", db, "Daubechies, by the number of vanishing moments from 1.")
    many("SYM", sym, "Symlets, by the number of vanishing moments from 2.")
    many("COIF", coif, "Coiflets, from 1; from PyWavelets (MIT license).")
    one("DMEY", dmey, "The discrete Meyer filter; from PyWavelets (MIT license).")
    lines.append("/// Biorthogonal: name, analysis and synthesis scaling filter.")
    lines.append("pub static BIOR: &[(&str, &[f64], &[f64])] = &[")
    for name, (analysis, synthesis) in sorted(bior.items()):
        both = f"&[\n{rows(analysis)}\n    ],\n    &[\n{rows(synthesis)}\n    ]"
        lines.append(f'    ("{name}", {both}),')
    lines.append("];")
    path.write_text("\n".join(lines) + "\n")


def check():
    import pywt

    db, sym, _, bior, _ = tables()
    families = {
        "db": {f"db{n}": taps for n, taps in enumerate(db, 1)},
        "sym": {f"sym{n}": taps for n, taps in enumerate(sym, 2)},
    }
    for family, filters in families.items():
        worst = max(
            (max(abs(a - b) for a, b in zip(taps, pywt.Wavelet(name).rec_lo)), name)
            for name, taps in filters.items()
        )
        print(f"{family}: at most {worst[0]:.1e} from PyWavelets ({worst[1]})")
    worst = (0.0, "")
    for name, both in bior.items():
        wavelet = pywt.Wavelet(f"bior{name}")
        for taps, other in zip(both, (wavelet.dec_lo, wavelet.rec_lo)):
            worst = max(worst, (max(abs(a - b) for a, b in zip(taps, other)), name))
    print(f"bior: at most {worst[0]:.1e} from PyWavelets ({worst[1]})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with PyWavelets")
    if parser.parse_args().check:
        check()
    else:
        write(pathlib.Path(__file__).with_name("table.rs"))
