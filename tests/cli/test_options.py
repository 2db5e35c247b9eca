"""Options are declared once: front ends and documents say what the settings declare."""

import inspect
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from docs.tables import documents, sentence
from ffmpeg_filters import PRESETS
from vs_gendrpix import gendrpix
from vs_gendrpix.cli import video
from vs_gendrpix.cli.options import PAPER, TITLES, help_of
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings import (
    EncodeSettings,
    PrepareSettings,
    ProcessSettings,
    ReadSettings,
    RestoreSettings,
)
from vs_gendrpix.settings.option import groups_of, options_of

PARSER = video.COMMAND.parser("gendrpix-video")
DECLARED = [(kind, each) for kind in groups_of(ProcessSettings) for each in options_of(kind)]
FLAGGED = [(kind, each) for kind, each in DECLARED if each.option.flags]
OWN = {"clip", "format", "device_index", "prefetch", "matrix_in", "transfer_in"}
"""The filter's parameters that are no settings."""


def plain(text):
    return " ".join(text.split())


def test_every_field_declares_an_option_of_its_own():
    names = [each.field for _, each in DECLARED]
    assert len(set(names)) == len(names)
    for kind in groups_of(ProcessSettings):
        nested = {"read", "prepare", "restore", "finish", "write", "job", "encode", "streams"}
        declared = {each.field for each in options_of(kind)}
        assert {field.name for field in fields(kind)} - declared <= nested


@pytest.mark.parametrize(("kind", "declared"), FLAGGED, ids=lambda each: getattr(each, "field", ""))
def test_every_flag_is_in_its_group_with_its_text_and_its_default(kind, declared):
    title = PAPER if declared.option.paper else TITLES[kind]
    (group,) = [each for each in PARSER._action_groups if each.title == title]
    (action,) = [each for each in group._group_actions if each.dest == declared.field]
    assert tuple(action.option_strings) == declared.option.flags
    assert action.help == help_of(declared)
    assert (action.choices or ()) == declared.choices
    unset = [] if declared.option.repeated else declared.default
    assert action.default == unset


def test_only_a_path_of_a_model_has_no_flag():
    assert [each.field for _, each in DECLARED if not each.option.flags] == ["model_path"]


def test_no_arguments_are_the_default_settings():
    assert video.settings(PARSER.parse_args(["a", "b"])) == ProcessSettings()


def test_the_filter_has_the_settings_with_their_defaults_and_their_text():
    parameters = inspect.signature(gendrpix).parameters
    declared = {each.field: each for each in options_of(RestoreSettings)}
    assert set(parameters) - OWN == set(declared) - {"device"}
    said = inspect.cleandoc(gendrpix.__doc__)
    for name in set(parameters) - OWN:
        default = declared[name].default
        assert parameters[name].default == (default[0] if isinstance(default, tuple) else default)
        entry = re.search(rf"^    {name}: (.*(?:\n {{8}}.*)*)", said, re.MULTILINE)
        assert plain(entry[1]) == sentence(declared[name])


def test_the_documents_say_what_is_declared():
    page = (Path(__file__).parents[2] / "docs" / "command.md").read_text(encoding="utf-8")
    for _, declared in FLAGGED:
        assert help_of(declared).replace("|", "\\|") in page
    for path, right in documents().items():
        assert path.read_text(encoding="utf-8") == right, "run python -m docs.tables"


def test_every_preset_of_filters_is_named():
    (pre_filter,) = [each for _, each in DECLARED if each.field == "pre_filter"]
    for name in PRESETS:
        assert re.search(rf"\b{name}\b", pre_filter.option.text), name


@pytest.mark.parametrize(
    ("kind", "chosen", "said"),
    [
        (RestoreSettings, {"strength": 1.5}, "strength 1.5 is out of range: use 0 to 1"),
        (RestoreSettings, {"strength": float("nan")}, "strength nan is out of range: use 0 to 1"),
        (RestoreSettings, {"pad_seed": -1}, "pad seed -1 is out of range: use 0 or more"),
        (RestoreSettings, {"batch_size": 17}, "batch size 17 is out of range: use 1 to 16"),
        (RestoreSettings, {"dtype": "x"}, "there is no dtype 'x': use one of auto, bf16, fp16, "),
        (RestoreSettings, {"color_fix": "x"}, "there is no colour fix 'x': use one of lowband, "),
        (ReadSettings, {"video_stream": -1}, "video stream -1 is out of range: use 0 or more"),
        (ReadSettings, {"hdr": "x"}, "there is no way to treat HDR 'x': use one of keep, error"),
        (PrepareSettings, {"deinterlace": "x"}, "there is no way to deinterlace 'x': use one of "),
    ],
)
def test_choices_and_ranges_are_checked_when_settings_are_made(kind, chosen, said):
    with pytest.raises(SettingsError) as error:
        kind(**chosen)
    assert str(error.value).startswith(said)
    with pytest.raises(SettingsError):
        replace(kind(), **chosen)


def test_a_profile_fills_what_is_not_given():
    given = ["a.mov", "b.mov", "--profile", "prores422hq", "-e", "vendor=fmp4"]
    encode = video.settings(PARSER.parse_args(given)).write.encode
    assert (encode.encoder, encode.pix_fmt) == ("prores_ks", "yuv422p10le")
    assert encode.options[-1] == ("vendor", "fmp4")
    assert EncodeSettings().over(encode) == encode
