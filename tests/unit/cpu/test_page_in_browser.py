"""The HTML report in a real Chromium: policy, hover, keyboard, hostile names and print."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.reports import compat_build
from core.reports.compat_html import compat_html

from .browser import Browser, chromium
from .test_reports import small

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium package"),
]
VISIBLE = (
    "[...document.querySelectorAll('.tip')].filter(t => getComputedStyle(t).display !== 'none')"
    ".map(t => t.textContent)"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("page")
    path: Path = folder / "report.html"
    path.write_text(compat_html(compat_build.report(small())), encoding="utf-8")
    with chromium(folder / "profile") as browser:
        browser.open(path)
        yield browser


def test_the_page_runs_under_its_own_policy_and_asks_for_nothing(page: Browser) -> None:
    assert page.value("document.documentElement.dataset.ready") == "yes"
    complaints = [each for each in page.events if each.get("method") == "Log.entryAdded"]
    assert complaints == []
    asked = {
        e["params"]["request"]["url"] for e in page.events if e.get("method") == "Network.requestWillBeSent"
    }
    assert all(url.startswith("file:") for url in asked)
    assert len(asked) == 1


def test_a_script_put_into_the_page_does_not_run(page: Browser) -> None:
    page.value(
        "{const s = document.createElement('script'); s.textContent = 'window.bad = 1'; document.body.append(s);"
        " const d = document.createElement('div'); d.innerHTML = '<img src=x onerror=\"window.bad = 2\">';"
        " document.body.append(d); s.remove(); d.remove();}"
    )
    assert page.value("window.bad === undefined") is True


def test_a_hostile_server_name_stays_text(page: Browser) -> None:
    assert page.value("document.querySelectorAll('img').length") == 0
    assert page.value("document.body.textContent.includes('<script>alert(')") is True


def test_the_reason_shows_when_the_pointer_is_over_a_cell(page: Browser) -> None:
    box = page.value(
        "(() => { const all = [...document.querySelectorAll('td[role=gridcell]')];"
        " const c = all.find(c => c.textContent.includes('C08'));"
        " c.scrollIntoView({block: 'center'}); const r = c.getBoundingClientRect();"
        " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
    )
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
    shown = page.value(VISIBLE)
    assert len(shown) == 1
    assert "lost: aes" in shown[0]
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)
    assert page.value(VISIBLE) == []


def test_the_reasons_can_be_read_with_the_keyboard_alone(page: Browser) -> None:
    page.value("document.activeElement.blur()")
    page.key("Tab")
    where = "[document.activeElement.parentNode.rowIndex, document.activeElement.cellIndex]"
    assert page.value(where) == [1, 1]
    first = page.value(VISIBLE)
    page.key("ArrowRight")
    page.key("ArrowDown")
    assert page.value(where) == [2, 2]
    assert len(page.value(VISIBLE)) == 1
    assert page.value(VISIBLE) != first
    page.key("ArrowUp")
    page.key("ArrowUp")  # the headings are no cells: stays
    assert page.value(where) == [1, 2]


def test_it_prints_whole_with_the_reasons_as_a_table(page: Browser) -> None:
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.value(VISIBLE) == []
    assert page.value("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    assert page.value("getComputedStyle(document.querySelector('td.v0')).printColorAdjust") == "exact"
    page.call("Emulation.setEmulatedMedia", media="")
    assert page.value("[...document.querySelectorAll('h2')].some(h => h.textContent === 'Why')") is True
    pdf = page.call("Page.printToPDF", printBackground=True)["data"]
    assert len(pdf) > 10_000
