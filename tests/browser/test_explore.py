"""Explore in a real browser: links, two tabs, keyboard, phone, both themes, downloads, bad
files.
"""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import OpenTab, at_rest, playwright_api, settled, sparsity_shown, unfold
from tests.made import spot

pytestmark = pytest.mark.browser


def headline(page) -> str:
    return page.locator("h2").first.inner_text()


@pytest.mark.long
def test_a_deep_link_works_on_a_fresh_server(tab: OpenTab) -> None:
    page = settled(tab("explore?sparsity=80&digit=3&nth=4&cam=grad-cam&opacity=40"))
    assert "At 80.0 % sparsity" in headline(page)
    assert sparsity_shown(page) == "79.9914% sparsity"
    assert float(page.get_by_role("slider", name="Sparsity").input_value()) == 80
    assert page.get_by_text("label 3").count() == 1
    assert page.locator("[data-testid=stException]").count() == 0


def test_the_keyboard_moves_the_slider_and_the_address_follows(tab: OpenTab) -> None:
    page = settled(tab("explore?unit=level&level=3&schedule=iterative-reset"))
    slider = page.get_by_role("slider", name="Level")
    slider.focus()
    before = sparsity_shown(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "alt => document.querySelector(\"img[alt^='Difference']\")?.alt.includes(alt)", arg=f"{1 - 948 / 2324:.4%}"
    )
    assert sparsity_shown(page) != before
    page.wait_for_function("location.search.includes('level=4')")


ON_SLIDER = "document.activeElement.getAttribute('role') === 'slider' || document.activeElement.type === 'range'"


@pytest.mark.long
def test_tab_reaches_the_slider(tab: OpenTab) -> None:
    page = settled(tab())
    page.wait_for_selector("input[type=range], [role=slider]", state="attached")
    for _ in range(40):  # a page that is drawn again begins at its head
        page.keyboard.press("Tab")
        if page.evaluate(ON_SLIDER):
            return
    raise AssertionError("Tab does not reach the slider")


STATED = "[...new URLSearchParams(location.search).keys()].sort().join() === 'cam,layer,model'"


@pytest.mark.long
def test_the_address_states_network_method_and_layer_and_no_other_default(tab: OpenTab) -> None:
    page = settled(tab("explore?sparsity=70&cam=grad-cam%2B%2B"))
    page.wait_for_function(STATED)
    assert sparsity_shown(page) == "70.0086% sparsity"


@pytest.mark.long
def test_two_tabs_do_not_touch_each_other(tab: OpenTab) -> None:
    one, two = settled(tab("explore?sparsity=50")), settled(tab("explore?sparsity=95"))
    assert (sparsity_shown(one), sparsity_shown(two)) == ("50.0000% sparsity", "95.0086% sparsity")
    slider = one.get_by_role("slider", name="Sparsity")
    slider.focus()
    one.keyboard.press("End")
    one.wait_for_function("document.querySelector(\"img[alt^='Difference']\")?.alt.includes('100.0000%')")
    assert sparsity_shown(two) == "95.0086% sparsity"


@pytest.mark.long
def test_the_view_survives_a_visit_to_another_page(tab: OpenTab) -> None:
    page = settled(tab("explore?sparsity=55"))
    page.get_by_role("link", name="Home").first.click()
    page.get_by_text("Does a pruned network still look at the same things?").wait_for()
    page.get_by_role("link", name="Explore").first.click()
    page.wait_for_selector("img[alt^='Difference']")  # Home has maps too
    settled(page)
    assert sparsity_shown(page) == "54.9914% sparsity"
    page.wait_for_function("location.search.includes('sparsity=55')")


@pytest.mark.long
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off(tab: OpenTab, width: int, height: int, theme: str) -> None:
    page = settled(tab(width=width, height=height, theme=theme))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = [picture.bounding_box() for picture in page.locator("img[alt*='sparsity']").all()]
    assert len({round(box["width"]) for box in boxes}) == 1
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    first_screen = [box for box in boxes if box["y"] + box["height"] <= height]
    assert len(first_screen) >= (4 if width > 1000 else 2)
    background = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 200) is (theme == "dark")


