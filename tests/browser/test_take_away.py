"""A pruned network in a real browser: saved, opened beside its parent, and downloaded."""

from __future__ import annotations

import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import OpenTab, at_rest, settled

pytestmark = pytest.mark.browser
VIEW = (
    "explore?model=thesis-cnn&cam=grad-cam&layer=relu2&granularity=filter&scope=layer&excluded=classifier&sparsity=50"
)


@pytest.mark.long
def test_a_smaller_network_is_saved_opened_and_downloaded(tab: OpenTab) -> None:
    page = settled(tab(VIEW))
    page.get_by_text("Cost and sizes").click()
    prepare = page.get_by_role("button", name="Prepare the download")
    prepare.wait_for()
    prepare.click()
    ready = page.get_by_role("button", name="Download", exact=False).filter(has_text="kB")
    ready.wait_for()
    with page.expect_download() as download:
        ready.click()
    assert {"network.py", "weights.safetensors"} <= set(zipfile.ZipFile(Path(download.value.path())).namelist())
    save = page.get_by_role("button", name="Save the smaller network as one of your own")
    save.click()
    opened = page.get_by_role("button", name="Open it beside the one it comes from")
    opened.wait_for()
    save.wait_for(state="detached")
    opened.click()
    page.wait_for_url("**model=own-thesis-cnn-**")
    at_rest(page)
    address = parse_qs(urlsplit(page.url).query)
    assert address["ref"] == ["model.thesis-cnn/mnist-55000/333"]
    assert page.get_by_text("1,106 parameters").count() > 0
    page.get_by_role("link", name="My networks").click()
    page.wait_for_url("**/my_networks**")
    at_rest(page)
    network = page.locator("[data-testid=stVerticalBlock]").filter(has_text="of filters removed").last
    network.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete network").click()
    page.get_by_text("of filters removed").first.wait_for(state="detached")
    page.get_by_role("link", name="Explore", exact=True).first.click()
    page.wait_for_url("**model=efficientnet-lite0**")
