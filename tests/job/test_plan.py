"""A job as a value: planned once, kept as JSON, run later."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from tests.choices import process_settings
from tests.clips import make_clip
from vs_gendrpix import EncodeSettings, JobSettings, RestoreSettings, process
from vs_gendrpix.errors import DeviceError, MediaError, ModelError, OutputError, SettingsError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.span import Span, Window
from vs_gendrpix.job.plan import Plan, make_plan
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.run import run, write_frames
from vs_gendrpix.models.gendrpix.files import save_network
from vs_gendrpix.models.gendrpix.network import random_network
from vs_gendrpix.models.gendrpix.unet import TINY
from vs_gendrpix.models.joining import join_models
from vs_gendrpix.read.source import open_source
from vs_gendrpix.write.output import OutputFile

LOSSLESS = EncodeSettings(encoder="ffv1", pix_fmt="source")
LONG = tuple(512 * number for number in range(60))


@pytest.fixture
def folder(tmp_path):
    make_clip(tmp_path / "in.mp4", times=LONG)
    return tmp_path


@pytest.fixture
def chosen(small_model):
    restore = RestoreSettings(scale=Fraction(1), model_path=small_model, dtype="fp32")
    return process_settings(restore=restore, encode=LOSSLESS, end=Fraction(1, 2))


def planes(path):
    with open_source(path) as source:
        return [(frame.timing.pts, *(plane.copy() for plane in frame.planes)) for frame in source]


def same(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a, b)
        for frame, its in zip(one, other, strict=True)
        for a, b in zip(frame, its, strict=True)
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_work_on_gpus_of_other_machines_is_planned_without_one(folder):
    chosen = process_settings(restore=RestoreSettings(device="cuda"))
    paths = folder / "in.mp4", folder / "out.mp4"
    restore = make_plan(*paths, chosen, elsewhere=True).settings.restore
    assert (restore.model, restore.dtype) == ("base", "bf16")
    on_ray = replace(chosen, job=JobSettings(workers="ray"))
    assert make_plan(*paths, on_ray).settings.restore == restore
    with pytest.raises(DeviceError, match="no device 'cuda'"):
        make_plan(*paths, chosen)


def test_a_plan_leaves_nothing_open(folder):
    plan = make_plan(folder / "in.mp4", folder / "out.mp4", process_settings(preview=Fraction(1)))
    assert (plan.settings.read.preview, plan.settings.read.end) == (None, Fraction(17, 10))
    assert plan.settings.write.encode.encoder == "libx265"
    assert plan.settings.restore.dtype != "auto"
    assert plan.settings.restore.model == plan.model.name
    assert len(plan.model.sha256) == 64
    assert list(folder.glob("out*")) == []  # nothing is written


@pytest.mark.parametrize("crop", [None, "auto", (32, 24, 8, 8)])
def test_a_plan_is_the_same_after_json(folder, crop):
    chosen = process_settings(crop=crop, pre_filter="atadenoise", post_filter="hflip")
    plan = make_plan(folder / "in.mp4", folder / "out.mp4", chosen)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plan: plan | {"tiles": 4}, "tiles"),
        (lambda plan: {key: plan[key] for key in plan if key != "area"}, "area"),
        (lambda plan: plan | {"area": 7}, "area"),
    ],
)
def test_a_text_that_is_no_plan_is_one_clear_line(folder, change, said):
    plan = json.loads(make_plan(folder / "in.mp4", folder / "out.mp4").to_json())
    with pytest.raises(SettingsError, match=said) as caught:
        Plan.from_json(json.dumps(change(plan)))
    assert "\n" not in str(caught.value)
    with pytest.raises(SettingsError, match="not JSON"):
        Plan.from_json("{")


def test_the_input_is_opened_once_for_its_index_and_once_for_all_looks(folder, monkeypatch):
    opened = []

    def watched(file, *given, _open=av.open, **more):
        opened.append(file)
        return _open(file, *given, **more)

    monkeypatch.setattr("vs_gendrpix.read.opening.av.open", watched)
    make_plan(
        folder / "in.mp4",
        folder / "out.mp4",
        process_settings(preview=Fraction(1), crop="auto"),
    )
    ours = [file for file in opened if str(file).endswith("in.mp4")]
    assert ours == [f"file:{folder}/in.mp4"] * 2


@pytest.mark.slow
def test_a_plan_can_be_run_by_another_process(folder, chosen):
    process(folder / "in.mp4", folder / "here.mkv", chosen)
    plan = make_plan(folder / "in.mp4", folder / "there.mkv", chosen)
    (folder / "plan.json").write_text(plan.to_json())
    program = (
        "import pathlib, sys\n"
        "from vs_gendrpix.job.plan import Plan\n"
        "from vs_gendrpix.job.run import run\n"
        "run(Plan.from_json(pathlib.Path(sys.argv[1]).read_text()))\n"
    )
    subprocess.run([sys.executable, "-c", program, folder / "plan.json"], check=True)
    assert same(planes(folder / "here.mkv"), planes(folder / "there.mkv"))


def test_another_input_or_model_than_the_planned_is_refused(folder, chosen, small_model):
    model = folder / "model.safetensors"
    shutil.copy(small_model, model)
    chosen = replace(chosen, restore=replace(chosen.restore, model_path=model))
    plan = make_plan(folder / "in.mp4", folder / "out.mkv", chosen)
    data = bytearray(model.read_bytes())
    data[-1] ^= 1  # the last tensor's
    model.write_bytes(data)
    with pytest.raises(ModelError, match="has changed since"):
        run(plan)
    make_clip(folder / "in.mp4", times=LONG[:30], size=(32, 24))
    with pytest.raises(MediaError, match="has changed since"):
        run(plan)
    assert not (folder / "out.mkv").exists()


def test_a_bad_output_is_refused_when_it_is_planned(folder):
    (folder / "out.mp4").touch()
    with pytest.raises(OutputError, match="exists"):
        make_plan(folder / "in.mp4", folder / "out.mp4")


@pytest.mark.slow
def test_spans_together_are_the_whole(folder, chosen):
    process(folder / "in.mp4", folder / "whole.mkv", chosen)
    plan = make_plan(folder / "in.mp4", folder / "part.mkv", chosen)
    parts = []
    for first, end in [(0, 5), (5, 6), (6, 13)]:
        path = folder / f"part{first}.mkv"
        times = Window(start=Fraction(first, 25), end=Fraction(end, 25))
        span = Span(
            written=times,
            restored=times,
            read=times,
            begin=Fraction(0),
            offset=Fraction(0),
            moved=Fraction(0),
            first=plan.clip.format,
            shape=Fraction(0),
        )
        with OutputFile(path, source=plan.source, overwrite=False) as output:
            report = write_frames(plan, output, Notes(), progress=Progress(), span=span)
        assert report.frames_encoded == end - first
        parts += planes(path)
    assert same(planes(folder / "whole.mkv"), parts)


@pytest.mark.slow
def test_the_detail_of_a_model_with_two_ends_is_planned_and_reaches_the_picture(folder, tmp_path):
    ends = [tmp_path / f"{name}.safetensors" for name in ("faithful", "detailed", "both")]
    for seed, path in enumerate(ends[:2]):
        save_network(path, random_network(TINY, seed=seed), dtype=torch.float16)
    join_models(*ends, detail=0.25)
    found = {}
    for detail in (None, 0.0, 1.0):
        restore = RestoreSettings(
            scale=Fraction(1), model_path=ends[2], dtype="fp32", detail=detail, color_fix="none"
        )
        chosen = process_settings(restore=restore, encode=LOSSLESS, end=Fraction(1, 10))
        plan = make_plan(folder / "in.mp4", folder / f"{detail}.mkv", chosen)
        assert plan.settings.restore.detail == (0.25 if detail is None else detail)
        run(plan)
        found[detail] = planes(folder / f"{detail}.mkv")
    for end, detail in ((ends[0], 0.0), (ends[1], 1.0)):
        restore = replace(restore, model_path=end, detail=None)
        chosen = process_settings(restore=restore, encode=LOSSLESS, end=Fraction(1, 10))
        process(folder / "in.mp4", folder / "alone.mkv", chosen)
        assert same(planes(folder / "alone.mkv"), found[detail])
        (folder / "alone.mkv").unlink()
    assert not same(found[0.0], found[1.0])
    assert not same(found[None], found[0.0])


def test_a_graph_that_opens_files_is_refused_unless_allowed(tmp_path):
    source, other = tmp_path / "in.mp4", tmp_path / "other.mkv"
    make_clip(source)
    make_clip(other)
    same = RestoreSettings(scale=Fraction(1))
    graph = f"null[a];movie={other}[b];[a][b]hstack"
    asked = process_settings(restore=same, pre_filter=graph)
    with pytest.raises(SettingsError, match=r"movie opens files .* --allow-filter-files"):
        make_plan(source, tmp_path / "out.mkv", asked)
    asked = process_settings(restore=same, post_filter="metadata=print:file=said.txt")
    with pytest.raises(SettingsError, match=r"metadata opens files .* --allow-filter-files"):
        make_plan(source, tmp_path / "out.mkv", asked)
    asked = process_settings(restore=same, pre_filter=graph, allow_filter_files=True)
    plan = make_plan(source, tmp_path / "out.mkv", asked)
    assert (plan.filtered.format.width, plan.filtered.format.height) == (128, 48)
    asked = process_settings(
        restore=same, pre_filter=graph.replace(str(other), "tcp://x"), allow_filter_files=True
    )
    with pytest.raises(SettingsError, match="local files"):
        make_plan(source, tmp_path / "out.mkv", asked)
