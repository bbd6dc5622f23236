"""MFCLIP's language encoder: CLIP's text transformer over four prompts laid end to end (arXiv 2409.09724, FLE).

The released code reads the text's feature at the end of the FIRST prompt. The mask is causal, so nothing of levels 2
to 4 can reach that place, and every label is reduced to genuine or manipulated. Here it is read at the end token of
the LAST prompt, the first place that has seen every word of all four levels; CLIP teaches an end token to sum up what
stands before it, which the last token of all, padding, is not. ``read_out = "level1"`` is the released behaviour.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workstation.detectors.mfclip.prompts import CONTEXT, END, LENGTH

VOCABULARY = 49408
READ_OUTS = ("last_level", "level1")


class LanguageEncoder(nn.Module):
    """``forward(tokens)``: (N, 308) int64 to text features (N, outside), not normalised.

    Names of the parts are open_clip's, so that its text towers' weights fit; there the table of positions has 77 rows,
    here 308.
    """

    def __init__(
        self, width: int = 512, layers: int = 12, heads: int = 8, outside: int = 512, read_out: str = "last_level"
    ) -> None:
        from open_clip.transformer import LayerNorm, QuickGELU, Transformer

        super().__init__()
        if read_out not in READ_OUTS:
            raise ValueError(f"the text is read at {' or '.join(READ_OUTS)}, not {read_out}")
        self.read_out = read_out
        self.token_embedding = nn.Embedding(VOCABULARY, width)
        self.positional_embedding = nn.Parameter(torch.empty(LENGTH, width))
        self.transformer = Transformer(width, layers, heads, act_layer=QuickGELU, norm_layer=LayerNorm)
        self.ln_final = LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, outside))
        self._draw(width, layers)

    def _draw(self, width: int, layers: int) -> None:
        # The spreads CLIP starts from (Radford et al., 2021).
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        nn.init.normal_(self.text_projection, std=width**-0.5)
        for block in self.transformer.resblocks:
            nn.init.normal_(block.attn.in_proj_weight, std=width**-0.5)
            nn.init.normal_(block.attn.out_proj.weight, std=(2 * width * layers) ** -0.5)
            nn.init.normal_(block.mlp.c_fc.weight, std=(2 * width) ** -0.5)
            nn.init.normal_(block.mlp.c_proj.weight, std=(2 * width * layers) ** -0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token_embedding(tokens) + self.positional_embedding
        mask = torch.full((LENGTH, LENGTH), float("-inf"), device=x.device).triu(1)
        x = self.ln_final(self.transformer(x, attn_mask=mask))
        read = x[torch.arange(len(x), device=x.device), self._place(tokens)]
        feature: Tensor = read @ self.text_projection
        return feature

    def _place(self, tokens: Tensor) -> Tensor:
        """Where each text is read: (N,) positions."""
        start = 0 if self.read_out == "level1" else LENGTH - CONTEXT
        ends = (tokens[:, start : start + CONTEXT] == END).int()
        return start + ends.argmax(dim=1)
