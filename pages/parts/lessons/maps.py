"""Lesson 1: what a heatmap shows, and when it misleads."""

from __future__ import annotations

from dataclasses import replace

from core import ImageRef
from core.figures import maps
from core.measures.blur import soft_iou_of
from core.models.zoo import MODELS
from core.protocols.lukkien.protocol import CAM as THESIS
from core.saliency import CAMS
from pages.parts.common import engine as cached
from pages.parts.common import widgets
from pages.parts.lessons import facts
from pages.parts.lessons.facts import CONTROLS, SAME
from pages.parts.lessons.lesson import Lesson, Stage, Step, Told
from pages.parts.lessons.parts import Shown, certain, digit_choice, over, row, slider

CLASSES = MODELS[facts.dense().model.name].value.classes
LETTERS = "ABC"


def what_it_is(stage: Stage) -> Told:
    with stage.controls:
        digit = digit_choice()
    side = facts.heatmap(digit)
    cells, pixels, seen = side.saliency.shape, side.map.size, cached.engine().picture(side.image).seen
    shown = [
        Shown(
            title="Input",
            image=maps.grey(seen),
            alt=f"A handwritten {digit} with background noise",
            below=f"says **{side.prediction.top}**, {certain(side, side.prediction.top)}",
        ),
        over(side, "Heatmap", "bright: evidence"),
    ]
    if stage.answered:
        computed = f"{cells[0]} × {cells[1]} cells"
        shown.append(
            Shown(title="Computed map", image=maps.cells(side), alt=f"The raw map: {computed}", below=computed)
        )
    with stage.view:
        row(shown)
    return Told(
        text=(
            f"A trained network reads this digit as **{side.prediction.top}**. A heatmap answers one question:"
            " *at one layer, where is the evidence for one class?* This one is computed by Grad-CAM++ for class"
            f" {side.target_class}, after the last convolution and its ReLU."
        ),
        question=f"The heatmap has {pixels} pixels. How many values did the method actually compute?",
        choices=(
            f"{pixels}, one per pixel",
            f"{side.saliency.size}, one per cell of that layer",
            f"{len(CLASSES)}, one per class",
        ),
        right=1,
        why=(
            f"The layer has {cells[0]} × {cells[1]} = {side.saliency.size} cells. The map is computed there and then"
            " enlarged: its smooth edges come from the enlargement, not from the network."
        ),
    )


def wrong_class(stage: Stage) -> Told:
    with stage.controls:
        digit = digit_choice()
        other = widgets.choice(
            "Compare with class", "other", CONTROLS, help="*The closest* is the class with the most similar heatmap."
        )
    own = facts.heatmap(digit)
    wrong = facts.closest_other(digit) if other == "closest" else int(other)
    rival = facts.heatmap(digit, wrong)
    pair = [own, rival] if (int(digit) + wrong) % 2 else [rival, own]
    below = [f"for class **{side.target_class}**" if stage.answered else "for class **?**" for side in pair]
    with stage.view:
        row(
            [
                over(side, f"Map {LETTERS[place]}", below[place], f"Map {LETTERS[place]}")
                for place, side in enumerate(pair)
            ]
        )
    meet = soft_iou_of(own.map, rival.map) or 0.0
    right = pair.index(own)
    return Told(
        text=(
            f"A heatmap can be computed for *any* class. One of these maps is for **{own.target_class}**, the network's"
            f" answer (probability {certain(own, own.target_class)}). The other is for **{wrong}** (probability"
            f" {certain(own, wrong)})."
        ),
        question=f"Which map is for the network's answer, {own.target_class}?",
        choices=("Map A", "Map B"),
        right=right,
        why=(
            f"Map {LETTERS[right]}. The two overlap by **{meet:.2f}**, and the map of the wrong class covers the ink by"
            f" {facts.ink_overlap(digit, rival):.2f}, against {facts.ink_overlap(digit, own):.2f}. Every map is scaled"
            " to full brightness, so brightness says nothing about the network's confidence."
        ),
    )


