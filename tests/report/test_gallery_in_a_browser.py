from __future__ import annotations

import contextlib
import io
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageFilter

from dagcontent import api
from dagcontent.media.thumbnail import still_small
from dagcontent.report.gallery import Card, Gallery, Media, Section, Thumb
from dagcontent.report.gallery_page import page
from dagcontent.report.picture import Box, Picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

GRAPH = """\
[graph]
name = "shown"
description = "Two places </script><script>window.stolen = 1</script>"

[[each.scene.of]]
id = "intro"
picture = "A lantern <img src=x onerror='window.stolen=1'> on a hill"
[[each.scene.of]]
id = "sea"
picture = "A calm sea at dawn"

[node.still]
kind = "image.generate"
each = "scene"
model = "local/card"
prompt = "${scene.picture}"
size = "320x180"
takes = 2

[node.best]
kind = "select"
each = "scene"
from = "${still[scene]}"
by = "human"

[node.voice]
kind = "speech.generate"
each = "scene"
model = "local/espeak"
voice = "en-us"
text = "Evening comes."

[node.clip]
kind = "video.from_still"
image = "${still['intro', take=0]}"
audio = "${voice['intro']}"
output = "clip"

[node.framed]
kind = "image.resize"
each = "scene"
image = "${best[scene]}"
width = 64
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real build that waits for a person."""
    folder = tmp_path_factory.mktemp("shown")
    graph = folder / "graph.toml"
    graph.write_text(GRAPH, encoding="utf-8")
    result = api.build(graph, store=folder / "store")
    assert result.status == "waiting"
    return Path(api.write_gallery(graph, store=folder / "store").page)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 200 stills and 50 clips, with thumbnails as large as they may be."""
    folder = tmp_path_factory.mktemp("large")
    chance = random.Random(4)
    thumbs = []
    for number in range(6):
        small = Image.frombytes("RGB", (64, 48), chance.randbytes(64 * 48 * 3)).filter(ImageFilter.GaussianBlur(2))
        data = io.BytesIO()
        small.resize((640, 480)).save(data, "PNG")
        (folder / f"{number}.png").write_bytes(data.getvalue())
        made = still_small(folder / f"{number}.png", area_px=48_000, most_bytes=4_500)
        assert made is not None
        thumbs.append(Thumb(made.data.ljust(4_500, b"\0"), made.width, made.height))

    def card(node: str, kind: str, number: int) -> Card:
        media = Media(
            f"{number:064x}",
            kind,
            f"{kind}/x",
            f"media/{number:064x}.png",
            ("640x480", "1.2 MB"),
            640,
            480,
            thumbs[number % 6],
        )
        return Card(
            name=f"{node}[{number}]", node=node, kind=f"{kind}.generate", model="fal/a/model", status="hit", parts=(media,),
            said=(("prompt", "A lantern on a hill, " * 12),), cost_microusd=25_000, seconds=3.1,
        )  # fmt: skip

    sections = (
        Section("still", "image.generate", "fal/a/model", "image", output=False, value=False, cards=tuple(card("still", "image", n) for n in range(200))),
        Section("clip", "video.generate", "fal/a/model", "video", output=True, value=False, cards=tuple(card("clip", "video", n) for n in range(200, 250))),
    )  # fmt: skip
    picture = Picture(
        "large", "", ((Box("still", "image.generate", "image"), Box("clip", "video.generate", "video")),), ()
    )
    target = folder / "large.html"
    target.write_text(
        page(Gallery(graph="large", description="", file="large.toml", profile=None, made="", version="1", picture=picture, sections=sections)),
        encoding="utf-8",
    )  # fmt: skip
    return target


class Tab:
    """An open page, and what it did that it should not have."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))

    def names(self) -> list[str]:
        """Return the results that are to be seen."""
        found: list[str] = self.page.eval_on_selector_all(
            ".card:not([hidden]) .card-name", "all => all.map(one => one.textContent)"
        )
        return found


