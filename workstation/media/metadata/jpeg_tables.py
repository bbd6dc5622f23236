"""Quantisation tables: the standard's own, how libraries scale them, and which library writes a given pair.

Sources: ITU-T T.81 (1992), tables K.1, K.2 and K.3 to K.6. What other libraries write was found by encoding with them
(libjpeg 6b to 9f, libjpeg-turbo 1.2 to 2.1, mozjpeg 1.0 to 4.0.3, FFmpeg's mjpeg, Pillow's presets) and is checked by
tests against the ones at hand. Natural (row by row) order throughout.
"""

from __future__ import annotations

from functools import cache

from PIL import JpegPresets

from workstation.domain.metadata import QualityFit, QuantTable

Table = tuple[int, ...]

ZIGZAG: tuple[int, ...] = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
)  # fmt: skip

K1_LUMINANCE: Table = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
K2_CHROMINANCE: Table = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, *([99] * 32),
)  # fmt: skip
_IJG9E_CHROMINANCE: Table = (16, *K2_CHROMINANCE[1:])
_MOZJPEG3: Table = (
    16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75, 16, 20, 24, 31, 43, 62, 91, 135, 18, 27, 31, 40, 53,
    74, 106, 156, 25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238, 56, 53, 91, 106, 131, 169, 226,
    311, 85, 75, 135, 156, 189, 238, 311, 418,
)  # fmt: skip
# ISO/IEC 11172-2, 2.4.3.2: the default intra matrix.
_MPEG_INTRA: Table = (
    8, 16, 19, 22, 26, 27, 29, 34, 16, 16, 22, 24, 27, 29, 34, 37, 19, 22, 26, 27, 29, 34, 34, 38, 22, 22, 26, 27, 29,
    34, 37, 40, 22, 26, 27, 29, 32, 35, 40, 48, 26, 27, 29, 32, 35, 40, 48, 58, 26, 27, 29, 34, 38, 46, 56, 69, 27, 29,
    35, 38, 46, 56, 69, 83,
)  # fmt: skip

# Annex K, tables K.3 to K.6: number of codes of each length 1..16, then the symbols, keyed by (class, id).
_DC_SYMBOLS = bytes(range(12))
STANDARD_HUFFMAN: dict[tuple[int, int], bytes] = {
    (0, 0): bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)) + _DC_SYMBOLS,
    (0, 1): bytes((0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0)) + _DC_SYMBOLS,
    (1, 0): bytes.fromhex(
        "0002010303020403050504040000017d"
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738"
        "393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5"
        "a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
    (1, 1): bytes.fromhex(
        "00020102040403040705040400010277"
        "0001020311040521310612415107617113223281081442"
        "91a1b1c109233352f0156272d10a162434e125f11718191a262728292a353637"
        "38393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3"
        "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
}  # fmt: skip


def scaled(base: Table, quality: int, baseline: bool = True) -> Table:
    """``base`` at a setting 1..100, as the IJG library scales it; ``baseline`` keeps every step within 8 bits."""
    factor = 5000 // quality if quality < 50 else 200 - 2 * quality
    most = 255 if baseline else 32767
    return tuple(min(max((step * factor + 50) // 100, 1), most) for step in base)


@cache
def _scale(standard: str, baseline: bool) -> tuple[Table, ...]:
    base = K1_LUMINANCE if standard == "luminance" else K2_CHROMINANCE
    return tuple(scaled(base, quality, baseline) for quality in range(1, 101))


def fit(table: QuantTable) -> QualityFit:
    """The setting of Annex K's tables that comes nearest, luminance and chrominance tried alike."""
    best: tuple[float, int, str] | None = None
    order = ("luminance", "chrominance") if table.id == 0 else ("chrominance", "luminance")
    baseline = table.precision == 8
    for standard in order:
        for quality, steps in enumerate(_scale(standard, baseline), 1):
            residual = sum(abs(a - b) for a, b in zip(table.values, steps, strict=True)) / 64
            if best is None or residual < best[0]:
                best = (residual, quality, standard)
    assert best is not None
    residual, quality, standard = best
    exact = residual == 0.0
    also = [q for q, steps in enumerate(_scale(standard, baseline), 1) if exact and q != quality]
    also = [q for q in also if _scale(standard, baseline)[q - 1] == table.values]
    return QualityFit(table.id, standard, quality, exact, round(residual, 3), tuple(also))


@cache
def known_encoders() -> dict[tuple[Table, Table | None], tuple[str, ...]]:
    """(luma table, chroma table or None when there is but one) -> who writes this pair."""
    known: dict[tuple[Table, Table | None], list[str]] = {}

    def add(luma: Table, chroma: Table | None, name: str) -> None:
        known.setdefault((luma, chroma), []).append(name)

    families = (
        ("IJG scale (libjpeg, libjpeg-turbo, Pillow, OpenCV and many programs built on them)", K1_LUMINANCE,
         K2_CHROMINANCE),
        ("IJG scale as libjpeg 9e and later write it", K1_LUMINANCE, _IJG9E_CHROMINANCE),
        ("mozjpeg 3 and 4, default tables", _MOZJPEG3, _MOZJPEG3),
    )  # fmt: skip
    for name, luma, chroma in families:
        for quality in range(1, 101):
            pair = scaled(luma, quality), scaled(chroma, quality)
            add(*pair, f"{name}, quality {quality}")
            if name.startswith("IJG scale ("):
                add(pair[0], None, f"{name}, quality {quality}, one table")
    for scale in range(1, 32):
        steps = (8, *(max(1, (step * scale) >> 3) for step in _MPEG_INTRA[1:]))
        add(tuple(min(step, 255) for step in steps), None, f"FFmpeg mjpeg, q {scale}")
    for name, preset in JpegPresets.presets.items():
        tables: list[list[int]] = preset["quantization"]  # type: ignore[assignment]
        luma, chroma = tuple(tables[0]), tuple(tables[1])
        add(luma, chroma, f'Pillow preset "{name}"')
    return {pair: tuple(names) for pair, names in known.items()}


def encoders_of(tables: tuple[QuantTable, ...]) -> tuple[str, ...]:
    """Known programs or libraries that write these tables; empty when none does, or when there are more than two."""
    values = [table.values for table in sorted(tables, key=lambda one: one.id)]
    if not values or len(values) > 2:
        distinct = list(dict.fromkeys(values))
        if len(distinct) != 2:
            return ()
        values = distinct
    return known_encoders().get((values[0], values[1] if len(values) == 2 else None), ())