def noise(stage: Stage) -> Told:
    with stage.controls:
        high = slider("Background noise up to", "background", help="The networks were trained with noise up to 0.2.")
        digit = digit_choice()
    usual = facts.heatmap(digit)
    engine, image = cached.engine(), facts.image_of(digit, high)
    target = "own" if usual.target_class is None else usual.target_class
    now = engine.heatmap(facts.dense(), image, replace(facts.CAM, target=target))
    meet = soft_iou_of(usual.map, now.map) or 0.0
    said = f"says **{now.prediction.top}**, {certain(now, now.prediction.top)}" if stage.answered else "says **?**"
    shown = [
        Shown(
            title="Current input",
            image=maps.grey(engine.picture(image).seen),
            alt=f"The digit with noise up to {high:g}",
            below=said,
        ),
        over(
            usual,
            f"Map, noise {usual.image.noise:g}",
            f"says **{usual.prediction.top}**, {certain(usual, usual.prediction.top)}",
        ),
    ]
    with stage.view:
        row([*shown, *([over(now, "Current map", said)] if stage.answered else [])])
    same_answer = now.prediction.top == usual.prediction.top
    return Told(
        text=(
            "The network was trained with faint background noise of up to 0.2. The noise is now"
            f" {f'up to **{high:g}**' if high else '**off**'}; to us the digit looks the same."
        ),
        question="What changes for the network?",
        choices=("Neither its answer nor its heatmap", "Only its heatmap", "Its answer"),
        right=2 if not same_answer else 0 if meet >= SAME else 1,
        why=(
            f"It says {now.prediction.top}{' as before' if same_answer else f', no longer {usual.prediction.top}'}, and"
            f" the two heatmaps for class {usual.target_class} overlap by **{meet:.2f}** (1 means identical). "
        )
        + (
            "Changes that hardly matter to us can move a heatmap: look at more than one image."
            if meet < SAME or not same_answer
            else "This map is stable: try more or less noise, and another digit."
        ),
    )


