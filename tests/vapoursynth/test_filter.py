import subprocess
import sys
import weakref
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import vapoursynth as vs

from tests.strategies import frame_format
from vs_gendrpix import gendrpix
from vs_gendrpix.errors import DeviceError
from vs_gendrpix.models.gendrpix.padcfg import PadCFG
from vs_gendrpix.restore import engine as engine_module
from vs_gendrpix.vapoursynth.filter import _Jobs

ROOT = Path(__file__).parents[2]
WATCHDOG = 120
"""Seconds after which a program is taken for deadlocked; it takes three."""


def make_clip(form=vs.YUV420P8, size=(32, 16), count=3, **props):
    """A ramp that moves: code `n` more in every frame."""
    family = vs.core.get_video_format(form).color_family
    props.setdefault("_Matrix", 0 if family == vs.RGB else 1)
    blank = vs.core.std.BlankClip(
        width=size[0], height=size[1], format=form, length=count, keep=True
    )

    def fill(n, f):
        frame = f.copy()
        for index in range(frame.format.num_planes):
            plane = np.asarray(frame[index])
            rows, columns = plane.shape
            ramp = np.arange(columns)[None] + 2 * np.arange(rows)[:, None] + n
            if frame.format.sample_type == vs.FLOAT:
                chroma = index > 0 and family == vs.YUV
                plane[:] = ramp / 256 - (0.1 if chroma else -0.2)
            else:
                plane[:] = (ramp + 60 + 20 * index) << (frame.format.bits_per_sample - 8)
        frame.props.update(props)
        frame.props["number"] = n
        return frame

    return blank.std.ModifyFrame(blank, fill)


def planes_of(frame):
    return [np.array(frame[index]) for index in range(frame.format.num_planes)]


@pytest.fixture
def restore(small_model):
    def call(clip, scale=2, **given):
        given.setdefault("device_index", -1)
        return gendrpix(clip, scale, model_path=small_model, **given)

    return call


FORMATS = [
    vs.GRAY8, vs.GRAY10, vs.GRAY16, vs.GRAYH, vs.GRAYS,
    vs.YUV420P8, vs.YUV422P10, vs.YUV444P12, vs.YUV420P16, vs.YUV444PH, vs.YUV420PS,
    vs.RGB24, vs.RGB30, vs.RGB48, vs.RGBH, vs.RGBS,
]  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_passes_and_keeps_its_colour(restore, form):
    source = make_clip(form, _Range=1)
    clip = restore(source, strength=0.0)
    assert (clip.format.id, clip.width, clip.height) == (form, 64, 32)
    assert clip.num_frames == source.num_frames
    given, made = source.get_frame(1), clip.get_frame(1)
    scale = 1 if made.format.sample_type == vs.FLOAT else 1 << made.format.bits_per_sample
    for plane, other in zip(planes_of(given), planes_of(made), strict=True):
        assert plane.dtype == other.dtype
        shape = (2 * plane.shape[0], 2 * plane.shape[1])
        tensor = torch.from_numpy(plane.astype(np.float32))[None, None]
        wanted = F.interpolate(tensor, shape, mode="bicubic", antialias=True)[0, 0].numpy()
        # A ramp comes through any resize; chroma goes through RGB and back.
        assert np.abs(other[4:-4, 4:-4] - wanted[4:-4, 4:-4]).max() < 0.01 * scale


@pytest.mark.parametrize("form", [vs.YUV420P8, vs.RGBS])
def test_the_network_does_something(restore, form):
    source = make_clip(form)
    full = planes_of(restore(source).get_frame(0))
    none = planes_of(restore(source, strength=0.0).get_frame(0))
    assert not np.array_equal(full[0], none[0])


