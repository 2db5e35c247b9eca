"""The page in a browser: what is seen is what the files hold, and nothing is asked of a network."""

import io
import shutil
from contextlib import contextmanager

import numpy as np
import pytest

from tests.clips import make_clip
from tests.compare.conftest import FRAMES, WORST, codes
from tests.compare.test_command import data_of
from vs_gendrpix.cli.main import main
from vs_gendrpix.compare.page import page as made_page

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")
image = pytest.importorskip("PIL.Image", reason="the extra `evaluation` is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

pytestmark = pytest.mark.slow

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


PLANTED = (1440, 60), (20, 700)
"""Columns and rows of the squares of 40 pixels in which the two frames of large clips differ."""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A page of two clips that are larger than the window, with a difference in each frame."""
    folder = tmp_path_factory.mktemp("large")
    noise = np.random.default_rng(1).integers(0, 200, (1000, 1500, 3)).astype(np.uint8)
    for name in ("clean", "worn"):
        (folder / name).mkdir()
        for frame, (column, row) in enumerate(PLANTED):
            picture = noise.copy()
            if name == "worn":
                picture[row : row + 40, column : column + 40, 0] += np.uint8(50 - frame)
            image.fromarray(picture).save(folder / name / f"{frame:03}.png", compress_level=1)
    path = folder / "page.html"
    assert (
        main(["compare", *(str(folder / each) for each in ("clean", "worn")), "-o", str(path)]) == 0
    )
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory, clips):
    """A page of three clips of which all frames are shown."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    assert main(["compare", *map(str, clips), "-o", str(path)]) == 0
    return path


@contextmanager
def opened(browser, path, **context):
    """A tab with the page; afterwards nothing has been asked of a network, and nothing failed."""
    told, asked = [], []
    with browser.new_context(**{"viewport": {"width": 1000, "height": 800}, **context}) as made:
        tab = made.new_page()
        tab.on("console", lambda message: told.append(message.text))
        tab.on("pageerror", lambda error: told.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(path.as_uri())
        tab.locator("#strip button").first.wait_for()
        settle(tab)
        yield tab
    assert told == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def settle(tab):
    """Wait for Panzoom's timer, and until what was asked for is drawn."""
    tab.evaluate(
        "() => new Promise((done) => setTimeout(() => "
        "requestAnimationFrame(() => requestAnimationFrame(done)), 20))"
    )


def press(tab, *keys):
    for key in keys:
        tab.keyboard.press(key)
    settle(tab)


def seen(tab):
    """The stage as (H, W, 3) codes."""
    shot = tab.locator("#stage").screenshot(scale="device")
    return np.asarray(image.open(io.BytesIO(shot)).convert("RGB"))


def corner(tab, index=0):
    """Column and row of the stage at which a sheet begins, in pixels of the screen."""
    stage = tab.locator("#stage").bounding_box()
    sheet = tab.locator(".sheet").nth(index).bounding_box()
    return tuple(round(sheet[axis] - stage[axis]) for axis in "xy")


def blocks(picture, at, scale, count=6):
    """The pixels of a picture shown at a scale, each checked to be of one colour."""
    x, y = at
    rows, columns = 12, 12  # past the labels
    part = picture[y + rows * scale :, x + columns * scale :][: count * scale, : count * scale]
    cells = part.reshape(count, scale, count, scale, 3)
    assert (cells == cells[:, :1, :, :1]).all()
    return cells[:, 0, :, 0].astype(int)


def pinch(tab, middle, apart):
    """Two fingers that part from one distance from the middle to another."""
    protocol = tab.context.new_cdp_session(tab)
    x, y = middle
    for kind, far in (("touchStart", apart[0]), ("touchMove", apart[1]), ("touchEnd", None)):
        ends = () if far is None else (x - far, x + far)
        points = [{"x": each, "y": y, "id": number} for number, each in enumerate(ends)]
        protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    settle(tab)


def true(frame, *, worn, count=6):
    return codes(frame, worn=worn)[12 : 12 + count, 12 : 12 + count].astype(int)


def test_it_opens_on_the_worst_frame_and_says_what_it_shows(browser, page):
    with opened(browser, page) as tab:
        assert tab.title() == "clean | worn | half"
        assert tab.locator("#status").inner_text() == f"frame {WORST} of {FRAMES} \u00b7 0.29 s"
        assert tab.locator("#strip button").count() == FRAMES
        assert tab.locator("#strip button").first.get_attribute("aria-current") == "true"
        assert f"All {FRAMES} frames are shown." in tab.locator("#notes").inner_text()
        assert "scaled from 64x48 to 128x96 by Lanczos" in tab.locator("#facts").inner_text()
        assert tab.locator("[data-order=worst]").inner_text() == "Most first"
        told = tab.locator("#told")
        assert told.inner_text() == "The difference says how much was changed, not what is better."
        assert "difference: mean difference of the pixels, in code values of 255; more is not " in (
            tab.locator("#notes").inner_text()
        )
        assert ", most " in tab.locator("#facts").inner_text()
        tab.locator("[data-order=time]").click()
        numbers = tab.locator("#strip span").all_inner_texts()
        assert numbers == [str(number) for number in range(FRAMES)]


@pytest.mark.parametrize("ratio", [1, 1.25])
def test_a_large_picture_opens_pixel_for_pixel_where_the_clips_differ(browser, large, ratio):
    with opened(browser, large, device_scale_factor=ratio) as tab:

        def planted():
            return (seen(tab) == (50 - tab.evaluate("view.frame"), 0, 0)).all(2).sum()

        assert (tab.evaluate("view.frame"), tab.evaluate("view.scale")) == (0, 1)
        assert tab.locator("#whole").inner_text() == "100 %"
        press(tab, "d")
        assert planted() == 40 * 40, "pixel for pixel"
        press(tab, ".")
        assert planted() == 40 * 40, "each frame is shown at a place of its own"
        press(tab, "f")
        assert tab.evaluate("view.scale") < 1
        assert tab.locator(".sheet").bounding_box()["width"] <= 1000
        press(tab, ",")
        assert tab.evaluate("view.scale") < 1, "all of each frame, once this is asked for"
        tab.set_viewport_size({"width": 900, "height": 800})
        settle(tab)
        assert tab.locator(".sheet").bounding_box()["width"] <= 900


def test_a_place_that_was_looked_for_stays(browser, large):
    with opened(browser, large) as tab:
        stage = tab.locator("#stage").bounding_box()
        tab.mouse.move(stage["x"] + 200, stage["y"] + 200)
        tab.mouse.down()
        tab.mouse.move(stage["x"] + 150, stage["y"] + 170, steps=3)
        tab.mouse.up()
        settle(tab)
        at = corner(tab)
        press(tab, ".")
        assert (tab.evaluate("view.frame"), corner(tab)) == (1, at)


def test_keys_flip_in_place_and_the_pixels_are_the_files(browser, page):
    with opened(browser, page) as tab:
        press(tab, "1")
        scale, at = tab.evaluate("view.scale"), corner(tab)
        assert scale >= 2
        assert (blocks(seen(tab), at, scale) == true(WORST, worn=False)).all()
        press(tab, "2")
        assert corner(tab) == at
        assert (blocks(seen(tab), at, scale) == true(WORST, worn=True)).all()
        press(tab, "Home")
        assert (blocks(seen(tab), at, scale) == true(0, worn=True)).all()
        press(tab, " ", " ")
        assert (blocks(seen(tab), at, scale) == true(0, worn=False)).all()


def test_the_divider_is_drawn_over_the_picture(browser, page):
    with opened(browser, page) as tab:
        handle = tab.locator("[slot=handle]").bounding_box()
        left, top = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        scale, at = tab.evaluate("view.scale"), corner(tab)
        assert (blocks(seen(tab), at, scale) == true(WORST, worn=False)).all()
        tab.mouse.move(left, top)
        tab.mouse.down()
        tab.mouse.move(20, top, steps=3)
        tab.mouse.up()
        tab.wait_for_timeout(150)  # the divider glides
        assert tab.evaluate("view.divider") < 5
        assert corner(tab) == at, "the picture must not move with the divider"
        assert (blocks(seen(tab), at, scale) == true(WORST, worn=True)).all()


@pytest.mark.parametrize("ratio", [1, 1.5])
def test_zoom_and_pan_are_locked_and_pixels_stay_whole(browser, page, ratio):
    with opened(browser, page, device_scale_factor=ratio) as tab:
        press(tab, "b", "z")
        assert tab.evaluate("view.scale") == 1
        second = tab.locator(".pane").nth(1).bounding_box()
        x, y = second["x"] + second["width"] / 2, second["y"] + second["height"] / 2
        tab.mouse.move(x, y)
        tab.mouse.wheel(0, -120)
        settle(tab)
        assert tab.evaluate("view.scale") == 2
        tab.mouse.down()
        tab.mouse.move(x + 31, y + 17, steps=3)
        tab.mouse.up()
        settle(tab)
        places = tab.evaluate(
            "panes.map(({pane}) => { const a = pane.getBoundingClientRect(),"
            " b = pane.firstElementChild.getBoundingClientRect();"
            " return [b.x - a.x, b.y - a.y, b.width].map((n) => Math.round(n * 100)); })"
        )
        assert places[0] == places[1] == places[2]
        state = tab.evaluate("panes.map(({zoom}) => [zoom.getScale(), zoom.getPan()])")
        assert state[0] == state[1] == state[2]
        stage, sheet = (tab.locator(name).first.bounding_box() for name in ("#stage", ".sheet"))
        at = [(sheet[axis] - stage[axis]) * ratio for axis in "xy"]
        assert at == pytest.approx([round(each) for each in at], abs=1e-2)
        whole = blocks(seen(tab), [round(each) for each in at], 2)
        assert (whole == true(WORST, worn=False)).all()


def test_the_difference_is_multiplied(browser, page):
    with opened(browser, page) as tab:
        for gain, shown in (("1", 40), ("4", 160), ("16", 255)):
            tab.locator(f"[data-gain='{gain}']").evaluate("(button) => button.click()")
            settle(tab)
            found = blocks(seen(tab), corner(tab), tab.evaluate("view.scale"))
            assert abs(found - shown).max() <= 1
        press(tab, "Home")
        assert abs(blocks(seen(tab), corner(tab), tab.evaluate("view.scale")) - 32).max() <= 1


def test_the_timeline_jumps_to_the_frame(browser, page):
    with opened(browser, page) as tab:
        over = tab.locator("#timeline .u-over").bounding_box()
        tab.mouse.move(over["x"] + over["width"] * 3 / (FRAMES - 1), over["y"] + 20)
        assert "frame 3" in tab.locator("#values").inner_text()
        tab.mouse.down()
        tab.mouse.up()
        settle(tab)
        assert tab.evaluate("data.shown[view.frame].number") == 3
        press(tab, "w")
        assert tab.evaluate("view.frame") != 3
        tab.select_option("#measure", label="flicker")
        first = tab.locator("#strip button").first
        assert first.get_attribute("data-frame") in {str(WORST), str(WORST + 1)}
        press(tab, "w")  # the page hears keys again only when the list has been left
        tab.locator("#stage").click(position={"x": 5, "y": 5})
        press(tab, "End")
        assert tab.evaluate("view.frame") == FRAMES - 1


def test_a_phone_taps_and_nothing_is_wider_than_its_screen(browser, page):
    phone = {
        "viewport": {"width": 390, "height": 800},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
        "color_scheme": "dark",
    }
    with opened(browser, page, **phone) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark == "rgb(22, 22, 22)"
        tab.locator("[data-mode=flip]").tap()
        settle(tab)
        at, scale = corner(tab), tab.evaluate("view.scale")
        tab.touchscreen.tap(200, 400)
        settle(tab)
        shot, place = seen(tab), [2 * each for each in at]
        assert tab.evaluate("view.current") == 1
        assert (blocks(shot, place, scale) == true(WORST, worn=True)).all()
        pinch(tab, (200, 400), apart=(20, 120))
        assert tab.evaluate("view.scale") > scale
        assert tab.evaluate("view.current") == 1, "two fingers are no tap"


BROKEN = """(all) => all.flatMap((each) => Array.from({ length: 100 }, (_, number) => {
  each.style.cssText = `box-sizing: border-box; display: block; width: ${100 + 3 * number}px`;
  const texts = document.createTreeWalker(each, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data } = texts.currentNode, begin = data.indexOf("--strength");
    if (begin < 0) continue;
    const range = document.createRange();
    range.setStart(texts.currentNode, begin);
    range.setEnd(texts.currentNode, begin + "--strength".length);
    return range.getClientRects().length;
  }
}))"""
"""Over how many lines a flag goes in elements of all widths."""


def test_a_trial_says_what_was_found_and_leads_to_each_way(browser, page, tmp_path):
    ways = [
        {"side": side, "why": "why", "command": f"gendrpix-video <b>{side} --strength 0.6"}
        | {"time": "about 3 s", "size": "about 2 MB", "recommended": side == 2}
        for side in (1, 2)
    ]
    trial = {
        "right": 2,
        "lead": "Recommended: half",
        "findings": [["Noise", "<i>6.1</i> of 255"]],
        "ways": ways,
        "notes": ["a note of the trial"],
    }
    data = data_of(page) | {"trial": trial, "captions": ["", "one", "two"]}
    data["measures"][0]["judges"] = True
    data["facts"] = [{"command": ways[0]["command"]}] * 3
    path = tmp_path / "trial.html"
    path.write_text(made_page("trial", data), encoding="utf-8")
    with opened(browser, path) as tab:
        assert tab.locator("#lead").inner_text() == "Recommended: half"
        assert tab.locator("#findings").inner_text().split("\n") == ["Noise", "<i>6.1</i> of 255"]
        assert "two" in tab.locator("#stage .label.right").inner_text()
        assert tab.locator(".best code").inner_text() == "gendrpix-video <b>2 --strength 0.6"
        lines = tab.locator("code, #facts td").filter(has_text="--").evaluate_all(BROKEN)
        assert set(lines) == {1}
        assert len(lines) == 5 * 100
        notes = tab.locator("#notes").inner_text()
        assert "a note of the trial." in notes
        assert notes.count("lower is better") == 2
        assert tab.locator("[data-order=worst]").inner_text() == "Worst first"
        assert not tab.locator("#told").is_visible()
        tab.locator(".way").first.click()
        settle(tab)
        assert tab.evaluate("view.right") == 1
        assert "one" in tab.locator("#stage .label.right").inner_text()
    with opened(browser, page) as tab:
        assert not tab.locator("#trial").is_visible()
        assert not tab.locator("#lead").is_visible()


def test_long_names_stay_whole(browser, page, tmp_path):
    names = ["flower_960x540_vp8.webm", "flower_960x540_vp9.webm", "gentle (recommended)"]
    said = [{"command": "gendrpix-video in.webm out.mkv --pre-filter denoise"}] * 3
    path = tmp_path / "names.html"
    path.write_text(made_page("names", data_of(page) | {"names": names, "facts": said}), "utf-8")
    with opened(browser, path, viewport={"width": 660, "height": 800}) as tab:
        assert names[0] in tab.locator("#facts th").first.inner_text()
        for mode in ("slider", "flip"):
            tab.locator(f"#modes [data-mode={mode}]").click()
            cut = tab.locator("header select:visible, #flips button:visible").evaluate_all(
                "(all) => all.map((each) => { const wide = each.offsetWidth;"
                " each.style.maxWidth = 'none'; return each.offsetWidth - wide; })"
            )
            assert len(cut) >= 2
            assert set(cut) == {0}
        lines = tab.evaluate(
            "[...document.querySelectorAll('#facts th')].flatMap((each) => [...each.childNodes])"
            ".filter((each) => each.data === '.webm').map((each) => {"
            " const range = document.createRange(); range.selectNode(each);"
            " return range.getClientRects().length; })"
        )
        assert lines == [1, 1]


@pytest.mark.parametrize("inside", [True, False])
def test_names_and_tags_are_text_wherever_they_are_shown(browser, tmp_path, monkeypatch, inside):
    if not inside:
        monkeypatch.setattr("vs_gendrpix.compare.making.WITHIN", 0)
    evil = "<img src=x onerror=document.title='x'>$data&amp;'\".mp4"
    tag = "</script><script>document.title = 'x'</script><!--"

    def prepare(output, stream):  # noqa: ARG001
        output.metadata["title"] = tag

    make_clip(tmp_path / evil, prepare=prepare)
    make_clip(tmp_path / "b.mp4")
    path = tmp_path / "a #1 <i>.html"
    given = [str(tmp_path / evil), str(tmp_path / "b.mp4"), "-o", str(path), "--frames", "2"]
    assert main(["compare", *given]) == 0
    with opened(browser, path) as tab:
        assert tab.title() == f"{evil} | b.mp4"
        assert evil in tab.locator("#facts").inner_text()
        assert tag in tab.locator("#facts").inner_text()
        for key in "1bds":
            press(tab, key)
            assert tab.locator("img[src=x], i:not(:empty)").count() == 0
            assert tab.evaluate("pictures.every((each) => each.naturalWidth === 64)")