def empty_map(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Level", "late", help="Each level removes 20 % of the remaining weights."))
        digit = digit_choice()
    answer = cached.comparison(facts.trained(level), facts.image_of(digit), facts.CAM)
    side, usable = answer.pruned, answer.pruned.usable
    with stage.view:
        row(
            [
                over(answer.reference, "Dense", f"says **{answer.reference.prediction.top}**"),
                *(
                    [
                        over(
                            side,
                            f"Level {level}",
                            f"says **{side.prediction.top}**; the map is {side.state if not usable else 'usable'}",
                        )
                    ]
                    if stage.answered
                    else []
                ),
            ]
        )
    path = (
        "No path of kept weights connects input and output"
        if answer.mask.collapsed
        else "There is still a path from input to output"
    )
    return Told(
        text=(
            f"At level {level}, only **{answer.mask.kept} of {answer.mask.total:,}** weights are left. The network"
            f" still gives an answer: **{side.prediction.top}**, with probability {certain(side, side.prediction.top)}."
        ),
        question="What does its heatmap look like?",
        choices=("Some evidence is left", "Specks everywhere", "Nothing at all"),
        right=0 if usable else 2,
        why=f"{path}. The map is **{'usable' if usable else side.state}**"
        + (
            ". Even this few weights can activate some cells."
            if usable
            else (
                ": no cell holds evidence for the class, so the map is drawn without rescaling. A program that scales"
                " every map to full brightness would show rounding errors here."
            )
        ),
    )


def blur(stage: Stage) -> Told:
    with stage.controls:
        sigma = slider("Blur (pixels)", "blur")
        digit = digit_choice()
    sharp = facts.heatmap(digit)
    soft, before, after = facts.after_blur(digit, sigma)
    risen = sum(later > earlier for _, earlier, later in (facts.after_blur(one, sigma) for one in CLASSES))
    means = [float(side.map.mean()) for side in (sharp, soft)]
    below = [
        f"soft IoU **{score:.3f}**, mean {mean:.2f}" if stage.answered else ""
        for score, mean in zip((before, after), means, strict=True)
    ]
    clean = cached.engine().picture(sharp.image).clean
    with stage.view:
        row(
            [
                over(sharp, "Heatmap", below[0]),
                over(soft, f"Blurred by {sigma:g} pixels", below[1]),
                Shown(title="The ink", image=maps.grey(clean), alt="The digit without noise"),
            ]
        )
    change = after - before
    return Told(
        text=(
            "*Soft IoU* measures how well a heatmap covers the ink: 0 means no overlap, 1 means identical. Now blur the"
            " heatmap: it says **less** about where the evidence lies."
        ),
        question="What happens to its score?",
        choices=("It falls", "It stays (within 0.005)", "It rises"),
        right=2 if change > 0.005 else 0 if change < -0.005 else 1,
        why=(
            f"It goes from {before:.3f} to **{after:.3f}**. With this blur it rises for **{risen} of {len(CLASSES)}**"
            f" digits, one per class. A blurred map is brighter on average ({means[0]:.2f} to {means[1]:.2f}) and"
            " covers more ink. A better score is not always a better map: report the mean of the map as well."
        ),
    )


def methods(stage: Stage) -> Told:
    with stage.controls:
        digit = digit_choice()
    known = ["grad-cam++", "grad-cam", "random-cam"]
    turn = (int(digit) + 1) % 3
    order = known[turn:] + known[:turn]
    sides = [facts.heatmap(digit, method=method) for method in order]
    with stage.view:
        row(
            [
                over(
                    side,
                    f"Map {LETTERS[place]}",
                    CAMS[order[place]].title if stage.answered else "",
                    f"Map {LETTERS[place]}",
                )
                for place, side in enumerate(sides)
            ]
        )
    right = order.index("random-cam")
    real = [side for side, method in zip(sides, order, strict=True) if method != "random-cam"]
    meet = soft_iou_of(real[0].map, real[1].map) or 0.0
    return Told(
        text=(
            "Same network, same digit, same class, same layer. Two maps come from established methods. The third"
            " weights the channels of the layer **at random**."
        ),
        question="Which one is random?",
        choices=("Map A", "Map B", "Map C"),
        right=right,
        why=(
            f"Map {LETTERS[right]}. The two real methods overlap by {'only ' if meet < SAME else ''}**{meet:.2f}**,"
            " although only their formulas differ. A heatmap shows the network *through* a method: name the method, and"
            " check whether another one agrees."
        ),
    )


def what_to_say(stage: Stage) -> Told:
    mistaken = facts.convincing_mistake()
    engine, image = cached.engine(), ImageRef(name=str(mistaken))
    label, side = engine.picture(image).label, engine.heatmap(facts.dense(), image, THESIS)
    with stage.controls:
        digit = digit_choice("Digit to compare with")
    usual = facts.heatmap(digit)
    score = soft_iou_of(side.map, engine.picture(image).clean) or 0.0
    with stage.view:
        row(
            [
                over(
                    side,
                    "A digit",
                    f"it says **{side.prediction.top}**, {certain(side, side.prediction.top)}"
                    + (f"; it is a **{label}**" if stage.answered else ""),
                ),
                over(
                    usual,
                    "Another digit",
                    f"it says **{usual.prediction.top}**, {certain(usual, usual.prediction.top)}",
                ),
            ]
        )
    return Told(
        text=(
            "Two digits, with heatmaps for the network's answers. The left map covers the ink with soft IoU"
            f" **{score:.2f}**, the right one with {facts.ink_overlap(digit, usual):.2f}."
        ),
        question="What can you conclude about the left digit?",
        choices=(
            "Correct, as the map lies on the ink",
            "The network has understood the digit",
            f"These places are evidence for {side.target_class}",
        ),
        right=2,
        why=(
            f"The left digit is a **{label}**, and the network is wrong. A map that fits the ink well does not prove a"
            " correct answer. Say: at this layer, by this method, these places are evidence for class"
            f" {side.target_class}; then compare."
        ),
    )


LESSON = Lesson(
    "What a heatmap shows",
    "What a heatmap shows, and when it misleads",
    (
        Step("One question, one picture", what_it_is),
        Step("The wrong class looks good too", wrong_class),
        Step("Noise that we hardly see", noise),
        Step("A map can be empty", empty_map),
        Step("Blur and the score", blur),
        Step("Another method, another picture", methods),
        Step("What you can conclude", what_to_say),
    ),
)
