from __future__ import annotations

import torch

from artsimilarity.lab.training.augment import augment, change_light, crop_and_flip


def test_crops_keep_45_to_100_per_cent_of_the_area_and_lie_inside() -> None:
    torch.manual_seed(0)
    middles = (torch.arange(56) + 0.5) / 56
    places = torch.stack([middles.expand(56, 56), middles[:, None].expand(56, 56)])
    pictures = torch.cat([places, torch.zeros(1, 56, 56)]).expand(300, 3, 56, 56)
    crops = crop_and_flip(pictures, 56)
    # A crop of width w has middles w / 56 apart.
    widths = (crops[:, 0, 20, 30] - crops[:, 0, 20, 29]) * 56
    heights = (crops[:, 1, 30, 20] - crops[:, 1, 29, 20]) * 56
    areas = widths.abs() * heights
    assert areas.min() > 0.44
    assert areas.max() < 1.001
    assert areas.std() > 0.1
    assert crops[:, :2].min() >= middles[0]
    assert crops[:, :2].max() <= middles[-1]
    assert heights.min() > 0, "no picture is turned upside down"
    assert 0.4 < (widths < 0).float().mean() < 0.6, "about every other is mirrored"


def test_about_15_per_cent_become_grey_and_all_stay_in_range() -> None:
    torch.manual_seed(0)
    changed = change_light(torch.rand(1000, 3, 4, 4))
    is_grey = (changed == changed[:, :1]).all(dim=3).all(dim=2).all(dim=1)
    assert 0.11 < is_grey.float().mean() < 0.19
    assert 0 <= changed.min() < changed.max() <= 1


def test_brightness_changes_by_75_to_130_per_cent_and_the_gain_of_channels() -> None:
    torch.manual_seed(0)
    changed = change_light(torch.full((500, 3, 2, 2), 0.5))
    assert changed.min() >= 0.5 * 0.75 * 0.88
    assert changed.max() <= 0.5 * 1.3 * 1.12
    by_picture = changed.mean(dim=(1, 2, 3))
    assert by_picture.min() < 0.5 * 0.8
    assert by_picture.max() > 0.5 * 1.2


def test_two_draws_differ_and_a_seed_repeats_them() -> None:
    pictures = torch.rand(4, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    first, second = augment(pictures, 24), augment(pictures, 24)
    torch.manual_seed(0)
    assert first.shape == (4, 3, 24, 24)
    assert torch.equal(first, augment(pictures, 24))
    assert not torch.equal(first, second)
