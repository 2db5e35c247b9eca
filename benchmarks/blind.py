"""Pairs of crops without names: whoever looks does not know which side is whose.

    python -m benchmarks.blind pairs --shared DIR --models tiny base [LABEL=FILE ...] --out FOLDER
    python -m benchmarks.blind count FOLDER

`pairs` shows each model beside realesr-general-wdn-x4v3 on every place of `benchmarks/crops.py`, in
random order and on random sides. FOLDER/pictures has a PNG for each, FOLDER/key.json says what they
are. Give a person or a vision model the pictures alone, ask which side they would choose, and
write FOLDER/answers.txt: one line for each picture, such as `007 L`, `008 R` or `009 =`.
`count` says how often each model was chosen.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from torch import Tensor
from tqdm import tqdm

from benchmarks.crops import CROPS, Crop, cut
from benchmarks.sheet import OTHERS, model_methods
from vs_gendrpix.errors import GendrpixError, OutputError, SettingsError
from vs_gendrpix.evaluation.methods import Method, peer
from vs_gendrpix.evaluation.table import as_written
from vs_gendrpix.models.devices import pick_device

RIVAL = "general-wdn"
GAP = 12
"""Columns between the two sides."""
_ANSWER = re.compile(r"(\d+)\s+([LR=])")


def main(arguments: list[str] | None = None) -> int:
    """Make pairs or count answers; returns the exit code of `errors.py`."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except GendrpixError as error:
        print(f"blind.py: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    commands = parser.add_subparsers(required=True)
    pairs = commands.add_parser("pairs", allow_abbrev=False)
    pairs.add_argument("--shared", type=Path, required=True, help="folder with data/video/good")
    pairs.add_argument("--models", nargs="+", required=True, metavar="MODEL", help="as of sheet.py")
    pairs.add_argument("--scales", type=int, nargs="+", default=[4, 2, 1], help="of the places")
    pairs.add_argument("--seed", type=int, default=0, help="decides order and sides")
    pairs.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    pairs.add_argument("-d", "--device", default="auto", help="auto, cpu, cuda or cuda:N")
    pairs.set_defaults(run=_pairs)
    count = commands.add_parser("count", allow_abbrev=False)
    count.add_argument("folder", type=Path, metavar="FOLDER")
    count.set_defaults(run=_count)
    return parser


def _pairs(options: argparse.Namespace) -> None:
    data = options.shared / "data"
    methods = model_methods(options.models, options.device)
    if len(methods) < len(options.models) or RIVAL in methods:
        raise SettingsError(f"--models: give each a label of its own, none of them {RIVAL}")
    methods[RIVAL] = peer(data / OTHERS[RIVAL], pick_device(options.device))
    pictures = options.out / "pictures"
    try:
        pictures.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {pictures}: {error.strerror}") from error
    crops = [crop for crop in CROPS if crop.scale in options.scales]
    chance = random.Random(options.seed)  # noqa: S311 - the same pairs again, no secret
    questions = [(place, label) for place in range(len(crops)) for label in options.models]
    numbers = chance.sample(range(len(questions)), len(questions))
    key = {}
    for (place, label), number in zip(questions, numbers, strict=True):
        sides = [label.partition("=")[0], RIVAL]
        chance.shuffle(sides)
        key[f"{number:03}"] = {"left": sides[0], "right": sides[1], "place": place}
    for place, crop in enumerate(tqdm(crops, unit="crop", disable=None)):
        shown = _restored(data / "video" / "good", crop, methods)
        for number, pair in key.items():
            if pair["place"] == place:
                _beside(shown[str(pair["left"])], shown[str(pair["right"])]).save(
                    pictures / f"{number}.png"
                )
    text = json.dumps(dict(sorted(key.items())), indent=1)
    (options.out / "key.json").write_text(text + "\n", encoding="utf-8")


def _restored(clips: Path, crop: Crop, methods: Mapping[str, Method]) -> dict[str, Tensor]:
    """What each method makes of a crop: (1, 3, H, W) RGB in [0, 1], rounded to 8 bits."""
    sample = cut(clips, crop)
    return {name: as_written(method(sample.low, crop.scale)) for name, method in methods.items()}


def _beside(left: Tensor, right: Tensor) -> Image.Image:
    """Two pictures beside each other, half as large again, so that fine patterns can be seen."""
    sides = [
        Image.fromarray((one[0].permute(1, 2, 0) * 255).round().byte().cpu().numpy())
        for one in (left, right)
    ]
    width, height = (side * 3 // 2 for side in sides[0].size)
    both = Image.new("RGB", (2 * width + GAP, height), (255, 0, 255))
    for number, side in enumerate(sides):
        larger = side.resize((width, height), Image.Resampling.BICUBIC)
        both.paste(larger, (number * (width + GAP), 0))
    return both


def _count(options: argparse.Namespace) -> None:
    try:
        key = json.loads((options.folder / "key.json").read_text(encoding="utf-8"))
        answers = (options.folder / "answers.txt").read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read {error.filename}: {error.strerror}") from error
    given = dict(found.groups() for found in map(_ANSWER.match, answers.splitlines()) if found)
    if unknown := given.keys() - key.keys():
        raise SettingsError(f"answers.txt has {min(unknown)}, which is none of the pictures")
    if missing := key.keys() - given.keys():
        raise SettingsError(f"answers.txt has no line for {min(missing)}: write L, R or =")
    chosen: dict[str, Counter[str]] = {}
    for number, pair in key.items():
        model = next(pair[side] for side in ("left", "right") if pair[side] != RIVAL)
        name = {"L": pair["left"], "R": pair["right"], "=": "neither"}[given[number]]
        chosen.setdefault(model, Counter())[name] += 1
    for model, votes in chosen.items():
        print(
            f"{model}: {votes[model]} of {votes.total()}, {RIVAL} {votes[RIVAL]}, "
            f"neither {votes['neither']}"
        )


if __name__ == "__main__":
    sys.exit(main())
