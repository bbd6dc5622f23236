"""ADDNet's two networks (Zi et al., "WildDeepfake", ACM MM 2020, arXiv 2101.01456), after the figure: no code is out.

One mask multiplies the picture and, average-pooled in a chain, the features behind it: five products, at 224, 109, 55,
28 and 14 pixels for an input of 224. Widths are Xception's (the paper prints none). What the paper leaves open and is
our choice: the pooling windows, which are those that the features themselves go through, so that a mask of ones stays
one; the two last convolutions of ADDNet-2D; the 3D classifier of ADDNet-3D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.addnet.blocks import Halving, Keeping, SeparableConv

GATES = 5
XCEPTION_ENTRY = (32, 64, 128, 256, 728)
XCEPTION_EXIT = (1024, 1536, 2048)


@dataclass(frozen=True, slots=True)
class FrameShape:
    """ADDNet-2D: ``side`` of the input in pixels, ``entry`` widths of the ADD block, ``middle`` blocks of kind 3,
    ``exit`` widths behind them, ``head`` channels between the two last convolutions."""

    side: int = 224
    entry: tuple[int, int, int, int, int] = XCEPTION_ENTRY
    middle: int = 8
    exit: tuple[int, int, int] = XCEPTION_EXIT
    head: int = 128


@dataclass(frozen=True, slots=True)
class SequenceShape:
    """ADDNet-3D: ``volume`` widths of the three 3D convolutions behind the ADD block."""

    side: int = 224
    entry: tuple[int, int, int, int, int] = XCEPTION_ENTRY
    volume: tuple[int, int, int] = (256, 256, 512)


class AddBlock(nn.Module):
    """Everything before the group of blocks 3: the five gates, the stem, block 1 and two blocks 2.

    ``forward(pixels, masks)``: ``pixels`` (N, 3, side, side); ``masks`` the five of `pooled_masks`, or None for no
    gates. Returns (N, entry[4], s, s), s = 14 for a side of 224, already multiplied by the fifth mask.
    """

    def __init__(self, entry: tuple[int, int, int, int, int]) -> None:
        super().__init__()
        a, b, c, d, e = entry
        self.stem1 = nn.Conv2d(3, a, 3, 2, bias=False)
        self.norm1 = nn.BatchNorm2d(a)
        self.stem2 = nn.Conv2d(a, b, 3, bias=False)
        self.norm2 = nn.BatchNorm2d(b)
        self.block1 = Halving(b, c, leading=False)
        self.block2 = Halving(c, d, leading=True)
        self.block3 = Halving(d, e, leading=True)

    def forward(self, pixels: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        return self.maps(pixels, masks)[-1]

    def maps(self, pixels: Tensor, masks: Sequence[Tensor] | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The features at the four inner gates, each after its gate."""
        if masks is not None and len(masks) != GATES:
            raise ValueError(f"an ADD block has {GATES} gates, not {len(masks)}")
        x = pixels if masks is None else pixels * masks[0]
        x = torch.relu(self.norm1(self.stem1(x)))
        x = torch.relu(self.norm2(self.stem2(x)))
        one = x if masks is None else x * masks[1]
        two = self.block1(one) if masks is None else self.block1(one) * masks[2]
        three = self.block2(two) if masks is None else self.block2(two) * masks[3]
        four = self.block3(three) if masks is None else self.block3(three) * masks[4]
        return one, two, three, four


