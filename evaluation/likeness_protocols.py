"""Protocols of likeness: what of a photograph and of a rendering is compared, and how.

The counterpart of `evaluation.protocols` for cosines of face recognition networks and for image quality. A number also
depends on the network, the method and the preset, which its row names.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.protocols import ProtocolText

_MIRROR_SUM = "unit norm of the sum of the embeddings of the crop and of its mirror image"

_NO_CODE = "None that we know of."
_ELSE_AS_PHOTO_RENDERING = "Faces, failures and folds are those of lfw/photo-rendering."


@dataclass(frozen=True)
class LikenessProtocol(ProtocolText):
    """A recipe that turns photographs and the renderings of their reconstructions into cosines or picture errors."""

    compared: str
    """The two pictures of a number."""
    view: str
    """Pose, expression and light of the renderings."""
    crop: str
    """Which landmarks cut the crop that a network reads."""
    embedding: str
    """What of a crop is compared."""
    numbers: str
    """What is computed, and over what."""


PHOTO_RENDERING = LikenessProtocol(
    id="lfw/photo-rendering",
    version="1",
    title="LFW, photographs against the renderings of their reconstructions",
    from_text=(
        "Gecer et al. 2019 (Appendix A, Fig. 6) and 2021 (Sec. 5.3.2, Fig. 9): real photographs and renderings of "
        "their reconstructions go through VGG-Face, following Genova et al. 2018; the cosine of the activations at "
        "the embedding layer is more than 0.5 on average, against 0.35 and 0.16 of two others. The caption of 2019 "
        "adds that camera and light are fixed for all renderings, that of 2021 does not."
    ),
    from_code=_NO_CODE,
    our_reading=(
        "Renderings are in the photograph's own pose and light, as 2021 can be read, on black. A rendering has no "
        "hair, neck or background, which the networks see in the photograph. The photograph is cut from the original "
        "picture, the rendering from a picture of the preset's size whose landmarks are those of the photograph, so "
        "that both crops show the same. Mirror images are not in the text; they are the custom of face verification. "
        "The network is any but the one in the energy, which would judge itself. Beside the mean over photographs "
        "stands the mean over people, each of whom counts once. The face with the central pixel is the one "
        "that LFW names (Huang et al. 2007), so of several faces the one nearest to the middle is taken, not the "
        "largest. Photographs without a detected face and those whose reconstruction failed are in no figure, and "
        "counted beside it. The texture models and regressors that are shipped were trained on LFW: people of folds "
        "1 to 9 of pairs.txt are among those they saw, nobody of fold 10 is. Figures are given for fold 10 and for "
        "all folds, and the former are those to quote."
    ),
    compared="each photograph and the rendering of its reconstruction",
    view="the photograph's own, as reconstructed",
    crop="the one it was trained on, by the 68 points found in the photograph, for both pictures",
    embedding=_MIRROR_SUM,
    numbers="mean and population's standard deviation of the cosines, mean over people, share above 0.5",
)

PHOTO_PAIRS = LikenessProtocol(
    id="lfw/photo-pairs",
    version="1",
    title="LFW, pairs of photographs: the ceiling of what a network can tell",
    from_text=(
        "Huang et al. 2007 (Labeled Faces in the Wild): 6,000 pairs in ten folds, half of them of one person; for "
        "each fold the threshold is chosen on the other nine; mean accuracy and the standard error of that mean, the "
        "sample standard deviation of the ten over the square root of ten. No paper on reconstruction has this row."
    ),
    from_code=(
        "The pairs are those of pairs.txt. Published accuracies of recognition networks are mostly of sums over "
        "mirror images, after an alignment by 5 points."
    ),
    our_reading=(
        "The networks were trained on other collections: LFW calls that unrestricted, with labelled outside data. "
        "This is what renderings are held against: where a network confuses the photographs, it cannot be asked to "
        "tell their reconstructions apart. No threshold can be chosen for a single fold, which therefore has no "
        "accuracy. A rate of false acceptances of 0.001 is no false acceptance at all among the 300 pairs of two "
        "people of one fold, and at most three among the 3,000 of all. " + _ELSE_AS_PHOTO_RENDERING
    ),
    compared="the two photographs of each pair of pairs.txt",
    view="no renderings",
    crop="the one it was trained on, by the 68 points found in each photograph",
    embedding=_MIRROR_SUM,
    numbers="area under the ROC curve, equal error rate, accuracy over the folds, TAR at a FAR of 0.001",
)

RENDERING_PAIRS = LikenessProtocol(
    id="lfw/rendering-pairs",
    version="1",
    title="LFW, pairs of renderings that are all seen alike",
    from_text=(
        "Gecer et al. 2019 (Appendix A, Fig. 7) and 2021 (Sec. 5.3.2, Fig. 10): the cosines of renderings of same and "
        "of different pairs are separable by a threshold; the caption of 2019 says that camera and light are fixed "
        "for all renderings. There are histograms and no figures; neither the pose nor what becomes of the "
        "expression is said."
    ),
    from_code=_NO_CODE,
    our_reading=(
        "All are seen by the mean camera of portraits, which is frontal, in the light that fits start from, on black, "
        "with a neutral expression: what is left of a rendering is identity and texture, and what the texture has "
        "baked in of the photograph's light. A pair counts if both of its photographs have a reconstruction. "
        "Thresholds, folds and the rest are those of lfw/photo-pairs. " + _ELSE_AS_PHOTO_RENDERING
    ),
    compared="the renderings of the reconstructions of the two photographs of each pair of pairs.txt",
    view="frontal, neutral, one light for all",
    crop="the one it was trained on, by the model's own 68 points, projected",
    embedding=_MIRROR_SUM,
    numbers="those of lfw/photo-pairs",
)

CLEAN_REFERENCE = LikenessProtocol(
    id="quality/clean-reference",
    version="1",
    title="Image quality against the clean photograph, fitted to it or to a corrupted copy",
    from_text=(
        "Mohaghegh et al. (Robust monocular 3D face reconstruction with self-augmentation, Sec. 4.3, Table 1): PSNR "
        "and SSIM between the input and the projection of the mesh, and cosines of FaceNet, LightCNN and evoLVe, mean "
        "and standard deviation, on CelebA and AFLW2000; pictures are occluded synthetically, and those without the "
        "occlusion are the reference. Not said: what occludes, how many pictures, which pixels count, the networks' "
        "crops and layers, and what SSIM's window is. Gecer et al. 2021 (Fig. 13) give mean absolute errors of one "
        "photograph in their ablation."
    ),
    from_code=_NO_CODE,
    our_reading=(
        "The collection is the user's, so that only numbers of one collection can be compared. A corruption follows "
        "the landmarks of the clean photograph; the face is then found in the corrupted picture, as it would be, and "
        "the crop follows the landmarks found there. The clean photograph is cut by the same crop and is the "
        "reference of every number. A face whose middle lies outside the hull of the 68 points found in the clean "
        "photograph is another one, which counts as not found. The mask is that hull, as far as it lies within the "
        "picture and the crop; it leaves out most of the forehead. What the rendering does not cover "
        "there is black and counts, so that a small face is no advantage. PSNR and mean absolute error (colours in "
        "[0, 1]) are over the mask's pixels; SSIM is the mean there of the map of Wang et al. 2004 (Gaussian window "
        "of 11 pixels, sigma 1.5, each channel for itself), whose windows reach beyond the mask. The landmark error "
        "is the mean distance of the model's 68 points from those of the clean photograph, in % of the distance "
        "between the middles of the eyes. Pictures in which no face was found are in no mean, and counted "
        "beside it: a method is not better for failing."
    ),
    compared="the clean photograph and the rendering fitted to it, or to a corrupted copy of it",
    view="the photograph's own, as reconstructed",
    crop="the one it was trained on, by the 68 points found in the clean photograph, for both pictures",
    embedding=_MIRROR_SUM,
    numbers="PSNR, SSIM and mean absolute error within the mask; cosine of each network; landmark error",
)

LIKENESS_PROTOCOLS: dict[str, LikenessProtocol] = {
    protocol.id: protocol for protocol in (PHOTO_RENDERING, PHOTO_PAIRS, RENDERING_PAIRS, CLEAN_REFERENCE)
}
"""Every protocol of likeness by its id."""
