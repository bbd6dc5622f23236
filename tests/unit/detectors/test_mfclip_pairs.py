"""MFCLIP's pair attention, losses and joint training (arXiv 2409.09724)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as nnf
from mfclip_samples import SIDE, TEXT, TINY
from open_clip.loss import ClipLoss
from torch import nn

from workstation.detectors.mfclip.labels import (
    Family,
    ForgeryLabel,
    ForgeryType,
    Generator,
    genuine,
    leaves,
    made_by,
    manipulated,
)
from workstation.detectors.mfclip.losses import agreement, contrastive
from workstation.detectors.mfclip.prompts import phrases
from workstation.detectors.mfclip.spa import SamplePairAttention
from workstation.detectors.mfclip.training import MfclipTrainer, Schedule
from workstation.domain.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")

LABELS = [genuine(), *(made_by(generator) for generator in Generator), manipulated(ForgeryType.IDENTITY_SWAP)]


def _trainer(pair_attention: str = "labels", levels: int = 4) -> MfclipTrainer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return MfclipTrainer(TINY, replace(TEXT, levels=levels), pair_attention)


def _batch(count: int) -> tuple[torch.Tensor, list[ForgeryLabel]]:
    pixels = torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(count))
    return pixels, [LABELS[n % len(LABELS)] for n in range(count)]


def _open(gate: SamplePairAttention) -> SamplePairAttention:
    for parameter in gate.parameters():
        nn.init.constant_(parameter, 1e4)
    return gate


def _codes(labels: list[ForgeryLabel]) -> torch.Tensor:
    return torch.tensor([label.codes() for label in labels])


@pytest.mark.parametrize(("form", "count"), [("labels", 11), ("labels", 24), ("published", 24)])
def test_spa_with_open_gates_equals_plain_contrastive_loss(form: str, count: int) -> None:
    """Held against open_clip's own loss."""
    random = torch.Generator().manual_seed(7)
    image, text = (nnf.normalize(torch.randn(count, 32, generator=random), dim=1) for _ in range(2))
    codes = _codes([LABELS[n % len(LABELS)] for n in range(count)])
    scale = torch.tensor(14.3)
    gated = _open(SamplePairAttention(form))(scale * image @ text.T, codes)
    plain = ClipLoss()(image, text, scale)
    torch.testing.assert_close(contrastive(gated), plain)
    assert not torch.allclose(contrastive(SamplePairAttention(form)(scale * image @ text.T, codes)), plain)


def test_trainer_with_open_gates_and_distinct_kinds_equals_plain_contrastive_loss() -> None:
    trainer = _trainer().eval()
    _open(trainer.pairs)
    labels = LABELS[:11]
    pixels, _ = _batch(11)
    with torch.inference_mode():
        found = trainer(pixels, labels).contrastive
        image = trainer.network(pixels).feature
        text = nnf.normalize(trainer.texts([label.codes() for label in labels]), dim=1)
        torch.testing.assert_close(found, ClipLoss()(image, text, trainer.scale.exp()))


def test_closed_gates_leave_no_preference() -> None:
    gate = SamplePairAttention()
    for parameter in gate.parameters():
        nn.init.constant_(parameter, -1e4)
    logits = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))
    assert not gate(logits, _codes(LABELS[:6])).any()


def test_spa_gates_a_pair_by_its_labels_and_not_by_its_place() -> None:
    gate = SamplePairAttention()
    for parameter in gate.parameters():
        nn.init.normal_(parameter, generator=torch.Generator().manual_seed(len(parameter)))
    labels = LABELS[:9]
    order = torch.tensor([4, 0, 8, 2, 7, 1, 6, 3, 5])
    ones = torch.ones(9, 9)
    straight = gate(ones, _codes(labels))
    mixed = gate(ones, _codes([labels[n] for n in order.tolist()]))
    torch.testing.assert_close(mixed, straight[order][:, order])
    assert straight.unique().numel() == 81


def test_spa_counts_of_both_forms() -> None:
    assert sum(p.numel() for p in SamplePairAttention("published").parameters()) == 576
    assert sum(p.numel() for p in SamplePairAttention("labels").parameters()) == 9 + 25 + 16 + 144


@pytest.mark.parametrize("count", [1, 5, 24, 33])
def test_any_batch_size_works(count: int) -> None:
    trainer = _trainer()
    loss = trainer(*_batch(count))
    loss.total.backward()
    assert torch.isfinite(loss.total)
    assert all(torch.isfinite(p.grad).all() for p in trainer.parameters() if p.grad is not None)


def test_published_spa_takes_24_samples_and_says_so_of_any_other_number() -> None:
    trainer = _trainer("published")
    assert torch.isfinite(trainer(*_batch(24)).total)
    with pytest.raises(InputError, match="24, not 5"):
        trainer(*_batch(5))


