"""The report and the live page in a real browser: headless Chromium."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("dash", reason='needs Dash: pip install "linewatch[dashboard]"')
playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install playwright"
)

from dashboard_folders import write_all  # noqa: E402, after the skips

from linewatch import dashboards  # noqa: E402, after the skips

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
                None)  # fmt: skip
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs a Chromium (Debian: apt-get install chromium)"
)
EVIL = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("results"), evil=EVIL)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        yield made
        made.close()


class Watched:
    """A page with what it said and asked for."""

    def __init__(self, browser):
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.said, self.asked = [], []
        self.page.on("console", lambda m: self.said.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture
def watched(browser):
    made = Watched(browser)
    yield made
    made.page.close()


@pytest.fixture(scope="module")
def file(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "report.html"
    dashboards.report(folder, out, most_rows=6)
    return out


@pytest.fixture(scope="module")
def address(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    package = Path(dashboards.__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "linewatch.cli", "dashboard", str(folder), "--port", str(port),
         "--no-browser", "--refresh", "0.5"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(package)},
    )  # fmt: skip
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, process.stderr.read()
    yield found[0]
    process.terminate()
    process.communicate(timeout=20)


def titles(page):
    return page.eval_on_selector_all(".gtitle", "all => all.map(e => e.textContent)")


def wait_for_title(page, text):
    page.wait_for_function(
        "text => [...document.querySelectorAll('.gtitle')].some(e => e.textContent.includes(text))",
        arg=text,
    )


def test_the_report_opens_without_a_network(file, watched):
    page = watched.page
    page.goto(file.as_uri())
    page.wait_for_selector(".figure .main-svg")
    assert watched.said == []
    assert watched.asked == [file.as_uri()]
    assert page.title() != "1"
    picture = page.screenshot()
    assert len(set(picture)) > 200 and len(picture) > 20_000


def test_a_row_of_the_report_changes_its_figures(file, watched):
    page = watched.page
    page.goto(file.as_uri())
    page.wait_for_selector(".figure .main-svg")
    rows = page.locator("tr[data-table^=kpi]")
    before = titles(page)
    other = next(
        k for k in range(rows.count())
        if rows.nth(k).locator("td").first.text_content() not in before[0]
    )  # fmt: skip
    name = rows.nth(other).locator("td").first.text_content()
    rows.nth(other).click()
    wait_for_title(page, name)
    assert titles(page) != before
    assert watched.said == []


def test_every_figure_of_the_report_is_drawn(file, watched):
    page = watched.page
    page.goto(file.as_uri())
    boxes = page.locator(".figure")
    assert boxes.count() >= 12
    for k in range(boxes.count()):
        boxes.nth(k).scroll_into_view_if_needed()
        boxes.nth(k).locator(".main-svg").first.wait_for()
    assert watched.said == []
    assert watched.asked == [file.as_uri()]


def test_every_live_page_opens_and_asks_its_own_server_only(address, watched):
    page = watched.page
    page.goto(address)
    tabs = page.locator(".tab")
    tabs.first.wait_for()
    assert tabs.count() == 5
    for k in range(5):
        tabs.nth(k).click()
        page.wait_for_selector(".figure .main-svg:visible")
    assert watched.said == []
    assert all(url.startswith((address, "data:", "blob:")) for url in watched.asked)
    assert page.title() != "1"


def test_a_live_row_changes_the_figures_and_filters_filter(address, watched):
    page = watched.page
    page.goto(address)
    page.wait_for_selector("tr[tabindex]")
    page.wait_for_selector(".figure .gtitle")
    rows = page.locator("tr[tabindex]:visible")
    first = titles(page)[0]
    names = [rows.nth(k).locator("td").first.text_content() for k in range(rows.count())]
    other = next(k for k, name in enumerate(names) if name not in first)
    rows.nth(other).click()
    wait_for_title(page, names[other])
    page.locator(".filter:visible").first.click()
    page.get_by_role("option").first.wait_for()
    option = page.get_by_role("option").first
    chosen = option.text_content().strip()
    option.click()
    page.wait_for_function(
        "name => [...document.querySelectorAll('tr[tabindex]')].filter(r => r.offsetParent)"
        ".every(r => r.cells[0].textContent === name)",
        arg=chosen,
    )
    assert watched.said == []


VALUES = """() => {
  const e = document.querySelector('.figure .js-plotly-plot');
  const value = e && e.data && e.data.find(trace => trace.name === 'value');
  return value ? value.x : [];
}"""


def test_a_zoom_shows_the_rows_in_sight(address, watched):
    page = watched.page
    page.goto(address)
    page.wait_for_function(f"() => ({VALUES})().length > 900")
    times = page.evaluate(VALUES)
    # Zoomed again until the page, which listens a moment after it has drawn, answers.
    page.wait_for_function(
        f"""([from, to]) => {{
          const n = ({VALUES})().length;
          if (n > 0 && n < 260) return true;
          Plotly.relayout(document.querySelector('.figure .js-plotly-plot'),
                          {{'xaxis.range[0]': from, 'xaxis.range[1]': to}});
        }}""",
        arg=[times[0], times[200]],
        polling=1000,
    )
    assert watched.said == []


def test_the_live_page_follows_the_folder(tmp_path, browser):
    write_all(tmp_path, n_cells=9, only={"kpi"})
    ready, addresses = threading.Event(), []

    def show(address):
        addresses.append(address)
        ready.set()

    # The server ends with the test process.
    threading.Thread(
        target=dashboards.serve, args=(tmp_path,), daemon=True,
        kwargs={"port": 0, "refresh_s": 0.3, "ready": show},
    ).start()  # fmt: skip
    assert ready.wait(60)
    watched = Watched(browser)
    try:
        watched.page.goto(addresses[0])
        tile = watched.page.locator(".tile b").first
        watched.page.wait_for_selector(".tile b")
        assert tile.text_content() == "9"
        write_all(tmp_path, n_cells=12, only={"kpi"})
        watched.page.wait_for_function(
            "() => document.querySelector('.tile b').textContent === '12'"
        )
    finally:
        watched.page.close()
