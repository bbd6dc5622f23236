"""Synthetic layouts of published datasets: empty files under the publishers' names, a few of each."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

PAIRS = {"train": [("000", "001"), ("002", "003"), ("004", "005")], "val": [("006", "007")], "test": [("008", "009")]}


def touch(root: Path, names: Iterable[str]) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def pair_lists(folder: Path) -> None:
    for split, pairs in PAIRS.items():
        write(folder / f"{split}.json", json.dumps([list(pair) for pair in pairs]))


def faceforensics(root: Path, methods: Iterable[str] = ("Deepfakes", "NeuralTextures"), rate: str = "c23") -> None:
    pair_lists(root / "splits")
    ids = [one for pairs in PAIRS.values() for pair in pairs for one in pair]
    swaps = [f"{a}_{b}" for pairs in PAIRS.values() for x, y in pairs for a, b in ((x, y), (y, x))]
    touch(root, [f"original_sequences/youtube/{rate}/videos/{one}.mp4" for one in ids])
    for method in methods:
        touch(root, [f"manipulated_sequences/{method}/{rate}/videos/{one}.mp4" for one in swaps])
        touch(root, [f"manipulated_sequences/{method}/masks/videos/{one}.mp4" for one in swaps])


def dfd(root: Path) -> None:
    touch(root, [f"original_sequences/actors/c23/videos/{one}__exit_phone_room.mp4" for one in ("01", "02", "03")])
    touch(
        root / "manipulated_sequences/DeepFakeDetection/c23/videos",
        ["01_02__exit_phone_room__YVGY8LOK.mp4", "03_01__walking__0AB1CD2E.mp4"],
    )


CELEB_LIST = (
    "1 YouTube-real/00170.mp4\n1 Celeb-real/id1_0007.mp4\n0 Celeb-synthesis/id1_id0_0007.mp4\n"
    "0 Celeb-synthesis/id2_id0_0001.mp4\n"
)


def celebdf(root: Path) -> None:
    """id2_0001 is tested as a swap, so the genuine id2_0001 and its other swap must leave training."""
    touch(root / "Celeb-real", [f"id{p}_{c:04d}.mp4" for p in (0, 1, 2, 3) for c in (1, 7)])
    touch(root / "YouTube-real", [f"{number:05d}.mp4" for number in (170, 171, 172)])
    swaps = ["id1_id0_0007", "id2_id0_0001", "id2_id3_0001", "id0_id1_0001", "id0_id2_0007", "id3_id0_0001"]
    touch(root / "Celeb-synthesis", [f"{one}.mp4" for one in swaps])
    write(root / "List_of_testing_videos.txt", CELEB_LIST)


def celebdf_plus(root: Path) -> None:
    touch(root / "Celeb-real", ["id0_0000.mp4", "id1_0001.mp4", "id4_0002.mp4"])
    touch(root / "YouTube-real", ["00001.mp4"])
    for method in ("FaceSwap/SimSwap", "FaceReenact/LIA", "TalkingFace/FLOAT"):
        touch(root / "Celeb-synthesis" / method, ["id0_id1_0000.mp4", "id1_id0_0001.mp4", "strange.mp4"])
    lines = ["1 Celeb-real/id0_0000.mp4", "0 Celeb-synthesis/FaceSwap/SimSwap/id0_id1_0000.mp4"]
    write(root / "List_of_testing_videos.txt", "\n".join([*lines, "0 Celeb-synthesis/TalkingFace/FLOAT/strange.mp4"]))


def dfdc(root: Path) -> None:
    for part in (0, 1):
        listed = {}
        for clip in range(6):
            genuine, swap = f"p{part}o{clip}.mp4", f"p{part}f{clip}.mp4"
            listed[genuine] = {"label": "REAL", "split": "train"}
            listed[swap] = {"label": "FAKE", "split": "train", "original": genuine}
        touch(root / f"dfdc_train_part_{part}", listed)
        write(root / f"dfdc_train_part_{part}" / "metadata.json", json.dumps(listed))
    touch(root / "test", ["aa.mp4", "bb.mp4"])
    write(root / "test" / "labels.csv", "filename,label\naa.mp4,0\nbb.mp4,1\n")


def dfdcp(root: Path) -> None:
    listed = {}
    for actor, mate, given in ((1, 2, "train"), (3, 4, "train"), (5, 6, "test")):
        genuine = f"original_videos/{actor}/{actor}_A_001.mp4"
        listed[genuine] = {"label": "real", "set": given, "target_id": actor, "swapped_id": None}
        swap = f"method_A/{actor}/{actor}_A/{actor}_{mate}_A_001.mp4"
        listed[swap] = {"label": "fake", "set": given, "target_id": actor, "swapped_id": mate}
        mated = f"original_videos/{mate}/{mate}_A_001.mp4"
        listed[mated] = {"label": "real", "set": given, "target_id": mate, "swapped_id": None}
    # A swap listed for training whose second person is tested: it must go, with all that hangs on it.
    listed["method_B/7/7_B/7_5_B_001.mp4"] = {"label": "fake", "set": "train", "target_id": 7, "swapped_id": 5}
    touch(root, listed)
    write(root / "dataset.json", json.dumps(listed))


def ffiw(root: Path) -> None:
    base = root / "FFIW10K-v1-release"
    for given, count in (("train", 12), ("val", 2)):
        for folder in ("source", "target", "target_mask"):
            touch(base / folder / given / "videos", [f"clip_{number:04d}.mp4" for number in range(count)])


def deeperforensics(root: Path) -> None:
    lists = {"train": ["000_M101", "001_M101"], "val": ["002_W102"], "test": ["003_M103", "004_W104"]}
    for split, names in lists.items():
        write(root / "lists" / "splits" / f"{split}.txt", "".join(f"{name}.mp4\n" for name in names))
    names = [name for one in lists.values() for name in one]
    for variant in ("end_to_end", "end_to_end_level_1"):
        touch(root / "manipulated_videos" / variant, [f"{name}.mp4" for name in names])
    touch(root / "source_videos" / "M101", ["M101_BlendShape_camera_up.mp4"])
    touch(root / "ff/original_sequences/youtube/c23/videos", [f"{name[:3]}.mp4" for name in names])


def uadfv(root: Path) -> None:
    touch(root / "real", [f"{number:04d}.mp4" for number in range(12)])
    touch(root / "fake", [f"{number:04d}_fake.mp4" for number in range(12)])


def tar_of(path: Path, names: Mapping[str, bytes], mode: str = "w:gz") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, data in names.items():
            inside = tarfile.TarInfo(name)
            inside.size = len(data)
            tar.addfile(inside, io.BytesIO(data))


def wilddeepfake(root: Path) -> None:
    """A plain tar under the name of a compressed one, as some copies have it, and one folder unpacked."""
    base = root / "deepfake_in_the_wild"
    for folder in ("real_train", "real_test", "fake_train", "fake_test"):
        word = folder.partition("_")[0]
        for number in (1, 2):
            frames = {f"./{number}/{word}/{sequence}/{frame}.png": b"" for sequence in (0, 1) for frame in (3, 20, 100)}
            tar_of(base / folder / f"{number}.tar.gz", frames, "w" if number == 2 else "w:gz")
        touch(base / folder / "3" / word / "0", ["1.png", "2.png"])


def dffd(root: Path) -> None:
    for given, count in (("train", 12), ("validation", 2), ("test", 3)):
        names = [f"{number:05d}.png" for number in range(count)]
        for folder in ("Real", "Fake", "Mask"):
            touch(root / "data" / given / folder, names)


def genface(root: Path) -> None:
    names = [f"{number:05d}.png" for number in range(20)]
    for folder in ("FFHQ", "StyleGAN3", "Diffae", "Diffae_masks"):
        touch(root / folder, names)
    write(
        root / "mapping.csv",
        "folder,label,method,forgery,family,split,mask,source\n"
        "FFHQ,genuine,FFHQ,,,,,\n"
        "StyleGAN3,manipulated,StyleGAN3,EFS,GAN,,all,\n"
        "Diffae,manipulated,Diffae,AM,diffusion,,Diffae_masks,FFHQ\n",
    )


def bench_clip(dataset_folder: str, label: str, video: str, root: Path, prefix: str = "", frames: int = 3) -> object:
    names = [f"{dataset_folder}/frames/{video}/{number:03d}.png" for number in range(frames)]
    touch(root, names)
    return {
        "label": label,
        "frames": [prefix + (name.replace("/", "\\") if "\\" in prefix else name) for name in names],
    }


def deepfakebench(root: Path) -> None:
    ff: dict[str, dict[str, dict[str, object]]] = {}
    for label, folder in (("FF-real", "ff/original"), ("FF-DF", "ff/DF"), ("FF-NT", "ff/NT")):
        ff[label] = {}
        for split, pairs in PAIRS.items():
            names = [
                one
                for pair in pairs
                for one in (pair if label == "FF-real" else ("_".join(pair), "_".join(pair[::-1])))
            ]
            ff[label][split] = {"c23": {name: bench_clip(folder, label, name, root, "D:\\data\\") for name in names}}
    write(root / "dataset_json" / "FaceForensics++.json", json.dumps({"FaceForensics++": ff}))
    celeb: dict[str, dict[str, dict[str, object]]] = {}
    for label, folder, names in (
        ("CelebDFv2_real", "cdf/real", [f"id{number}_0000" for number in range(12)]),
        ("CelebDFv2_fake", "cdf/fake", [f"id{number}_id{number + 1}_0000" for number in range(12)]),
    ):
        every = {name: bench_clip(folder, label, name, root, "/elsewhere/rgb/") for name in names}
        tested = {name: every[name] for name in names[:3]}
        celeb[label] = {"train": dict(every), "val": dict(tested), "test": dict(tested)}
    write(root / "dataset_json" / "Celeb-DF-v2.json", json.dumps({"Celeb-DF-v2": celeb}))
    actors: dict[str, dict[str, dict[str, object]]] = {}
    for label, folder, name in (("DFD_real", "dfd/real", "01__hug"), ("DFD_fake", "dfd/fake", "01_02__hug__ABCD1234")):
        clip = {name: bench_clip(folder, label, name, root)}
        actors[label] = {"train": clip, "val": clip, "test": clip}
    write(root / "dataset_json" / "DeepFakeDetection.json", json.dumps({"DeepFakeDetection": actors}))


def df40(root: Path) -> None:
    for method in ("simswap", "lia"):
        table: dict[str, dict[str, dict[str, object]]] = {f"{method}_Real": {}, f"{method}_Fake": {}}
        for split in ("train", "test"):
            pairs = PAIRS[split]
            real = [one for pair in pairs for one in pair]
            fake = ["_".join(pair) for pair in pairs]
            table[f"{method}_Real"][split] = {n: bench_clip("ff", f"{method}_Real", n, root) for n in real}
            table[f"{method}_Fake"][split] = {n: bench_clip(method, f"{method}_Fake", n, root) for n in fake}
        write(root / "dataset_json" / f"{method}_ff.json", json.dumps({f"{method}_ff": table}))


def plain(root: Path) -> None:
    touch(root, [f"{folder}/{number:02d}.png" for folder in ("real", "fake") for number in range(12)])
    touch(root, [f"masks/{number:02d}.png" for number in range(11)])


BUILDERS: Mapping[str, tuple[Callable[[Path], None], Mapping[str, str]]] = {
    "faceforensics": (faceforensics, {}),
    "dfd": (dfd, {}),
    "celebdf": (celebdf, {}),
    "celebdf-plus": (celebdf_plus, {}),
    "dfdc": (dfdc, {}),
    "dfdcp": (dfdcp, {}),
    "ffiw": (ffiw, {}),
    "deeperforensics": (deeperforensics, {"variants": "all"}),
    "uadfv": (uadfv, {"use": "train"}),
    "wilddeepfake": (wilddeepfake, {}),
    "dffd": (dffd, {}),
    "genface": (genface, {}),
    "df40": (df40, {}),
    "deepfakebench": (deepfakebench, {}),
    "plain": (plain, {"use": "train"}),
}