def test_gradients_reach_every_parameter_except_biases_before_a_batch_norm() -> None:
    """A BatchNorm takes the mean off again, and with it the bias before it."""
    trainer = _trainer()
    labels = [*LABELS, manipulated(), manipulated(family=Family.GAN), LABELS[0], LABELS[3]]
    pixels, _ = _batch(len(labels))
    trainer(pixels, labels).total.backward()
    cancelled = {f"{name}.bias" for name, module in trainer.named_modules() if isinstance(module, nn.Conv2d)}
    assert len(cancelled) == sum(convolutions for _, convolutions in (*TINY.image, *TINY.noise))
    for name, parameter in trainer.named_parameters():
        assert parameter.grad is not None, name
        if name in cancelled:
            weight = trainer.get_parameter(name.replace(".bias", ".weight")).grad
            assert weight is not None
            assert parameter.grad.abs().max() < 1e-3 * weight.abs().max(), name
        else:
            assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("level", range(4))
def test_gradients_of_the_losses_reach_the_words_of_every_level(level: int) -> None:
    trainer = _trainer()
    trainer(*_batch(11)).total.backward()
    slope = trainer.language.positional_embedding.grad
    assert slope is not None
    assert slope[77 * level + 1 : 77 * level + 4].abs().min(dim=0).values.max() > 0


def test_samples_of_one_text_are_not_rivals() -> None:
    random = torch.Generator().manual_seed(1)
    logits = torch.randn(4, 4, generator=random)
    rivals = torch.ones(4, 4, dtype=torch.bool)
    rivals[0, 1] = rivals[1, 0] = False
    other = logits.clone()
    other[0, 1], other[1, 0] = 40, 40
    assert torch.equal(contrastive(logits, rivals), contrastive(other, rivals))
    assert contrastive(other) > contrastive(logits) + 5
    # Where all are rivals, nothing is left out.
    assert torch.equal(contrastive(logits, torch.ones_like(rivals)), contrastive(logits))


def test_a_batch_of_one_kind_has_nothing_to_contrast() -> None:
    trainer = _trainer()
    pixels, _ = _batch(4)
    assert trainer(pixels, [genuine()] * 4).contrastive.item() == 0
    half, full = manipulated(ForgeryType.IDENTITY_SWAP), made_by(Generator.FSLSD)
    assert trainer(pixels, [half, full, half, full]).contrastive.item() == 0
    assert trainer(pixels, [half, full, half, genuine()]).contrastive.item() > 0


def test_agreement_is_the_divergence_at_temperature_one_half() -> None:
    random = torch.Generator().manual_seed(2)
    text, predicted = (torch.randn(3, 8, generator=random) for _ in range(2))
    teacher, pupil = (text / 0.5).softmax(dim=1), (predicted / 0.5).softmax(dim=1)
    wanted = (teacher * (teacher / pupil).log()).sum(dim=1).mean()
    torch.testing.assert_close(agreement(text, predicted), wanted)
    assert agreement(text, text + 3).abs() < 1e-5


def test_the_text_is_the_teacher_and_learns_nothing_from_agreement() -> None:
    text, predicted = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(2)).requires_grad_().unbind()
    agreement(text, predicted).backward()
    trainer = _trainer()
    trainer(*_batch(5)).language.backward()
    assert all(p.grad is None for p in trainer.language.parameters())
    assert trainer.network.predictor.weight.grad is not None


def test_the_loss_is_the_sum_of_its_parts() -> None:
    loss = _trainer()(*_batch(5))
    torch.testing.assert_close(loss.total, loss.classification + loss.contrastive + loss.language)


@pytest.mark.parametrize("levels", [2, 4])
def test_descriptions_of_a_package_are_the_text_towers(levels: int) -> None:
    trainer = _trainer(levels=levels).eval()
    tensors = trainer.package_tensors()
    assert set(tensors) == set(trainer.network.state_dict())
    trainer.network.load_state_dict(tensors)
    names = [phrase.name for phrase in phrases(levels)]
    with torch.inference_mode():
        near = trainer.network.closeness(trainer.texts(leaves(levels)))
    assert near.shape == (len(leaves(levels)), len(names))
    torch.testing.assert_close(near[0, names.index("level1_genuine")], torch.tensor(1.0))
    finest = [n for n, phrase in enumerate(phrases(levels)) if phrase.level == levels]
    torch.testing.assert_close(near[1:, finest].diagonal(), torch.ones(len(finest)))
    assert (near[1:, finest].argmax(dim=1) == torch.arange(len(finest))).all()


def test_the_schedule_is_adam_with_a_tenth_every_15_epochs() -> None:
    adam, steps = Schedule().optimiser(_trainer())
    group = adam.param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (1e-4, 1e-3)
    for _ in range(15):
        adam.step()
        steps.step()
    assert adam.param_groups[0]["lr"] == pytest.approx(1e-5)