@pytest.mark.parametrize(
    ("form", "wanted", "props"),
    [
        (vs.YUV420P8, vs.YUV420P10, {"_Matrix": 9, "_Range": 1, "_ChromaLocation": 2}),
        (vs.YUV420P8, vs.RGBS, {"_Matrix": 0, "_Range": 1, "_ChromaLocation": None}),
        (vs.RGB24, vs.YUV420P16, {"_Matrix": 1, "_Range": 0, "_ChromaLocation": 2}),
        (vs.YUV444P8, vs.GRAY16, {"_Matrix": 9, "_Range": 1, "_ChromaLocation": None}),
        (vs.GRAYS, vs.RGB24, {"_Matrix": 0, "_Range": 1, "_ChromaLocation": None}),
    ],
)
def test_another_format(restore, form, wanted, props):
    family = vs.core.get_video_format(form).color_family
    source = make_clip(
        form, _Matrix=0 if family == vs.RGB else 9, _Range=1, _ChromaLocation=2, _Transfer=16
    )
    for number in (wanted, int(wanted), vs.core.get_video_format(wanted)):
        clip = restore(source, format=number)
        assert clip.format.id == wanted
    found = clip.get_frame(0).props
    assert {key: found.get(key) for key in props} == props
    assert found["_Transfer"] == 16
    # The same picture, seen by VapourSynth's own resizer.
    mine = clip.resize.Bicubic(format=vs.GRAY16, matrix=1, range=1) if family != vs.RGB else clip
    assert mine.get_frame(0).width == 64


def test_colour_is_read_as_vapoursynth_means_it(restore):
    """What resize makes of a clip, and of its restored one, are the same colours."""
    for props in ({"_Matrix": 6, "_Range": 0}, {"_Matrix": 9, "_Range": 1}, {"_Matrix": 1}):
        source = make_clip(vs.YUV444P8, size=(32, 32), **props)
        made = restore(source, 1, strength=0.0, format=vs.RGBS)
        wanted = source.resize.Bicubic(format=vs.RGBS)
        for plane, other in zip(
            planes_of(made.get_frame(0)), planes_of(wanted.get_frame(0)), strict=True
        ):
            np.testing.assert_allclose(plane, other, atol=1e-4)


def test_properties_of_a_frame_stay_on_it(restore):
    source = make_clip(
        _Range=0, _ChromaLocation=2, _SARNum=12, _SARDen=11, _DurationNum=1, _DurationDen=25,
        _PictType="P", _SceneChangePrev=1, mine=[1, 2, 3],
    )  # fmt: skip
    clip = restore(source)
    for n in (2, 0, 1):
        given, made = source.get_frame(n).props, clip.get_frame(n).props
        assert dict(made) == dict(given)
        assert made["number"] == n


def test_an_alpha_plane_of_the_old_size_is_dropped(restore):
    source = make_clip()
    alpha = make_clip(vs.GRAY8)
    clip = restore(source.std.ClipToProp(alpha, prop="_Alpha"))
    assert "_Alpha" not in clip.get_frame(0).props


@pytest.mark.parametrize(
    ("given", "sar", "wanted"),
    [
        ({"scale": 2}, (16, 15), (16, 15)),
        ({"scale": None, "height": 32}, (16, 15), (16, 15)),
        ({"scale": None, "width": 64, "height": 16}, (16, 15), (8, 15)),
        ({"scale": None, "width": 64, "height": 16}, (0, 0), (1, 2)),
    ],
)
def test_the_shape_of_a_sample_is_right(restore, given, sar, wanted):
    source = make_clip(_SARNum=sar[0], _SARDen=sar[1])
    found = restore(source, **given).get_frame(0).props
    assert (found["_SARNum"], found["_SARDen"]) == wanted


@pytest.fixture
def logged():
    lines = []
    handle = vs.core.add_log_handler(lambda _, line: lines.append(line))
    yield lines
    vs.core.remove_log_handler(handle)


def test_a_matrix_that_is_not_said_is_that_of_the_height_or_the_given_one(restore, logged):
    for props, chosen in (({"_Matrix": 2}, {}), ({}, {}), ({}, {"matrix_in": 1})):
        source = make_clip(**props)
        if not props:
            source = source.std.RemoveFrameProps("_Matrix")
        logged.clear()
        given = restore(source, **chosen)
        taken = chosen.get("matrix_in", 6)
        line = "gendrpix: the clip does not say its matrix: taken as BT.601 by its height"
        assert logged == ([] if chosen else [line])
        said = restore(make_clip(_Matrix=taken))
        assert given.get_frame(0).props["_Matrix"] == taken
        for plane, other in zip(
            planes_of(given.get_frame(0)), planes_of(said.get_frame(0)), strict=True
        ):
            np.testing.assert_array_equal(plane, other)