@contextlib.contextmanager
def opened(chromium: Browser, path: Path, place: str = "", **options: Any) -> Iterator[Tab]:
    """Open a page from the disk; afterwards it must have asked nobody for anything, and complained of nothing."""
    context = chromium.new_context(
        **{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
    )
    context.set_default_timeout(10_000)
    tab = Tab(context.new_page())
    tab.page.goto(path.as_uri() + place)
    yield tab
    assert not [one for one in tab.asked if not one.startswith(("file:///", "data:image/webp;"))]
    assert tab.said == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_asks_nobody_and_runs_nothing_but_its_own(shown: Path, chromium: Browser, scheme: str) -> None:
    """Prompts of strangers stand in it, and it is opened with the rights of a file: none of them may run, none may call home."""
    with opened(chromium, shown, color_scheme=scheme) as tab:
        assert tab.page.evaluate("window.stolen") is None
        assert tab.page.locator(".card").count() == 11
        assert "<img src=x" in tab.page.locator(".card .prose").first.inner_text()
        stored = tab.page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius")
        assert stored == "12px"  # the policy lets our own styles through


def test_what_it_plays_is_there(shown: Path, chromium: Browser) -> None:
    """A folder that is sent along plays on another machine: all that is played stands beside the page, and plays."""
    with opened(chromium, shown) as tab:
        sources = tab.page.eval_on_selector_all("[src^=media], [href^=media]", "all => all.map(one => one.getAttribute('src') || one.getAttribute('href'))")  # fmt: skip
        assert len(sources) >= 14
        assert all((shown.parent / source).is_file() for source in sources)
        for player in ("video", "audio"):
            played = tab.page.evaluate(
                f"""async () => {{
                    const player = document.querySelector("{player}");
                    const before = player.networkState;
                    player.muted = true;
                    await player.play();
                    return [before, player.duration > 0.5, player.error];
                }}"""
            )
            assert played == [1, True, None]  # nothing was loaded before it was asked for
        assert tab.page.evaluate("document.querySelector('video').paused")  # one at a time


def test_filters(shown: Path, chromium: Browser) -> None:
    """Among hundreds of results the one that is meant is a word away."""
    from playwright.sync_api import expect

    with opened(chromium, shown) as tab:
        page = tab.page
        page.get_by_label("search").fill("lantern hill")
        assert tab.names() == ["still[intro,take=0]", "still[intro,take=1]"]
        assert "2 of 11 results" in page.locator("#the-filter output").inner_text()
        assert page.locator(".node:visible h2").all_inner_texts() == ["still"]
        page.get_by_role("button", name="clear").click()
        expect(page.locator(".card:not([hidden])")).to_have_count(11)
        page.locator("select[name=status]").select_option("waiting")
        assert tab.names() == ["best[intro]", "best[sea]"]
        page.locator("select[name=status]").select_option("")
        page.locator("select[name=kind]").select_option("speech.generate")
        assert len(tab.names()) == 2
        page.locator("select[name=kind]").select_option("")
        page.get_by_label("only outputs").check()
        assert tab.names() == ["clip"]
        page.locator("select[name=node]").select_option("still")
        assert tab.names() == []


def test_it_can_be_used_without_a_mouse(shown: Path, chromium: Browser) -> None:
    """Skip link, search, one result after another, the large view, and back to where one was."""
    from playwright.sync_api import expect

    with opened(chromium, shown) as tab:
        page = tab.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#the-results"
        page.keyboard.press("/")
        page.keyboard.type("calm dawn")
        assert tab.names() == ["still[sea,take=0]", "still[sea,take=1]"]
        page.keyboard.press("Tab")
        page.locator("#the-filter button").focus()
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        expect(page.locator("[id='still[sea,take=0]']")).to_be_focused()
        outline = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"
        )
        assert outline == "solid3px"
        page.keyboard.press("Enter")
        expect(page.locator("dialog")).to_be_visible()
        expect(page.locator("dialog h2")).to_have_text("still[sea,take=0]")
        assert (
            page.locator("dialog img").evaluate("async one => { await one.decode(); return one.naturalWidth; }") == 320
        )
        expect(page.locator("dialog .count")).to_have_text("1 of 2")
        page.keyboard.press("ArrowRight")
        expect(page.locator("dialog h2")).to_have_text("still[sea,take=1]")
        page.keyboard.press("ArrowRight")
        expect(page.locator("dialog .count")).to_have_text("1 of 2")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("dialog .count")).to_have_text("2 of 2")
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_be_hidden()
        assert page.evaluate("document.activeElement.closest('.card').id") == "still[sea,take=1]"


def test_the_large_view_of_what_plays(shown: Path, chromium: Browser) -> None:
    """Clips and sounds are looked at large too; what played before rests."""
    with opened(chromium, shown) as tab:
        tab.page.locator(".video .zoom").click()
        assert tab.page.locator("dialog video").get_attribute("src") == tab.page.locator(".card video").get_attribute(
            "src"
        )
        tab.page.get_by_role("button", name="Next").click()
        assert tab.page.locator("dialog img").is_visible()
        tab.page.mouse.click(3, 3)  # beside it
        assert not tab.page.locator("dialog").is_visible()


