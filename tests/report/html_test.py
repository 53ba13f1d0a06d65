"""html_test.py SAMPLE CASE: the pages of made-up results in headless Chromium, driven by chromium-driver. Exit code 77: skipped.

With GUESTDMA_SCREENSHOTS=DIR the pages are left there as PNG, wide, narrow and dark."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    from selenium import webdriver
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    print("skipped: python3-selenium is not installed")
    sys.exit(77)
for program in ("/usr/bin/chromium", "/usr/bin/chromedriver"):
    if not os.access(program, os.X_OK):
        print(f"skipped: {program} is not installed")
        sys.exit(77)


def browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900", "--force-device-scale-factor=1", "--hide-scrollbars",
                     "--no-first-run", "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.chrome.service.Service("/usr/bin/chromedriver")
    return webdriver.Chrome(service=service, options=options)


class Page:
    def __init__(self, driver, path):
        self.driver, self.path = driver, pathlib.Path(path)
        driver.get(self.path.as_uri())
        assert driver.find_element(By.TAG_NAME, "html").get_attribute("data-drawn") == "yes", self.errors()

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def texts(self, css):
        return self.js("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", css)

    def errors(self):
        return [line["message"] for line in self.driver.get_log("browser")]

    def tip(self):
        box = self.one("#tip")
        return box.text if box.is_displayed() else ""

    def hover(self, element, x=0, y=0):
        self.js("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self.driver).move_to_element_with_offset(element, x, y).perform()
        return self.tip()

    def sideways(self):
        """How far the page can be scrolled sideways."""
        return self.js("return document.scrollingElement.scrollWidth - document.documentElement.clientWidth")

    def finish(self, name):
        """Wide, narrow and dark: nothing sticks out, charts fit, no errors, nothing was fetched."""
        folder = os.environ.get("GUESTDMA_SCREENSHOTS")
        for look, width, scheme in (("wide", 1200, "light"), ("dark", 1200, "dark"), ("narrow", 400, "light")):
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
            self.js("drawAll(true)")
            assert self.sideways() <= 0, f"{name}, {look}: {self.sideways()} px wider than the window"
            for picture in self.all(".chart > svg"):
                assert 0 < picture.size["width"] <= width, (name, look, picture.size)
            light = sum(map(int, re.findall(r"\d+", self.js("return getComputedStyle(document.body).backgroundColor"))[:3])) > 3 * 128
            assert light == (scheme == "light"), f"{name}: {look} ground"
            if folder:
                height = self.js("return document.documentElement.scrollHeight")
                shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": width, "height": min(height, 6000), "scale": 1}})
                import base64
                (pathlib.Path(folder) / f"{name}-{look}.png").write_bytes(base64.b64decode(shot["data"]))
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        errors = self.errors()
        assert not errors, errors
        asked = [json.loads(line["message"])["message"] for line in self.driver.get_log("performance")]
        # The browser's own first page asks for more; what counts is what this document asks for.
        asked = {m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent" and m["params"]["documentURL"] == self.path.as_uri()}
        assert {self.path.as_uri()} <= asked <= {self.path.as_uri(), "data:,"}, asked


def comparison(driver, folder):
    page = Page(driver, folder / "report.html")
    assert page.one(".verdict .bad").text == "✗ 1 of 2 expectations do not hold"
    assert "</script> & more" in page.js("return document.body.textContent") and "drops.total == 0" in page.one(".verdict li").text
    # The figures are those of comparison.json.
    document = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    labels = [s["label"] for s in document["strategies"]]
    assert page.texts("#table thead th")[2:] == labels
    # All lines by one call: each takes the browser some 10 ms.
    lines = page.js("return [...document.querySelectorAll('#table tbody tr')].map(line => [line.querySelector('th').title, [...line.querySelectorAll('.number')].map(e => e.innerText)])")
    for row, (title, cells) in zip(document["rows"], lines):
        assert title == row["metric"] and len(cells) == len(labels), (title, row["metric"], cells)
        for label, cell in zip(labels, cells):
            value, text = row["values"][label], cell.strip().split(" ")[0].replace(",", "")
            assert (value is None) == (text == "-") and (value is None or abs(float(text) - value) <= 0.0006 * abs(value) + 1e-4), (row["metric"], label, value, text)
            assert ("★" in cell) == (label in row["best"]), (row["metric"], label)
    words = page.texts("details p")
    assert all(w in words for r in document["reasons"] for w in r["words"])

    # Sorting: by the values of the metric, again the other way round; the charts follow.
    values = next(r["values"] for r in document["rows"] if r["metric"] == "cpu.cycles_per_packet")
    up = sorted(labels, key=lambda label: values[label])
    button = next(b for b in page.all("#table tbody button") if b.find_element(By.XPATH, "..").get_attribute("title") == "cpu.cycles_per_packet")
    button.click()
    assert page.texts("#table thead th")[2:] == up and page.texts("#cycles .name") == up, page.texts("#cycles .name")
    page.one("#table [aria-pressed=true]").send_keys(Keys.ENTER)
    assert page.texts("#table thead th")[2:] == up[::-1]

    # Charts are drawn, and what hovers is what is drawn.
    counts = {css: len(page.all(css)) for css in ("#cycles svg rect.bar", "#metric svg rect.bar", "#latency svg path.line", "#way svg rect.bar")}
    assert counts["#cycles svg rect.bar"] >= 4 * len(labels) and counts["#metric svg rect.bar"] == len(labels) and counts["#latency svg path.line"] == len(labels), counts
    assert counts["#way svg rect.bar"] == 5 * len(labels), counts
    ledger = {c["component"]: c["cycles"] for c in json.loads((folder / "vhost-copy" / "ledger.json").read_text(encoding="utf-8"))["components"]}
    tip = page.hover(page.one("#cycles rect.bar[aria-label^='vhost-copy, vhost:']"))
    assert tip.startswith("vhost-copy\nvhost: 1,580 cycles per packet\n"), tip
    assert abs(ledger["vhost"] / 100_000 - 1580) < 1e-6
    tip = page.hover(page.one("#way rect.bar[aria-label*='to driver']"))
    assert "frame" not in tip.split("\n")[0] and " to driver" in tip and "until" in tip, tip
    tip = page.hover(page.one("#latency .chart > svg"), 40)
    assert tip.startswith("within ") and all(f"{label}: " in tip for label in labels), tip
    page.hover(page.one("h1"))
    assert not page.tip()
    # By keyboard.
    first = page.one("#cycles .mark[tabindex='0']")
    page.js("arguments[0].focus()", first)
    before = page.tip()
    first.send_keys(Keys.ARROW_RIGHT)
    assert before and page.tip() and page.tip() != before, (before, page.tip())
    driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not page.tip()

    # Another metric; the slow ones; every metric: filtered and sorted.
    before = page.texts("#metric .value")
    page.one("#metric select option:nth-child(3)").click()
    assert page.texts("#metric .value") != before
    before = page.one("#latency path.line").get_attribute("d")
    page.one("#latency input").click()
    assert page.one("#latency path.line").get_attribute("d") != before
    page.one("#metrics summary").click()
    page.one("#metrics input").send_keys("latency.p")
    names = page.texts("#metrics tbody th")
    assert names == ["latency.p50", "latency.p99", "latency.p99.9"], names
    page.all("#metrics thead button")[2].click()
    assert page.texts("#metrics tbody th") == ["latency.p50", "latency.p99", "latency.p99.9"] and page.all("#metrics thead th")[2].get_attribute("aria-sort") == "ascending"
    page.all("#metrics thead button")[2].click()
    assert page.texts("#metrics tbody th") == ["latency.p99.9", "latency.p99", "latency.p50"]

    # Links lead to files that are there.
    links = page.js("return [...document.querySelectorAll('#files a')].map(a => a.href)")
    assert len(links) >= 6 * len(labels) and any(link.endswith("vhost-copy/trace.json") for link in links)
    assert all(link.startswith(folder.as_uri() + "/") and (folder / link[len(folder.as_uri()) + 1:]).is_file() for link in links), links
    page.finish("comparison")


def sweep(driver, folder):
    page = Page(driver, folder / "report.html")
    assert "1 expectations do not hold" in page.one(".verdict .bad").text
    document = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    assert len(page.all("#runs tbody tr")) == len(document["rows"]) == 48
    metric = page.texts("#curves select option").index("cpu.cycles_per_packet [cycles]")
    page.all("#curves select option")[metric].click()
    assert len(page.all("#curves path.line")) == 2 and len(page.all("#curves circle")) == 2 * 4 * 2
    tip = page.hover(page.one("#curves circle[aria-label*='traffic.frame_bytes = 512'][aria-label^='vhost-copy']"))
    assert "cpu.cycles_per_packet: 4,00" in tip and "seed " in tip, tip
    ticks = [t for t in page.texts("#curves .axis") if t in ("64", "128", "512", "1024")]
    assert ticks == ["64", "128", "512", "1024"], ticks
    page.one("#curves select:nth-of-type(1)")
    over = page.all("#curves select")[1]
    over.find_elements(By.TAG_NAME, "option")[1].click()
    assert "2Gbps" in page.texts("#curves .axis") and len(page.all("#curves circle")) == 2 * 3 * 2
    heads = page.all("#runs thead button")
    heads[[h.text for h in heads].index("cpu.cycles_per_packet [cycles]")].click()
    column = [h.text for h in heads].index("cpu.cycles_per_packet [cycles]") + 1
    values = [float(t.replace(",", "")) for t in page.texts(f"#runs tbody tr > :nth-child({column})")]
    assert values == sorted(values) and values[0] < values[-1]
    page.finish("sweep")


def fidelity(driver, folder):
    page = Page(driver, folder / "report.html")
    assert page.one(".verdict .bad").text == "✗ 4 of 8 published points within tolerance"
    assert len(page.all("#scatter circle")) == 6 and len(page.all("#scatter circle.missed")) == 3
    tip = page.hover(page.one("#scatter circle[aria-label^='ratio']"))
    assert "published 1.5, simulated 2.4 ns" in tip and "missed" in tip, tip
    page.all("#points thead button")[2].click()
    values = [float(t.replace(",", "")) for t in page.texts("#points tbody tr > :nth-child(3)")]
    assert len(values) == 9 and values == sorted(values)
    page.finish("fidelity")


def main(sample, case):
    with tempfile.TemporaryDirectory(prefix="guestdma html ") as scratch:
        folder = pathlib.Path(scratch) / "a folder"
        subprocess.run([sample, folder, {"comparison": "4"}.get(case, case)], check=True, stdout=subprocess.DEVNULL)
        again = pathlib.Path(scratch) / "again" / "a folder"
        again.parent.mkdir()
        subprocess.run([sample, again, {"comparison": "4"}.get(case, case)], check=True, stdout=subprocess.DEVNULL)
        assert (folder / "report.html").read_bytes() == (again / "report.html").read_bytes(), "the same bytes again"
        driver = browser(pathlib.Path(scratch) / "profile")
        try:
            {"comparison": comparison, "sweep": sweep, "fidelity": fidelity}[case](driver, folder)
        finally:
            driver.quit()


main(sys.argv[1], sys.argv[2])
