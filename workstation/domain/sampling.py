"""Which frames are examined (X9: the sampling rule is stated)."""

from __future__ import annotations


def even_sample(total: int, wanted: int) -> tuple[int, ...]:
    """Ordinals spread evenly over the whole length, first and last included (rule "even-v1").

    Args:
        total: frames in the stream.
        wanted: frames asked for; 0 or at least ``total`` gives every frame.

    Returns:
        Rising ordinals without repeats; empty when the stream has no frame.
    """
    if total <= 0:
        return ()
    if wanted <= 0 or wanted >= total:
        return tuple(range(total))
    if wanted == 1:
        return (total // 2,)
    return tuple(round(i * (total - 1) / (wanted - 1)) for i in range(wanted))