@pytest.mark.parametrize("place", ["#still[intro,take=1]", "#still%5Bintro,take=1%5D"])
def test_a_place_of_the_page(shown: Path, chromium: Browser, place: str) -> None:
    """A link to one result can be put into a message."""
    from playwright.sync_api import expect

    with opened(chromium, shown, place) as tab:
        card = tab.page.locator("[id='still[intro,take=1]']")
        assert card.evaluate("one => one === document.activeElement && one.matches(':target')")
        top = card.evaluate("one => one.getBoundingClientRect().top")
        assert 0 < top < 400
        tab.page.get_by_label("search").fill("evening")
        assert tab.names() == ["voice[intro]", "voice[sea]"]
        tab.page.evaluate("location.hash = '#best[intro]'")
        expect(tab.page.locator("[id='best[intro]']")).to_be_focused()


def test_what_a_person_is_to_choose(shown: Path, chromium: Browser) -> None:
    """Candidates stand side by side, each with the command that picks it."""
    with opened(chromium, shown) as tab:
        card = tab.page.locator("[id='best[intro]']")
        assert card.locator(".candidates img").count() == 2
        tops = card.locator(".candidates li").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
        assert len(set(tops)) == 1
        command = card.locator("code").first.text_content() or ""
        assert re.fullmatch(r"dagcontent pick .*graph\.toml 'best\[intro\]' '#0'", command)
        assert card.get_by_role("button", name="copy").count() == 2


@pytest.mark.parametrize("width", [360, 1920])
def test_no_page_is_wider_than_its_screen(shown: Path, large: Path, chromium: Browser, width: int) -> None:
    """On a phone one scrolls in one direction."""
    for path in (shown, large):
        with opened(chromium, path, viewport={"width": width, "height": 800}) as tab:
            tab.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_all_is_there(shown: Path, chromium: Browser) -> None:
    """Only filters and the large view are missing: then nothing promises them, and a picture leads to its file."""
    with opened(chromium, shown, java_script_enabled=False) as tab:
        page = tab.page
        assert not page.locator("#the-filter").is_visible()
        assert page.get_by_text("large view").count() == 1
        assert not page.get_by_text("large view").is_visible()
        assert page.locator(".card").count() == 11
        page.locator("nav a", has_text="voice").click()
        assert page.url.endswith("#node-voice")
        page.locator(".image .zoom").first.click()
        assert page.url.endswith(".png")
        assert "/media/" in page.url


CONTRASTS = """() => {
  const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => { const s = c / 255; return s <= .04045 ? s / 12.92 : ((s + .055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => .2126 * light(r) + .7152 * light(g) + .0722 * light(b);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = channels(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const one of document.querySelectorAll("body *:not(svg *, script, style, video, audio)")) {
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    if (!one.checkVisibility()) continue;
    const [a, b] = [luminance(channels(getComputedStyle(one).color)), luminance(ground(one))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(`${one.tagName}.${one.className} ${ratio.toFixed(2)} ${one.textContent.slice(0, 30)}`);
  }
  return [...new Set(low)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(shown: Path, chromium: Browser, scheme: str) -> None:
    """4.5 to 1, as WCAG asks of level AA: in both schemes, of every word that is to be seen."""
    with opened(chromium, shown, color_scheme=scheme) as tab:
        tab.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert tab.page.evaluate(CONTRASTS) == []


def test_everything_has_a_name_and_a_place(shown: Path, chromium: Browser) -> None:
    """What cannot see the page goes by landmarks, headings and names."""
    with opened(chromium, shown) as tab:
        page = tab.page
        for landmark in ("banner", "navigation", "main", "contentinfo", "search"):
            assert page.get_by_role(landmark).count() == 1, landmark
        assert page.locator("h1").count() == 1
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.locator("img:not([alt]), img[alt='']").count() == 0
        assert page.locator("video:not([aria-label]), audio:not([aria-label])").count() == 0
        unnamed = "all => all.filter(one => !(one.textContent.trim() || one.getAttribute('aria-label') || one.querySelector('img[alt]')))"
        assert page.locator("a, button").evaluate_all(f"{unnamed.removesuffix(')')}).length") == 0


def test_hundreds_of_results_do_not_choke_it(large: Path, chromium: Browser) -> None:
    """200 stills and 50 clips: below 3 MB, there at once, and nothing but the page is loaded until somebody looks at it."""
    assert large.stat().st_size < 3_000_000
    with opened(chromium, large) as tab:
        times = tab.page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
        assert times["domContentLoadedEventEnd"] < 5_000  # 0.5 s where nothing else runs
        assert [one for one in tab.asked if one.startswith("file:")] == [large.as_uri()]
        tab.page.get_by_label("search").fill("clip[249]")
        assert tab.names() == ["clip[249]"]
