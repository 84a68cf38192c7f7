"""The whole story in a real browser: a stranger adds a box, a camera and models, merges them, and memory falls.

The box is a process of this test beside the demo's own two. What is merged looks at a rendered bridge, whose truth is
known; a second camera plays a real recording that the demo's seed did not create.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

playwright_api = pytest.importorskip("playwright.sync_api")
Page, expect = playwright_api.Page, playwright_api.expect

ROOT = Path(__file__).resolve().parents[2]
ORIGINALS = ROOT / "demo" / "content" / "originals"
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
SECOND, MINUTE = 1_000, 60_000
BUDGET = "48MiB"  # both originals fit: what falls is what they need, not what there is
FRAMES, SPAN_S = 300, 40


@dataclass(frozen=True)
class Upload:
    """An original of the demo, registered again as a person would. Both answer about the same picture."""

    slug: str
    name: str
    classes: tuple[str, ...]

    architecture = "mobilenet_v3_small"
    input_size = (64, 112)


UPLOADS = (
    Upload("bridge-west-weather", "Roof weather", ("clear", "rain", "fog")),
    Upload("bridge-west-light", "Roof light", ("day", "dusk", "night")),
)


@pytest.fixture
def page(chromium_path: str) -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(30 * SECOND)
        expect.set_options(timeout=30 * SECOND)  # a busy machine answers late
        yield page
        browser.close()


# One light and one weather: forty seconds of a changing day would train on another hour than they judge.
BRIDGE = "scene://bridge?view=west&seed=99&light=day&weather=rain"


@pytest.fixture
def recording() -> str:
    """A real recording; without the folder of recordings another rendered street."""
    path = Path(os.environ.get("GEMEL_DATA_DIR", "/nowhere")) / "videos" / "us101_cam1.mp4"
    return str(path) if path.exists() else "scene://street?seed=98"


@pytest.fixture
def own_box(tmp_path: Path) -> Iterator[Any]:
    """Starts the machine: first the command that the page shows, then the box itself."""
    running: list[subprocess.Popen[bytes]] = []
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    state = ["--state-dir", str(tmp_path / "box")]

    def start(shown_command: str) -> None:
        program, *arguments = shown_command.split()
        assert program == "gemel-edge"
        gemel_edge = [sys.executable, "-m", "edge_runtime"]
        subprocess.run([*gemel_edge, *arguments, *state], cwd=ROOT, env=environment, check=True, timeout=120)
        command = [*gemel_edge, "run", *state, "--memory-budget", BUDGET]
        with (tmp_path / "box.log").open("wb") as log:
            running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))

    yield start
    for process in running:
        process.terminate()
        process.wait(30)


@pytest.mark.timeout(1800)
def test_a_stranger_makes_memory_fall(running_product: Any, page: Any, own_box: Any, recording: str) -> None:
    sign_in(page, running_product)
    for shown in ("First annotated picture after", "The queries are set up after"):
        running_product.wait_for_line(shown, 240)
    running_product.let_the_demo_rest()
    own_box(add_box(page))
    expect(page.get_by_role("heading", name="Roof box has joined")).to_be_visible(timeout=MINUTE)

    page.get_by_role("link", name="Add its first camera").click()
    add_camera(page, "Roof", BRIDGE)
    for upload in UPLOADS:
        upload_model(page, upload)
        add_query(page, upload)
    see_the_picture_move(page, "Roof")
    row = page.get_by_role("row").filter(has_text=UPLOADS[0].name)
    expect(row).to_contain_text("%", timeout=MINUTE)
    request_frames(page)
    dataset_address = page.url
    open_list(page, "Cameras")
    page.get_by_role("link", name="Add a camera").first.click()
    page.locator("select[name=box]").select_option(label="Roof box")
    add_camera(page, "Motorway", recording)
    see_the_picture_move(page, "Motorway")
    page.goto(dataset_address)
    group_address = merge(page)
    approve(page)
    before, after = measured_memory(page, group_address)
    assert after < before


def sign_in(page: Any, product: Any) -> None:
    page.goto(product.url)
    page.get_by_label("User name").fill(product.username)
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "sign-in" not in address)
    if "/password/" in page.url:
        page.get_by_role("link", name="Later", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def add_box(page: Any) -> str:
    """The command that the page says to run."""
    open_list(page, "Boxes")
    page.get_by_role("link", name="Add a box").first.click()
    page.get_by_label("Name").fill("Roof box")
    page.get_by_role("button", name="Add box").click()
    return page.get_by_test_id("join-command").inner_text()


def add_camera(page: Any, name: str, source: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Address").fill(source)
    page.get_by_role("button", name="Add camera").click()
    found = page.locator("#camera-probe")
    expect(found.get_by_text("ready")).to_be_visible(timeout=MINUTE)
    expect(found.get_by_text("frames/s")).to_be_visible()


def upload_model(page: Any, upload: Upload) -> None:
    open_list(page, "Models")
    page.get_by_role("link", name="Upload a model").first.click()
    page.get_by_label("Name").fill(upload.name)
    page.get_by_label("Weights").set_input_files(ORIGINALS / f"{upload.slug}.safetensors")
    page.get_by_role("button", name="Upload", exact=True).click()
    recognised = page.get_by_role("heading", name=f"Recognised as {upload.architecture}")
    expect(recognised).to_be_visible(timeout=2 * MINUTE)
    page.get_by_label("Classes").fill(", ".join(upload.classes))
    page.get_by_label("Input height").fill(str(upload.input_size[0]))
    page.get_by_label("Input width").fill(str(upload.input_size[1]))
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("link", name="Use in a query")).to_be_visible(timeout=2 * MINUTE)


def add_query(page: Any, upload: Upload) -> None:
    """From the page of the model."""
    page.get_by_role("link", name="Use in a query").click()
    page.get_by_label("Camera").select_option(label="Roof on Roof box")
    expect(page.get_by_text(upload.classes[0], exact=True)).to_be_visible()
    page.get_by_label("Name").fill(upload.name)
    page.get_by_label("Accuracy target").fill("0.8")
    page.get_by_label("Deadline").fill("2000")
    page.get_by_role("button", name="Add query").click()
    expect(page.get_by_role("heading", name=upload.name, exact=True)).to_be_visible()


def see_the_picture_move(page: Any, camera: str) -> None:
    open_list(page, "Cameras")
    page.get_by_role("link", name=camera, exact=True).click()
    picture = page.locator("[data-widget=camera-view]")
    expect(picture).to_have_attribute("data-frames", re.compile(r"[1-9]"), timeout=2 * MINUTE)
    first = _pixels(page)
    expect(picture).to_have_attribute("data-frames", re.compile(r"[6-9]|\d\d+"), timeout=MINUTE)
    assert _pixels(page) != first


def _pixels(page: Any) -> bytes:
    return page.get_by_test_id("live-picture").screenshot()


def request_frames(page: Any) -> None:
    page.get_by_role("link", name="Request frames").first.click()
    page.get_by_label("Name").fill("Roof frames")
    page.get_by_label("Frames", exact=False).first.fill(str(FRAMES))
    page.get_by_label("Time span").fill(str(SPAN_S))
    page.get_by_role("button", name="Request frames").click()
    expect(page.locator("#dataset").get_by_text("ready", exact=True)).to_be_visible(timeout=4 * MINUTE)


def merge(page: Any) -> str:
    """The address of the merged group that the run found."""
    page.get_by_role("link", name="Start a merge run").click()
    page.get_by_label("Time limit").fill("8")
    page.get_by_role("button", name="Start merge run").click()
    expect(page.get_by_role("heading", name="Merge run of Roof box")).to_be_visible()
    expect(page.locator("[data-log]")).to_contain_text("Started", timeout=4 * MINUTE)
    review = page.get_by_role("link").filter(has_text="Review and decide")
    expect(review).to_be_visible(timeout=12 * MINUTE)
    review.click()
    expect(page.locator("[data-widget=sharing] svg .ribbon").first).to_be_visible()
    return page.url


def approve(page: Any) -> None:
    page.get_by_label("Reason").fill("Both queries keep their targets.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("The box switches to the merged models")).to_be_visible()


def measured_memory(page: Any, group_address: str) -> tuple[float, float]:
    """MiB before and after, as the box measured them and the page of the merged group shows them."""
    outcome = page.get_by_test_id("outcome")
    for _ in range(60):
        page.goto(group_address)
        if outcome.is_visible():
            break
        page.wait_for_timeout(2 * SECOND)
    cells = outcome.get_by_role("row").filter(has_text="Memory used").get_by_role("cell").all_inner_texts()
    before, after = (float(cell.removesuffix(" MiB")) for cell in cells[1:])
    return before, after


def open_list(page: Any, name: str) -> None:
    page.get_by_role("complementary").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