def test_a_declared_transfer_wins_and_is_stated_where_it_has_a_number(restore):
    source = make_clip(vs.RGB30, _Transfer=1)
    plain, log, linear, said = (
        restore(clip, **chosen).get_frame(0)
        for clip, chosen in (
            (source, {}),
            (source, {"transfer_in": "cineon"}),
            (source, {"transfer_in": "linear"}),
            (make_clip(vs.RGB30, _Transfer=8), {}),
        )
    )
    assert (log.props["_Transfer"], linear.props["_Transfer"]) == (1, 8)
    assert not np.array_equal(planes_of(plain)[0], planes_of(log)[0])
    assert all(map(np.array_equal, planes_of(linear), planes_of(said)))


def variable(**sizes):
    """A clip whose second frame has another size or format."""
    first, second = make_clip(count=1), make_clip(count=1, **sizes)
    return vs.core.std.Splice([first, second], mismatch=True)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: None, "not a video clip, but NoneType"),
        (vs.core.std.BlankAudio, "not a video clip, but AudioNode"),
        (lambda: variable(form=vs.YUV444P8), "format of this clip varies"),
        (lambda: variable(size=(48, 16)), "size of this clip varies"),
        (lambda: make_clip(_FieldBased=1), "only progressive"),
        (lambda: make_clip(_FieldBased=2), "only progressive"),
        (lambda: make_clip(vs.GRAY32), "32 bits"),
        (lambda: make_clip(_Matrix=0), "matrix 0"),
        (lambda: make_clip(_Matrix=8), "matrix 8"),
    ],
)
def test_a_clip_that_cannot_be_restored_is_refused_at_once(restore, make, match):
    with pytest.raises(vs.Error, match=rf"^gendrpix: .*{match}") as caught:
        restore(make())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"scale": 5}, "scale 5 is out of range"),
        ({"scale": 0.5}, "scale 0.5"),
        ({"scale": "big"}, "scale 'big' is not a number"),
        ({"scale": 2, "width": 64}, "a scale or a target size"),
        ({"scale": None, "width": 8}, "out of range"),
        ({"scale": None, "width": 65}, "multiple of 2"),
        ({"device_index": -2}, "device_index -2"),
        ({"device_index": []}, "device_index"),
        ({"dtype": "half"}, "no dtype 'half': use one of auto"),
        ({"color_fix": "wavelet"}, "no colour fix"),
        ({"guidance": 11}, "guidance"),
        ({"pad_seed": -1}, "pad seed"),
        ({"strength": 1.5}, "strength"),
        ({"grain": -0.1}, "grain"),
        ({"attention": "some"}, "no attention 'some'"),
        ({"tile": 100}, "tile 100 must be a multiple of 8"),
        ({"tile": [128]}, r"tile \[128\] is neither a number nor a width and a height"),
        ({"tile": [128, 64], "overlap": [32, 36]}, "half the tile size 64"),
        ({"batch_size": 0}, "batch size 0"),
        ({"prefetch": -1}, "prefetch -1"),
        ({"matrix_in": 0}, "matrix_in 0"),
        ({"transfer_in": "vlog"}, "no transfer_in 'vlog': use one of auto, cineon"),
        ({"format": vs.GRAY32}, "32 bits"),
    ],
)
def test_a_parameter_out_of_range_is_refused_at_once(restore, given, match):
    with pytest.raises(vs.Error, match=rf"^gendrpix: .*{match}") as caught:
        restore(make_clip(), **given)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_there_or_broken_is_refused_at_once(tmp_path):
    with pytest.raises(vs.Error, match=r"^gendrpix: no model 'huge'"):
        gendrpix(make_clip(), model="huge")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(vs.Error, match=r"^gendrpix: bad\.safetensors is not a whole"):
        gendrpix(make_clip(), model_path=tmp_path / "bad.safetensors")


def test_what_turns_out_interlaced_is_the_error_of_its_frame(restore):
    second = make_clip(count=1, _FieldBased=1)
    clip = restore(make_clip(count=2) + second)
    assert clip.get_frame(1).props["number"] == 1
    with pytest.raises(vs.Error, match="gendrpix: frame 2: only progressive"):
        clip.get_frame(2)
    assert clip.get_frame(0).props["number"] == 0


@pytest.mark.parametrize(("given", "kind"), [([0, 99], "cuda"), ("mps:9", "mps")])
def test_a_device_that_is_not_there_is_the_error_of_its_frame(restore, given, kind):
    clip = restore(make_clip(), device_index=given)
    with pytest.raises(vs.Error) as caught:
        clip.get_frame(1)
    assert (
        str(caught.value)
        .strip()
        .splitlines()[-1]
        .startswith(f"vapoursynth.Error: gendrpix: frame 1: no device '{kind}:")
    )


