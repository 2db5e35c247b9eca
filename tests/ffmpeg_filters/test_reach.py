"""Filters that open files, load foreign code or use the network are known as such."""

import pytest

from ffmpeg_filters import PRESETS, GraphError, graph_of, kept_local, reaching_outside

OUTSIDE = [
    "movie=a.mkv[b];[in][b]hstack",
    "movie@x=a.mkv[b];[in][b]hstack",
    "amovie=a.wav",
    "null,lut3d=a.cube",
    "lut1d=file=a.cube",
    "metadata=print:file=-",
    "metadata=mode=print:file = x",
    "metadata=print:lavfi.x:1:same_str:expr:out.txt",
    r"metadata=print:key=a\\\\:file=out.txt",
    "metadata='print:file=x'",
    "drawtext=textfile=/etc/passwd",
    "drawtext=font.ttf:text=x",
    "drawtext=/text=/etc/passwd",
    "scale=/w=/etc/passwd",
    "zmq",
    "sendcmd=c='0 drawtext reinit textfile=/etc/passwd'",
    "frei0r=cartoon0r",
    "ladspa=f=x.so",
    "subtitles=a.srt",
    "ass=a.ass",
    "removelogo=logo.png",
    "split[a][b];[a][b]psnr=stats.log",
    "split[a][b];[a][b]ssim=stats_file=x",
    "split[a][b];[a][b]libvmaf=log_path=x",
    "curves=psfile=a.acv",
    "curves=vintage:0/0:0/0:0/0:0/0:0/0:a.acv",
    "deshake=filename=x.log",
    "vidstabdetect",
    "nnedi=weights=w.bin",
    "program_opencl=source=x.cl",
]
INSIDE = [
    "bwdif,scale=-2:576",
    "crop=704:576,atadenoise",
    "metadata=print",
    "metadata=mode=delete:key=a",
    "curves=vintage",
    "curves=preset=vintage",
    "curves=r='0/0 1/1'",
    "split[a][b];[a][b]psnr",
    "deshake=0:0:64:48",
    "drawtext=text=hello",
    "select='eq(n,0)'",
    "noise=c0s=6:c0f=t",
]


@pytest.mark.parametrize("text", OUTSIDE)
def test_a_filter_that_reaches_outside_is_named(text):
    assert reaching_outside(graph_of(text))


@pytest.mark.parametrize("text", INSIDE)
def test_what_only_computes_is_free(text):
    graph = graph_of(text)
    assert reaching_outside(graph) == ()
    assert kept_local(graph) is graph


@pytest.mark.parametrize("name", PRESETS)
def test_the_presets_only_compute(name):
    assert reaching_outside(graph_of(PRESETS[name])) == ()


@pytest.mark.parametrize(
    "text",
    [
        "zmq",
        "movie=http\\://host/a.mkv",
        "movie='concat:a|b'",
        "movie=filename=tcp\\\\://host",
        "metadata=print:file='tcp\\://10.0.0.1\\:80'",
        "metadata=print:file=pipe\\\\:3",
        "subtitles='subfile,,start,0,end,9,,:a.srt'",
        "removelogo=https\\\\://host/x.png",
        "movie=a.mkv:format_opts=protocol_whitelist=http",
    ],
)
def test_the_network_stays_closed(text):
    with pytest.raises(GraphError, match=r"local files|are ours"):
        kept_local(graph_of(text))


def test_a_film_beside_the_picture_opens_files_alone():
    kept = kept_local(graph_of("movie=a.mkv[b];[in][b]hstack"))
    assert kept.text.startswith("movie=a.mkv:format_opts=protocol_whitelist=file[b];")
