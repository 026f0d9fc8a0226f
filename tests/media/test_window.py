from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dagcontent.media.window import REACH_PX, nearest

PX = st.integers(8, 4000)
PART = st.floats(0, 1)


@given(seen=PX, larger=st.tuples(st.just(1.21), st.just(1.27)), left=PART, width=st.floats(0.86, 0.999))
def test_whole_numbers_come_near_any_window(seen: int, larger: tuple[float, float], left: float, width: float) -> None:
    """What is scaled reaches little beyond the window, covers it, and shows it to a seventh of a px at both edges."""
    windows = []
    for factor in larger:
        inner = round(seen * factor)
        begins = 20 + inner * left * (1 - width)
        windows.append((begins, begins + inner * width))
    span = nearest(windows, seen)
    begin, end = windows[span.copy]
    assert begin - REACH_PX <= span.first <= begin
    assert end <= span.end <= end + REACH_PX
    assert 0 <= span.skipped <= span.scaled - seen
    scale = span.scaled / (span.end - span.first)
    shown = [(span.first + px / scale) for px in (span.skipped, span.skipped + seen)]
    errors = [abs(place - wanted) * scale for place, wanted in zip(shown, (begin, end), strict=True)]
    assert abs(max(errors) - span.error) < 1e-6
    assert span.error <= (0.15 if seen >= 64 else 0.3)


def test_a_window_of_whole_px_is_taken_as_it_is() -> None:
    """Nothing is looked for where nothing is to be found."""
    span = nearest([(20.0, 180.0)], 160)
    assert (span.first, span.end, span.scaled, span.skipped, span.error) == (20, 180, 160, 0, 0.0)