def pooled_masks(mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The mask (N, 1, side, side) and its four copies, each averaged from the one before.

    The first window, 7 with stride 2, is what one feature behind the two stem convolutions sees; the others, 3 with
    stride 2, are those of the blocks' max-pools. Border windows average what lies inside.
    """
    one = nnf.avg_pool2d(mask, 7, 2)
    two = nnf.avg_pool2d(one, 3, 2, 1, count_include_pad=False)
    three = nnf.avg_pool2d(two, 3, 2, 1, count_include_pad=False)
    return mask, one, two, three, nnf.avg_pool2d(three, 3, 2, 1, count_include_pad=False)


def last_side(side: int) -> int:
    """Side of the ADD block's output for an input of ``side`` pixels."""
    found = (side - 7) // 2 + 1
    for _ in range(3):
        found = (found + 1) // 2
    return found


class AddNet2d(nn.Module):
    """The network for one picture.

    ``forward(pixels, mask=None)``: ``pixels`` (N, 3, side, side) as the card normalises them, ``mask`` (N, 1, side,
    side) in 0..1 or None for none. Returns class logits (N, 2): genuine, manipulated.

    The two last convolutions, ours: 3 x 3 with stride 2, ReLU, then one whose kernel covers what is left (3 x 3 for an
    input of 224), both unpadded; nothing is pooled before them, as drawn.
    """

    def __init__(self, shape: FrameShape) -> None:
        super().__init__()
        width = shape.entry[4]
        a, b, c = shape.exit
        self.shape = shape
        self.entry = AddBlock(shape.entry)
        self.middle = nn.Sequential(*(Keeping(width) for _ in range(shape.middle)))
        self.exit = Halving(width, a, leading=True, between=width)
        self.wide1 = SeparableConv(a, b)
        self.norm1 = nn.BatchNorm2d(b)
        self.wide2 = SeparableConv(b, c)
        self.norm2 = nn.BatchNorm2d(c)
        left = (last_side(shape.side) + 1) // 2
        if left < 3:
            raise ValueError(f"an input of {shape.side} pixels leaves {left} for the last convolutions, which want 3")
        self.head1 = nn.Conv2d(c, shape.head, 3, 2)
        self.head2 = nn.Conv2d(shape.head, 2, (left - 3) // 2 + 1)

    def forward(self, pixels: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.gated(pixels, None if mask is None else pooled_masks(mask))

    def gated(self, pixels: Tensor, masks: Sequence[Tensor] | None) -> Tensor:
        """As ``forward`` with the five masks given one by one."""
        x = self.exit(self.middle(self.entry(pixels, masks)))
        x = torch.relu(self.norm1(self.wide1(x)))
        x = torch.relu(self.norm2(self.wide2(x)))
        found: Tensor = self.head2(torch.relu(self.head1(x))).flatten(1)
        return found


class AddNet3d(nn.Module):
    """The network for a sequence of pictures of one face: one ADD block for all frames, then 3D convolutions.

    ``forward(pixels, mask=None)``: ``pixels`` (N, T, 3, side, side), ``mask`` (N, T, 1, side, side) or None. Returns
    class logits (N, 2) of the sequences: genuine, manipulated.

    The classifier, ours: a 1 x 1 x 1 convolution that narrows, two of 3 x 3 x 3 that halve height and width and keep
    the time, each with batch norm and ReLU, the mean over time and place, one linear layer. So any number of frames
    from one up can be read and none is repeated or invented.
    """

    def __init__(self, shape: SequenceShape) -> None:
        super().__init__()
        a, b, c = shape.volume
        self.shape = shape
        self.entry = AddBlock(shape.entry)
        self.narrow = nn.Conv3d(shape.entry[4], a, 1, bias=False)
        self.norm1 = nn.BatchNorm3d(a)
        self.volume1 = nn.Conv3d(a, b, 3, (1, 2, 2), 1, bias=False)
        self.norm2 = nn.BatchNorm3d(b)
        self.volume2 = nn.Conv3d(b, c, 3, (1, 2, 2), 1, bias=False)
        self.norm3 = nn.BatchNorm3d(c)
        self.classify = nn.Linear(c, 2)

    def forward(self, pixels: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.frames(pixels, mask).transpose(1, 2)
        x = torch.relu(self.norm1(self.narrow(x)))
        x = torch.relu(self.norm2(self.volume1(x)))
        x = torch.relu(self.norm3(self.volume2(x)))
        found: Tensor = self.classify(x.mean(dim=(2, 3, 4)))
        return found

    def frames(self, pixels: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the ADD block makes of every frame by itself: (N, T, entry[4], s, s)."""
        count, time = pixels.shape[:2]
        masks = None if mask is None else pooled_masks(mask.flatten(0, 1))
        found: Tensor = self.entry(pixels.flatten(0, 1), masks).unflatten(0, (count, time))
        return found
