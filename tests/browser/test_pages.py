"""Home, Compare, My networks and Retrain in a real browser: one journey each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safetensors.torch import save_file

from core.models.building import untrained
from core.models.zoo import named
from tests.browser.conftest import OpenTab, at_rest, playwright_api, settled
from tests.protocols import small_series

pytestmark = pytest.mark.browser
MAIN = "[data-testid=stMain]"


def test_home_shows_an_example_and_leads_to_its_view(tab: OpenTab) -> None:
    page = tab("")
    page.wait_for_selector(f"{MAIN} img[alt^='Difference'][alt*='30.0000% sparsity']")
    assert page.locator("[data-testid=stException]").count() == 0
    page.get_by_role("slider", name="Sparsity").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{MAIN} img[alt^='Difference'][alt*='30.5000% sparsity']")
    page.locator(MAIN).get_by_role("link", name="Open this view in Explore").click()
    page.wait_for_url("**/explore*fine=30.5*")
    settled(page)
    assert "espresso" in page.locator(MAIN).inner_text()


def test_compare_reads_all_maps_at_one_point_plays_and_saves(tab: OpenTab) -> None:
    page = tab("compare?model=thesis-cnn&rows=cams&cams=grad-cam&cams=fem&amounts=30,95&layer=relu2&digit=7")
    page.get_by_role("button", name="SVG").wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    assert "pruned networks give the dense network's answer" in page.locator(MAIN).inner_text()
    values = page.locator(".value:not(:empty)")
    page.get_by_alt_text("Grad-CAM at 30.0 %").hover()
    assert values.count() == 6  # a dense map and two pruned ones by each of two methods
    pointed = values.all_inner_texts()
    page.locator("tbody tr").nth(1).focus()
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    assert values.all_inner_texts() != pointed
    assert "95.0 % " in page.locator(".spoken").inner_text()
    page.get_by_role("button", name="Play FEM").click()
    stage = page.get_by_role("region", name="Playing")
    stage.get_by_text("FEM: 95.0 %").wait_for()
    stage.get_by_role("button", name="Pause").click()
    stage.get_by_role("slider", name="Amount").press("ArrowLeft")
    stage.get_by_text("FEM: 30.0 %").wait_for()
    shown = [stage.locator("p"), stage.locator("img").nth(1), stage.get_by_role("slider")]
    boxes = [part.bounding_box() for part in shown]
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= 800 for box in boxes)
    stage.get_by_role("button", name="Close").click()
    for name, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG"), ("CSV", b"row,variant")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.path().read_bytes().startswith(start)


@pytest.mark.long
def test_names_and_amounts_stay_in_sight_while_compare_scrolls(tab: OpenTab) -> None:
    page = tab("compare?model=thesis-cnn&rows=cams&layer=relu2&digit=7", width=390, height=844)
    page.get_by_role("columnheader", name="95.0 %").wait_for()
    page.locator(".scroll").evaluate("box => { box.scrollIntoView(); box.scrollTo(400, 400) }")
    head = page.get_by_role("columnheader", name="95.0 %").bounding_box()
    name = page.get_by_role("rowheader", name="Eigen-CAM").bounding_box()
    outer = page.locator(".scroll").bounding_box()
    assert abs(head["y"] - outer["y"]) < 1
    assert abs(name["x"] - outer["x"]) < 1


def test_retrain_marks_what_is_missing_takes_an_upload_and_measures(tab: OpenTab, tmp_path: Path) -> None:
    page = tab("retrain")
    page.get_by_role("button", name="Estimate cost").click()
    page.get_by_text("Required. Enter a folder, a zip file or a data set").wait_for()
    _fill_in(page, tmp_path)
    page.get_by_role("button", name="Estimate cost").click()
    page.get_by_text("24 photographs, at most 24 epochs in total").wait_for()
    page.get_by_text("An epoch is a single step").wait_for()
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.long
def test_two_files_are_recognised_and_open_in_explore_as_a_pair(tab: OpenTab, tmp_path: Path) -> None:
    state = untrained(named("thesis-cnn").build, 0)
    save_file(state, tmp_path / "before.safetensors")
    save_file({name: values * (values.abs() > 0.1) for name, values in state.items()}, tmp_path / "pruned.safetensors")
    page = tab("my_networks")
    page.locator("input[type=file]").first.set_input_files(tmp_path / "pruned.safetensors")
    page.get_by_text("every tensor fits.").first.wait_for()
    page.get_by_text("prunable weights are exactly zero.").wait_for()
    page.locator("input[type=file]").last.set_input_files(tmp_path / "before.safetensors")
    page.get_by_text("every tensor fits.").nth(1).wait_for()
    at_rest(page)
    page.get_by_role("button", name="Open both in Explore").click()
    page.wait_for_url("**/explore?*ref=model.own-thesis-cnn-*")
    page.get_by_text("Before (dense)").first.wait_for()
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.long
def test_retrain_pauses_stops_resumes_trains_and_deletes(tab: OpenTab, tmp_path: Path) -> None:
    page = tab("retrain")
    _fill_in(page, tmp_path)
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("level 0 of 1, epoch").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("paused: it keeps its memory").wait_for()
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("in progress").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("stopped: finished work is kept").wait_for()
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("No active runs.").wait_for()  # it is finished: its networks are listed
    trained = page.locator("summary").filter(has_text="2 networks")
    trained.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete networks").click()
    trained.wait_for(state="hidden")
    assert trained.count() == 0


def _fill_in(page: playwright_api.Page, folder: Path) -> None:
    """A small run of one's own on an uploaded zip file: level 0 and one pruned level."""
    photographs = small_series.photographs(folder / "tiny")
    upload = Path(shutil.make_archive(str(folder / "tiny"), "zip", photographs))
    page.locator("input[type=file]").set_input_files(upload)
    page.wait_for_function("document.querySelector('input[aria-label=Photographs]')?.value.endsWith('tiny.zip')")
    page.get_by_text("Your own", exact=True).click()
    page.locator("summary").get_by_text("Settings", exact=True).click()
    page.get_by_text("Random weights", exact=True).click()
    _type(page, "Sparsities of the levels (%)", "50")
    _type(page, "Maximum epochs per level", "12")


def _type(page: playwright_api.Page, label: str, text: str) -> None:
    at_rest(page)
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")
