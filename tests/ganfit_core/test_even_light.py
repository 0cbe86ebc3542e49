"""Taking the light out of maps, on synthetic maps whose full truth is known."""

import pytest
import torch
from torch import Tensor

from ganfit_core.complete import mirrored
from ganfit_core.even_light import even_light, log_reference
from tests.heads import smooth_texture

SIDE = 32
EVERYWHERE = torch.ones(1, 1, SIDE, SIDE)
SKIN = torch.ones(SIDE, SIDE)


@pytest.fixture
def face_normals() -> Tensor:
    """(1, 3, SIDE, SIDE) of half a cylinder with a rounded top and bottom."""
    span = torch.linspace(-1, 1, SIDE)
    x, y = span[None].expand(SIDE, SIDE) * 0.95, -span[:, None].expand(SIDE, SIDE) * 0.6
    normals = torch.stack([x, y, (1 - (x**2 + y**2).clamp(max=0.98)).sqrt()])
    return torch.nn.functional.normalize(normals, dim=0)[None]


@pytest.fixture
def albedo() -> Tensor:
    """(1, 3, SIDE, SIDE), symmetric."""
    texture = 0.3 + 0.4 * smooth_texture(0, SIDE)
    return (texture + mirrored(texture)) / 2


def luminance(texture: Tensor) -> Tensor:
    return (texture * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1, keepdim=True)


def shaded(albedo: Tensor, normals: Tensor, direction: tuple[float, float, float], strength: float = 0.35) -> Tensor:
    return albedo * (strength * (normals * torch.tensor(direction)[:, None, None]).sum(dim=1, keepdim=True)).exp()


def test_reference_is_what_lamps_from_both_sides_agree_on(albedo: Tensor, face_normals: Tensor) -> None:
    lit = torch.cat([shaded(albedo, face_normals, (x, 0, 0)) * gain for x, gain in ((1, 0.5), (-1, 0.8), (0.6, 0.6))])
    reference, tone = log_reference(lit, EVERYWHERE.expand(3, -1, -1, -1), SKIN)
    logs = albedo[0].log()
    expected = logs - logs.mean(dim=(1, 2), keepdim=True)
    torch.testing.assert_close(reference, expected, atol=0.01, rtol=0)
    gains = torch.tensor([0.5, 0.8, 0.6]).log().mean()
    torch.testing.assert_close(tone, logs.mean(dim=(1, 2)) + gains, atol=0.01, rtol=0)


def test_reference_ignores_maps_without_skin(albedo: Tensor) -> None:
    one = log_reference(albedo, EVERYWHERE, SKIN)
    two = log_reference(torch.cat([albedo, 0 * albedo]), torch.cat([EVERYWHERE, 0 * EVERYWHERE]), SKIN)
    for found, expected in zip(two, one, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("direction", [(1.0, 0.0, 0.0), (-0.7, 0.5, 0.0), (0.0, -1.0, 0.3)])
def test_directional_shading_is_removed(
    albedo: Tensor, face_normals: Tensor, direction: tuple[float, float, float]
) -> None:
    lit = shaded(albedo, face_normals, direction)
    assert lit.max() < 1
    reference, tone = log_reference(albedo, EVERYWHERE, SKIN)
    found, contrast = even_light(lit, EVERYWHERE, face_normals, reference, tone, SKIN)

    def unevenness(texture: Tensor) -> Tensor:
        return (luminance(texture) / luminance(albedo)).log().std()

    assert unevenness(found) < 0.25 * unevenness(lit)
    torch.testing.assert_close(contrast[0], unevenness(lit), atol=0.02, rtol=0)
    # Overall brightness stays the photograph's: a mean over the face, in the logarithm.
    torch.testing.assert_close(luminance(found).log().mean(), luminance(lit).log().mean(), atol=0.02, rtol=0)


def test_a_beard_is_no_shadow(albedo: Tensor, face_normals: Tensor) -> None:
    bearded = albedo.clone()
    bearded[..., 3 * SIDE // 4 :, SIDE // 4 : 3 * SIDE // 4] *= 0.25
    reference, tone = log_reference(albedo, EVERYWHERE, SKIN)
    found, contrast = even_light(bearded, EVERYWHERE, face_normals, reference, tone, SKIN)
    # An ordinary least-squares fit takes it for light from above, of contrast 0.3.
    assert contrast < 0.08
    forehead = found[..., : SIDE // 4, :] / bearded[..., : SIDE // 4, :]
    assert forehead.log().std() < 0.06


def test_brightness_is_kept_and_half_of_the_chroma(face_normals: Tensor) -> None:
    flat, usual = torch.zeros(3, SIDE, SIDE), torch.tensor([0.6, 0.5, 0.4]).log()
    tone = torch.tensor([0.35, 0.25, 0.3])
    map_ = tone[:, None, None].expand(1, 3, SIDE, SIDE)
    found, contrast = even_light(map_, EVERYWHERE, face_normals, flat, usual, SKIN)
    assert contrast < 1e-4
    weights = torch.tensor([0.299, 0.587, 0.114])

    def chroma(logs: Tensor) -> Tensor:
        return logs - (logs * weights).sum()

    new = found.mean(dim=(0, 2, 3)).log()
    torch.testing.assert_close((new * weights).sum(), (tone.log() * weights).sum(), atol=1e-4, rtol=0)
    torch.testing.assert_close(chroma(new), (chroma(tone.log()) + chroma(usual)) / 2, atol=1e-4, rtol=0)


def test_only_trusted_texels_are_judged(face_normals: Tensor) -> None:
    flat, tone = torch.zeros(3, SIDE, SIDE), torch.full((3,), 0.5).log()
    left = torch.zeros_like(EVERYWHERE)
    left[..., : SIDE // 2] = 1
    lit = shaded(torch.full((1, 3, SIDE, SIDE), 0.5), face_normals, (1, 0, 0), 0.3)
    scribbled = lit.clone()
    scribbled[..., SIDE // 2 :] = 0.01
    one = even_light(lit, left, face_normals, flat, tone, SKIN).textures
    other = even_light(scribbled, left, face_normals, flat, tone, SKIN).textures
    torch.testing.assert_close(one * left, other * left)


def test_an_unseen_face_is_left_alone(face_normals: Tensor) -> None:
    flat, tone = torch.zeros(3, SIDE, SIDE), torch.full((3,), 0.5).log()
    black = torch.zeros(1, 3, SIDE, SIDE)
    found, contrast = even_light(black, 0 * EVERYWHERE, face_normals, flat, tone, SKIN)
    assert torch.equal(found, black)
    assert contrast == 0