def test_an_error_of_the_network_comes_with_its_frame_and_passes(restore, monkeypatch):
    original, failed = PadCFG.__call__, []

    def fail_once(self, image, **options):
        # Told by its picture: threads may begin frames in any order.
        if image.mean() > 0.9 and not failed:
            failed.append(1)
            raise DeviceError("not enough memory")
        return original(self, image, **options)

    monkeypatch.setattr(PadCFG, "__call__", fail_once)
    dark = make_clip(vs.RGB24, count=4)
    white = dark.std.BlankClip(color=[255] * 3, length=1).std.CopyFrameProps(dark[1])
    clip = restore(dark[0] + white + dark[2:], prefetch=1)
    clip.get_frame(0)
    with pytest.raises(vs.Error, match="gendrpix: frame 1: not enough memory"):
        clip.get_frame(1)
    assert clip.get_frame(2).props["number"] == 2
    assert clip.get_frame(1).props["number"] == 1


def test_a_frame_that_is_not_finite_is_an_error_not_a_picture(restore):
    source = make_clip(vs.RGBS)

    def spoil(n, f):
        frame = f.copy()
        if n == 1:
            np.asarray(frame[2])[3, 4] = np.nan
        return frame

    clip = restore(source.std.ModifyFrame(source, spoil))
    clip.get_frame(0)
    with pytest.raises(vs.Error, match=r"gendrpix: frame 1: .*not finite"):
        clip.get_frame(1)
    clip.get_frame(2)


def test_creating_a_filter_loads_no_torch(small_model):
    script = f"""
import sys
import vapoursynth as vs
from vs_gendrpix import gendrpix
clip = vs.core.std.BlankClip(format=vs.RGB24, width=32, height=32)
clip = gendrpix(clip, model_path={str(small_model)!r})
assert (clip.width, clip.height) == (128, 128)
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 4, 8])
def test_every_order_of_reading_is_right(threads):
    """The cases are in tests/vapoursynth/matrix.py; the time limit is for deadlocks."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.vapoursynth.matrix", str(threads)],
        check=False,
        cwd=ROOT,
        timeout=WATCHDOG,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 3 * 8


@pytest.mark.parametrize(
    ("given", "name", "wanted"),
    [
        ({"tile": 128}, "tile", (128, 128)),
        ({"tile": [128, 64], "overlap": 16}, "tile", (128, 64)),
        ({"overlap": 16}, "overlap", (16, 16)),
        ({"tile": 64, "overlap": (16, 8)}, "overlap", (16, 8)),
        ({}, "tile", None),
        ({"attention": "full"}, "attention", "full"),
        ({"compile": True}, "compile", True),
        ({}, "compile", False),
        ({"dedup": False}, "dedup", False),
    ],
)
def test_a_parameter_reaches_the_engine(restore, monkeypatch, given, name, wanted):
    found = []

    def engine(settings, *_, **__):
        found.append(getattr(settings, name))
        raise DeviceError("seen")

    monkeypatch.setattr(engine_module, "Engine", engine)
    with pytest.raises(vs.Error, match="seen"):
        restore(make_clip(), prefetch=0, **given).get_frame(0)
    assert found == [wanted]


@pytest.mark.parametrize("prefetch", [1, 3])
def test_frames_ahead_are_started_before_a_frame_is_waited_for(restore, monkeypatch, prefetch):
    """The first result comes only when so many more frames are there: by one thread alone."""
    engines = []

    class Patient:
        def __init__(self, _settings, **_options):
            self.waiting, self.enough = [], Event()
            engines.append(self)

        def clip(self, _source, target):
            self.target = target
            return self

        def submit(self, frame):
            self.waiting.append((frame, Future()))
            if len(self.waiting) > prefetch:
                self.enough.set()
                self.release()
            return self.waiting[-1][1]

        def release(self):
            for frame, future in self.waiting:
                if not future.done():
                    made = tuple(plane.repeat(2, 0).repeat(2, 1) for plane in frame.planes)
                    future.set_result(replace(frame, format=self.target, planes=made))

        def close(self):
            self.release()

    monkeypatch.setattr(engine_module, "Engine", Patient)
    monkeypatch.setattr(vs.core, "num_threads", 1)
    clip = restore(make_clip(count=8), prefetch=prefetch)
    first = clip.get_frame_async(0)
    try:
        assert first.result(timeout=WATCHDOG / 4).props["number"] == 0
        assert engines[0].enough.is_set()
    finally:
        engines[0].release()


