"""A part of the matrix of generated clips; `python -m benchmarks.media_matrix` runs all of it."""

import pytest

from benchmarks.media_matrix import check, draw

CASES = 30


@pytest.mark.slow
@pytest.mark.parametrize("case", draw(CASES), ids=str)
def test_all_that_must_be_kept_is_kept(tmp_path, case):
    assert check(case, tmp_path) == []
