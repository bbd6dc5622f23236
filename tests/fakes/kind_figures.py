"""Figures by kind of forgery that suffice, for cards of fake detectors."""

from __future__ import annotations

from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure, Threshold


def standing(*kinds: ForgeryClass) -> tuple[KindFigure, ...]:
    """A figure that stands for each of ``kinds``."""
    return tuple(
        KindFigure(kind, f"made-up {kind}", 80, 80, 80, "both classes alike", 0.9, 0.85, 0.94, "sharpness", 0.55, 0.05)
        for kind in kinds
    )


FAILING = KindFigure(
    ForgeryClass.WHOLE_GAN, "made-up faces", 80, 80, 80, "both classes alike", 0.36, 0.28, 0.46, "sharpness", 0.52, 0.3
)
THRESHOLD = Threshold(0.83, 0.045, 0.01, 0.115, 310, 62, "Untouched portraits of 62 people held out of training")