# --- The jobs, with an engine and frames that exist only here


FORMAT = frame_format(4, 2, "gray")


class FakeFrame:
    def __init__(self, value):
        self.props = {}
        self.format = type("Format", (), {"num_planes": 1})
        self.plane = np.full((2, 4), value, np.uint8)

    def __getitem__(self, index):
        return self.plane


class FakeEngine:
    def __init__(self):
        self.frames, self.futures, self.closed = [], [], False

    def submit(self, frame):
        self.frames.append(frame.timing.pts)
        self.futures.append(Future())
        return self.futures[-1]

    def close(self):
        self.closed = True


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def jobs(engine):
    return _Jobs(lambda: engine, FORMAT, room=4)


def test_a_frame_is_started_once(jobs, engine):
    for n in (0, 1, 0, 1):
        jobs.start(n, FakeFrame(n))
    assert jobs.take(1, FakeFrame(1)) is engine.futures[1]
    assert engine.frames == [0, 1]


def test_no_more_than_there_is_room_are_started(jobs, engine):
    for n in range(6):
        jobs.start(n, FakeFrame(n))
    assert engine.frames == [0, 1, 2, 3]
    jobs.take(5, FakeFrame(5))  # makes room, so that what nobody collects does not stay for ever
    jobs.start(6, FakeFrame(6))
    assert engine.frames == [0, 1, 2, 3, 5, 6]


def test_what_is_left_from_a_seek_is_forgotten(jobs):
    for n in (0, 1, 2, 3):
        jobs.start(n, FakeFrame(n))
    jobs.take(3, FakeFrame(3))
    assert list(jobs._pending) == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(("dedup", "computed"), [(True, 1), (False, 5)])
def test_duplicates_are_computed_once_and_still_carry_their_own_properties(
    restore, monkeypatch, dedup, computed
):
    calls = []
    original = PadCFG.__call__

    def count(self, image, **options):
        calls.append(1)
        return original(self, image, **options)

    monkeypatch.setattr(PadCFG, "__call__", count)
    frozen = make_clip(count=1) * 5
    numbered = frozen.std.FrameEval(lambda n: frozen.std.SetFrameProps(number=n))
    clip = restore(numbered, dedup=dedup)
    numbers = [frame.props["number"] for frame in clip.frames()]
    assert numbers == [0, 1, 2, 3, 4]
    assert len(calls) == computed


def test_an_engine_that_cannot_be_built_fails_the_frame_not_the_caller():
    def build():
        raise DeviceError("no device")

    jobs = _Jobs(build, FORMAT, room=4)
    jobs.start(0, FakeFrame(0))
    with pytest.raises(DeviceError):
        jobs.take(0, FakeFrame(0)).result()


def test_closing_ends_the_engine_and_forgets_all(jobs, engine):
    jobs.start(0, FakeFrame(0))
    jobs.close()
    assert engine.closed
    assert not jobs._pending
    jobs.close()


def test_a_clip_that_nobody_holds_frees_its_engine(restore, monkeypatch):
    freed = Event()

    class Watched(engine_module.Engine):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            weakref.finalize(self.restorer, freed.set)

    monkeypatch.setattr(engine_module, "Engine", Watched)
    clip = restore(make_clip())
    clip.get_frame(0).close()
    assert not freed.is_set()
    del clip
    assert freed.wait(timeout=WATCHDOG)


def test_the_format_of_a_restored_frame(restore):
    """Planes of a width that VapourSynth pads are copied row by row."""
    clip = restore(make_clip(vs.RGBS, size=(33, 7)), 1, strength=0.0)
    source = make_clip(vs.RGBS, size=(33, 7))
    for plane, other in zip(
        planes_of(clip.get_frame(0)), planes_of(source.get_frame(0)), strict=True
    ):
        np.testing.assert_array_equal(plane, other)


@pytest.mark.parametrize(
    "wrong", [{"device_index": 1.5}, {"format": "x"}, {"tile": 1.5}, {"model_path": 7}]
)
def test_an_argument_of_another_type_is_one_line(wrong):
    with pytest.raises(vs.Error, match=r"^gendrpix: ") as caught:
        gendrpix(vs.core.std.BlankClip(format=vs.RGB24, length=1), **wrong)
    assert "\n" not in str(caught.value)
