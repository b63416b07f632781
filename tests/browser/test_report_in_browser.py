"""The report as a browser shows it, with no network: drawn whole, and without a single complaint."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

import chainrule as cr
from chainrule.show.report import write_report

pytestmark = pytest.mark.browser

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]


def opened(page, folder):
    """Return the page's elements after it was laid out, and what the browser said about it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "make test-browser needs Chromium: apt install chromium"
    result = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout, [line for line in result.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize(("table", "options"), [("wine", {}), ("diabetes", {}), ("xor", {"hidden": 2})])
def test_the_report_opens_without_a_network(table, options, tmp_path):
    model = cr.train(table, epochs=30, **options)
    page = write_report(model, tmp_path / "report.html", command=f"chainrule train {table}")
    dom, complaints = opened(page, tmp_path)
    assert complaints == []
    assert f"{table}: {model.encoding.target_names[0]}" in re.sub(r"<[^>]+>", "", dom)
    # Every unit of the network is a circle of the drawing (points of scatter plots are circles too).
    assert dom.count("<circle") >= sum(model.network.sizes)
    assert not re.search(r"\b(?:src|href)=\"(?!#)", dom)


def test_the_browser_does_complain(tmp_path):
    """The check above can fail: a page with a mistake makes the browser say so."""
    page = tmp_path / "bad.html"
    page.write_text("<script>missing()</script>")
    assert opened(page, tmp_path)[1]
