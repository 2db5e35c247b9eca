import itertools

from hypothesis import given
from hypothesis import strategies as st

from vs_gendrpix.restore.tiles import tile_spans


@st.composite
def axes(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """A length, a tile and an overlap that settings allow, and a restorer's cells."""
    tile = draw(st.integers(8, 64)) * 8
    overlap = draw(st.integers(1, tile // 8)) * 4
    multiple = draw(st.sampled_from([1, 2, 4, 7, 8, 16, 32]))
    return draw(st.integers(1, 3000)), tile, overlap, multiple


@given(axes())
def test_the_weights_of_every_pixel_sum_to_the_whole(axis):
    length, _, overlap, _ = axis
    sums = [0] * length
    for span in tile_spans(*axis):
        assert len(span.weights) == span.end - span.first
        assert min(span.weights) >= 0
        for place, weight in enumerate(span.weights, span.first):
            sums[place] += weight
    assert set(sums) == {overlap}


@given(axes())
def test_tiles_cover_the_axis_in_order_and_share_what_they_fade_over(axis):
    length, tile, overlap, multiple = axis
    spans = tile_spans(*axis)
    assert spans[0].first == 0
    assert spans[-1].end == length
    for before, after in itertools.pairwise(spans):
        assert before.first < after.first
        assert before.end - after.first >= overlap
        assert before.end < after.end
    for span in spans:
        assert span.first % multiple == 0
        assert span.end - span.first <= (tile if span is not spans[-1] else tile + multiple - 1)
    if len(spans) > 1:
        assert all(span.end - span.first >= tile for span in spans)


@given(axes())
def test_the_frames_edges_do_not_fade_and_no_tile_is_for_nothing(axis):
    spans = tile_spans(*axis)
    assert spans[0].weights[0] == spans[0].whole
    assert spans[-1].weights[-1] == spans[-1].whole
    assert all(max(span.weights) > 0 for span in spans)


def test_a_4k_frame():
    assert [(span.first, span.end) for span in tile_spans(3840, 1024, 32, 8)] == [
        (0, 1024),
        (992, 2016),
        (1984, 3008),
        (2816, 3840),
    ]


def test_the_fade_is_even():
    first, second = tile_spans(240, 128, 16, 8)
    assert second.first == 112
    assert first.weights[-16:] == (16, 16, 16, 16, 15, 13, 11, 9, 7, 5, 3, 1, 0, 0, 0, 0)
    assert second.weights[:16] == tuple(reversed(first.weights[-16:]))


@given(axes(), st.integers(2, 4))
def test_an_enlarged_axis_has_the_same_tiles(axis, scale):
    """A tile's result lies where the tile lies, at the larger size."""
    small, large = tile_spans(*axis), tile_spans(*(scale * number for number in axis))
    assert [(scale * span.first, scale * span.end) for span in small] == [
        (span.first, span.end) for span in large
    ]
