"""Token merging against its description (arXiv 2210.09461, section 3): what merges, into what, and what stays."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as nnf
from torch import Tensor

from workstation.detectors.merging.matching import Edges, Tokens, match, merge_tokens, proportional, spread, start


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def some_merges(x: Tensor, r: int, blocks: int, prefix: int = 1) -> Tokens:
    """Merge block after block, by the values themselves in place of keys."""
    tokens = start(x)
    for _ in range(blocks):
        tokens = merge_tokens(tokens, match(tokens.x, r, prefix))
    return tokens


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_the_sum_of_sizes_is_always_the_number_of_tokens(kind: torch.dtype) -> None:
    tokens = start(drawn(3, 257, 8).to(kind))
    for r in (1, 5, 8, 16, 40, 3):
        tokens = merge_tokens(tokens, match(tokens.x, r, 1))
        assert tokens.size.sum(dim=1).tolist() == [257.0] * 3
        assert (tokens.size >= 1).all()
    assert tokens.x.shape == (3, 257 - 73, 8)
    counted = torch.stack([torch.bincount(row, minlength=tokens.x.shape[1]) for row in tokens.home])
    assert torch.equal(counted.float(), tokens.size), "every token of the picture is in just one token now"


def test_a_merged_token_is_the_mean_weighted_by_size() -> None:
    """Merged again and again, a token stays the plain mean of all the tokens that went into it."""
    x = drawn(2, 41, 6)
    tokens = some_merges(x, r=6, blocks=4)
    for picture in range(2):
        for token in range(tokens.x.shape[1]):
            members = x[picture][tokens.home[picture] == token]
            torch.testing.assert_close(tokens.x[picture, token], members.mean(dim=0), atol=1e-5, rtol=1e-5)
    assert tokens.size.max() > 2, "something merged twice"


def test_tokens_that_take_no_part_keep_their_value_to_the_bit() -> None:
    x = drawn(2, 41, 6)
    tokens = some_merges(x, r=6, blocks=3)
    for picture in range(2):
        alone = tokens.size[picture] == 1
        assert torch.equal(tokens.x[picture, alone], x[picture, tokens.place[picture, alone]])


def test_the_class_token_and_registers_never_merge() -> None:
    """They are made the most alike of all, and still stand first and alone."""
    for prefix in (1, 5):
        x = drawn(2, prefix + 32, 6)
        x[:, : prefix + 2] = 1.0
        tokens = some_merges(x, r=4, blocks=5, prefix=prefix)
        assert torch.equal(tokens.x[:, :prefix], x[:, :prefix])
        assert (tokens.size[:, :prefix] == 1).all()
        assert torch.equal(tokens.home[:, :prefix], torch.arange(prefix).expand(2, -1))


def test_the_most_alike_pairs_of_the_two_alternate_sets_merge_first() -> None:
    """Against a search over all pairs, one picture at a time."""
    keys = drawn(4, 23, 5)
    edges = match(keys, 3, 1)
    unit = nnf.normalize(keys, dim=-1)
    for picture in range(4):
        offers = []
        for source in range(2, 23, 2):
            like, into = max(
                ((unit[picture, source] @ unit[picture, other]).item(), -other) for other in range(1, 23, 2)
            )
            offers.append((like, source, -into))
        best = sorted(offers, reverse=True)[:3]
        found = list(zip(edges.source[picture].tolist(), edges.into[picture].tolist(), strict=True))
        assert found == [(source, into) for _, source, into in best]


def test_of_equal_edges_the_first_of_the_picture_merge() -> None:
    edges = match(torch.ones(2, 21, 4), 3, 1)
    assert edges.source.tolist() == [[2, 4, 6]] * 2
    assert edges.into.tolist() == [[1, 1, 1]] * 2
    assert merge_tokens(start(torch.ones(2, 21, 4)), edges).size[0, :2].tolist() == [1, 4]


def attention(x: Tensor, size: Tensor | None) -> Tensor:
    """One head whose queries, keys and values are fixed turns of the tokens."""
    q, k, v = (x @ drawn(6, 6, seed=seed) for seed in (1, 2, 3))
    logits = q @ k.transpose(1, 2) / 6**0.5
    if size is not None:
        logits = logits + proportional(size)[:, 0]
    return logits.softmax(dim=-1) @ v


def test_merging_two_identical_tokens_leaves_attention_unchanged_because_of_the_log_of_the_size() -> None:
    x = drawn(1, 9, 6)
    x[:, 4] = x[:, 3]
    edges = match(x, 1, 1)
    assert (edges.source.item(), edges.into.item()) == (4, 3)
    tokens = merge_tokens(start(x), edges)
    plain = attention(x, None)
    kept = [0, 1, 2, 3, 5, 6, 7, 8]
    torch.testing.assert_close(attention(tokens.x, tokens.size), plain[:, kept], atol=1e-5, rtol=0)
    torch.testing.assert_close(
        attention(tokens.x, tokens.size).gather(1, tokens.home[..., None].expand(-1, -1, 6)), plain, atol=1e-5, rtol=0
    )
    assert (attention(tokens.x, None) - plain[:, kept]).abs().max() > 1e-2, "without the log of the size it differs"


def test_spread_gives_every_token_the_value_it_merged_into() -> None:
    x = drawn(2, 17, 4)
    tokens = some_merges(x, r=4, blocks=2)
    whole = spread(tokens)
    assert whole.shape == x.shape
    torch.testing.assert_close(
        whole.mean(dim=1), (tokens.x * tokens.size[..., None]).sum(dim=1) / 17, atol=1e-6, rtol=1e-5
    )


def test_merging_one_picture_does_not_depend_on_its_batch() -> None:
    x = drawn(32, 33, 8)
    together = some_merges(x, r=4, blocks=3)
    for picture in (0, 7, 31):
        alone = some_merges(x[picture : picture + 1], r=4, blocks=3)
        assert torch.equal(alone.home[0], together.home[picture])
        torch.testing.assert_close(alone.x[0], together.x[picture], atol=1e-6, rtol=1e-6)


def test_several_sources_of_one_target_all_arrive() -> None:
    x = torch.tensor([[[0.0], [1.0], [2.0], [10.0], [6.0]]])
    edges = Edges(torch.tensor([[2, 4]]), torch.tensor([[1, 1]]))
    tokens = merge_tokens(start(x), edges)
    assert tokens.x[0, :, 0].tolist() == [0.0, 3.0, 10.0]
    assert tokens.size[0].tolist() == [1.0, 3.0, 1.0]
    assert tokens.home[0].tolist() == [0, 1, 1, 2, 1]
    assert tokens.place[0].tolist() == [0, 1, 3]


def test_dense_tokens_wait_until_the_rest_is_exhausted() -> None:
    """All edges with an organ at neither end come before any with one, however alike the organ's tokens are."""
    x = drawn(3, 33, 6)
    density = torch.zeros(3, 33)
    density[:, 9:17] = 1.0
    x[:, 9:17] = 1.0
    free = match(x, 12, 1, density)
    assert not density.gather(1, free.source).any()
    assert not density.gather(1, free.into).any()
    every = match(x, 16, 1, density)
    assert torch.equal(every.source[:, :12], free.source)
    assert density.gather(1, every.source[:, 12:]).all()
    assert match(x, 4, 1).source.sort().values[0].tolist() == [10, 12, 14, 16], "without density they go first"


def test_a_token_that_took_in_an_organ_counts_as_one() -> None:
    x = drawn(1, 9, 4)
    density = torch.zeros(1, 9)
    density[0, 4] = 1.0
    edges = Edges(torch.tensor([[4]]), torch.tensor([[3]]))
    tokens = merge_tokens(start(x, density), edges)
    assert tokens.density is not None
    assert tokens.density[0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