@pytest.mark.long
def test_the_picture_changes_with_the_slider(tab: OpenTab) -> None:
    page = settled(tab("explore?model=thesis-cnn&cam=grad-cam&layer=relu2"))
    sources = [
        page.locator(f"img[alt^='{name}']").get_attribute("src")
        for name in ("Heatmap of the pruned", "Heatmap of the dense")
    ]
    page.get_by_role("slider", name="Sparsity").focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector(\"img[alt^='Difference']\")?.alt.includes(' 0.0000%')")
    sparsity_shown(page)
    after = [
        page.locator(f"img[alt^='{name}']").get_attribute("src")
        for name in ("Heatmap of the pruned", "Heatmap of the dense")
    ]
    assert after[0] != sources[0]
    assert after[1] == sources[1]  # the dense network stays
    assert after[0] == after[1]  # nothing removed: the same map


@pytest.mark.long
def test_an_expander_opens_and_its_slider_is_live(tab: OpenTab) -> None:
    page = settled(tab("explore?model=thesis-cnn"))
    page.get_by_text("IoU over the threshold").click()
    picture = page.locator("img[alt^='Pruned: pixels at or above 0.50']")
    picture.wait_for()
    page.get_by_role("slider", name="Threshold").focus()
    page.keyboard.press("ArrowRight")
    page.locator("img[alt^='Pruned: pixels at or above 0.52']").wait_for()
    page.wait_for_function("location.search.includes('threshold=0.52')")
    assert picture.count() == 0


@pytest.mark.long
def test_the_download_is_a_whole_zip(tab: OpenTab) -> None:
    page = settled(tab())
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.testzip() is None
        assert "provenance.json" in archive.namelist()


@pytest.mark.long
def test_a_bad_address_is_explained(tab: OpenTab) -> None:
    page = settled(tab("explore?sparsity=nan&cam=no-cam&level=x&colour=red"))
    notice = page.get_by_text("Parts of the address were ignored.").locator("xpath=ancestor::*[@data-testid='stAlert']")
    for name in ("sparsity=nan", "cam=no-cam", "level=x", "colour"):
        assert name in notice.inner_text()
    assert sparsity_shown(page) == "70.0086% sparsity"
    page.wait_for_function(STATED)


def own(tab: OpenTab, content: bytes, name: str = "mine.png"):
    page = tab("explore?source=own")
    page.get_by_text("Upload or paste an image").wait_for()
    page.set_input_files(
        "[data-testid=stFileUploaderDropzoneInput]", {"name": name, "mimeType": "image/png", "buffer": content}
    )
    return page


def png(values: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray((values * 255).astype(np.uint8)).save(target, "PNG")
    return target.getvalue()


@pytest.mark.long
def test_an_own_image_is_uploaded_and_compared(tab: OpenTab) -> None:
    page = settled(own(tab, png(spot(10, 12))))
    assert page.locator("[data-testid=stMain]").get_by_text("your own image").count() == 1
    page.get_by_role("button", name="Exercise").click()
    page.get_by_text("Links do not contain your own image").wait_for()


@pytest.mark.long
@pytest.mark.parametrize(
    "content", [b"no image", png(spot(3, 3))[:60], bytes(11_000_000)], ids=["text", "broken", "huge"]
)
def test_a_bad_file_is_explained_and_one_can_go_on(tab: OpenTab, content: bytes) -> None:
    page = own(tab, content)
    unfold(page, "Image")
    page.locator("[data-testid=stAlertContentError], [data-testid=stFileChipIconError]").first.wait_for()
    assert page.locator("[data-testid=stException]").count() == 0
    page.get_by_text("Digits", exact=True).first.click()
    settled(page)


@pytest.mark.long
def test_an_image_can_be_pasted(tab: OpenTab) -> None:
    page = tab("explore?source=own")
    unfold(page, "Image")
    field = page.locator("[data-testid=stChatInputTextArea]")
    field.click()
    page.evaluate(
        """async bytes => { const data = new DataTransfer();
             data.items.add(new File([new Uint8Array(bytes)], "pasted.png", {type: "image/png"}));
             const event = {clipboardData: data, bubbles: true, cancelable: true};
             document.activeElement.dispatchEvent(new ClipboardEvent("paste", event)) }""",
        list(png(spot(10, 12))),
    )
    page.get_by_text("pasted.png").wait_for()
    page.wait_for_timeout(500)
    page.locator("[data-testid=stChatInputSubmitButton]").click()
    settled(page)
    assert page.locator("[data-testid=stMain]").get_by_text("your own image").count() == 1


LITE = "explore?model=efficientnet-lite0&cam=grad-cam"


@pytest.mark.long
def test_a_session_with_a_photograph(tab: OpenTab) -> None:
    page = settled(tab(f"{LITE}&fine=30"))
    assert sparsity_shown(page) == "30.0000% sparsity"
    assert "cat" in headline(page)
    unfold(page, "Image")
    page.get_by_role("radio", name="A cup of espresso").check(force=True)  # a thumbnail
    page.wait_for_function("location.search.includes('photo=coffee')")
    page.wait_for_function("document.querySelector('h2')?.innerText.includes('espresso')")
    page.get_by_role("slider", name="Sparsity").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector(\"img[alt^='Difference']\")?.alt.includes('30.5000%')")
    sparsity_shown(page)
    page.wait_for_function("location.search.includes('fine=30.5')")
    page.get_by_text("Predictions of both networks").click()
    page.locator("[data-testid=stExpander]").get_by_text("espresso").first.wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert Image.open(archive.open("1-input.png")).size == (224, 224)


@pytest.mark.long
def test_thumbnails_are_chosen_by_keyboard(tab: OpenTab) -> None:
    page = settled(tab(LITE))
    unfold(page, "Image")
    page.get_by_role("radio", name="The face of a striped ginger cat").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.search.includes('photo=coffee')")
    assert not settled(page).get_by_role("radio", name="The face of a striped ginger cat").is_checked()


@pytest.mark.long
def test_a_digit_is_chosen_by_its_thumbnail(tab: OpenTab) -> None:
    page = settled(tab("explore?digit=3"))
    unfold(page, "Image")
    page.get_by_role("radio", name="Digit 3, number 5").check(force=True)
    page.wait_for_function("location.search.includes('nth=5')")
    playwright_api.expect(page.get_by_role("spinbutton", name="Number")).to_have_value("5")


@pytest.mark.long
def test_another_network_and_back(tab: OpenTab) -> None:
    page = settled(tab("explore?sparsity=90&seed=334"))
    unfold(page, "Network")
    for chosen, address in (
        ("EfficientNet-lite0", "model=efficientnet-lite0"),
        ("Small digit CNN (thesis)", "sparsity=90"),
    ):
        page.get_by_role("combobox", name="Network").click()
        page.get_by_role("option", name=chosen).click()
        page.wait_for_function("text => location.search.includes(text)", arg=address)
        settled(page)
    assert sparsity_shown(page) == "90.0172% sparsity"
    page.wait_for_function("location.search.includes('seed=334') && location.search.includes('model=thesis-cnn')")


@pytest.mark.long
def test_a_link_s_view_goes_along_to_other_pages_and_back(tab: OpenTab) -> None:
    page = settled(tab(f"{LITE}&photo=coffee&fine=40"))
    for name in ("Compare", "Curves", "Explore"):
        page.get_by_role("link", name=name).first.click()
        page.wait_for_url(f"**/{name.lower()}*")
        page.wait_for_selector("[data-test-script-state=notRunning]")
        if name == "Compare":
            page.wait_for_function(
                "['model=efficientnet-lite0', 'photo=coffee'].every(part => location.search.includes(part))"
            )
            page.get_by_text("espresso").first.wait_for()
    settled(page)
    page.wait_for_function(
        "location.search.includes('fine=40') && location.search.includes('model=efficientnet-lite0')"
    )
    assert sparsity_shown(page).startswith("40.")


@pytest.mark.long
def test_work_of_many_steps_can_be_stopped(tab: OpenTab) -> None:
    slow = "cam=score-cam&layer=_blocks.3._project_conv"  # a second or more a step
    page = tab(f"{LITE.replace('cam=grad-cam', slow)}&photo=rocket&fine=30")
    page.get_by_role("button", name="Compute", exact=True).click()
    settled(page)
    page.get_by_role("button", name="Compute this image").click()
    page.get_by_text("Sparsities: 1 of 25").wait_for()
    page.get_by_role("button", name="Stop", exact=True).last.click()
    button = page.get_by_role("button", name=re.compile("Compute this image.* done"))
    button.wait_for()
    assert "25 of 25" not in button.inner_text()


def in_sight(page, *selectors: str) -> bool:
    """Whether all of these lie inside the window."""
    width, height = (page.viewport_size[side] for side in ("width", "height"))
    boxes = [page.locator(selector).first.bounding_box() for selector in selectors]
    return all(
        box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
        for box in boxes
    )


SLIDER = ".st-key-stage [data-testid=stSlider]"
MAPS = ("img[alt^='Heatmap of the dense']", "img[alt^='Heatmap of the pruned']")


@pytest.mark.parametrize(
    ("width", "height", "more"),
    [
        (390, 844, ""),
        *(
            pytest.param(*size, marks=pytest.mark.long)
            for size in [(1280, 800, ""), (1280, 720, "&present=1"), (640, 400, "")]
        ),
    ],
)
def test_the_slider_stays_in_sight(tab: OpenTab, width: int, height: int, more: str) -> None:
    page = settled(tab(f"{LITE}&fine=30{more}", width=width, height=height))
    at_rest(page)
    if height > 400:  # at a zoom of 200 % the maps are larger than the window
        assert in_sight(page, "h2", SLIDER, *MAPS)
    page.locator("[data-testid=stMain]").evaluate("page => page.scrollTo(0, 600)")
    assert in_sight(page, SLIDER)


@pytest.mark.long
def test_changes_are_undone_and_the_link_is_copied(tab: OpenTab) -> None:
    page = settled(tab(f"{LITE}&fine=30"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("slider", name="Sparsity").focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('h2')?.innerText.includes('Nothing is removed')")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("location.search.includes('fine=30')")
    page.wait_for_function("document.querySelector(\"img[alt^='Difference']\")?.alt.includes('30.0000%')")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("location.search.includes('photo=coffee')")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("!location.search.includes('photo=coffee')")


@pytest.mark.long
@pytest.mark.parametrize("width", [1280, 390])
def test_photographs_are_not_cut_off(tab: OpenTab, width: int) -> None:
    page = settled(tab(LITE, width=width, height=844))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = [picture.bounding_box() for picture in page.locator("img[alt*='sparsity']").all()]
    assert len({(round(box["width"]), round(box["height"])) for box in boxes}) == 1


@pytest.mark.long
def test_a_reference_is_chosen_named_and_shared_by_its_link(tab: OpenTab) -> None:
    """Another seed instead of the dense network: the sentence names it, the address holds it, and a
    second tab shows the same.
    """
    page = settled(tab("explore?model=thesis-cnn&cam=grad-cam&layer=relu2&digit=7&nth=1&sparsity=70"))
    assert page.locator("img[alt^='Heatmap of the dense network, beside']").count() == 1
    unfold(page, "Network")
    page.get_by_role("combobox", name="Compared with").click()
    page.get_by_role("option", name="Dense network of seed 334").click()
    page.wait_for_function("location.search.includes('ref=seed.334')")
    page.wait_for_selector("img[alt^='Heatmap of the dense network of seed 334, beside']")
    assert "the dense network of seed 334" in headline(page)
    again = settled(tab(page.url.rpartition("/")[2]))
    again.wait_for_selector("img[alt^='Heatmap of the dense network of seed 334, beside']")
    assert headline(again) == headline(page)
    assert again.locator("[data-testid=stException]").count() == 0
