"""Lesson 1: what a heatmap shows, and when it lies."""

from __future__ import annotations

from dataclasses import replace

from core import ImageRef
from core.figures import maps
from core.measures.blur import soft_iou_of
from core.models.zoo import MODELS
from core.protocols.lukkien.protocol import CAM as THESIS
from pages.parts.common import engine as cached
from pages.parts.common import widgets
from pages.parts.lessons import facts
from pages.parts.lessons.facts import CONTROLS, SAME
from pages.parts.lessons.frame import Lesson, Stage, Step, Told
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
            title="What it sees",
            image=maps.grey(seen),
            alt=f"A handwritten {digit} with background noise",
            below=f"says **{side.prediction.top}**, {certain(side, side.prediction.top)}",
        ),
        over(side, "Its heatmap", "bright: evidence"),
    ]
    if stage.answered:
        computed = f"{cells[0]} × {cells[1]} cells"
        shown.append(
            Shown(title="What was computed", image=maps.cells(side), alt=f"The raw map: {computed}", below=computed)
        )
    with stage.view:
        row(shown)
    return Told(
        text=(
            f"A trained network reads this digit and says **{side.prediction.top}**. A heatmap answers one question:"
            " *at one layer, where is the evidence for one class?* Here: after the last convolution and its ReLU,"
            f" for class {side.target_class}, by Grad-CAM++."
        ),
        question=f"The heatmap has {pixels} pixels. How many values did the method really compute?",
        choices=(
            f"{pixels}, one per pixel",
            f"{side.saliency.size}, one per cell of that layer",
            f"{len(CLASSES)}, one per class",
        ),
        right=1,
        why=(
            f"The layer has {cells[0]} × {cells[1]} = {side.saliency.size} cells. The map is computed there and then"
            " enlarged: its smooth edges are drawn by us, not seen by the network."
        ),
    )


def wrong_class(stage: Stage) -> Told:
    with stage.controls:
        digit = digit_choice()
        other = widgets.choice(
            "Compare with class", "other", CONTROLS, help="closest: the class whose heatmap looks most like it."
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
            f"A heatmap can be asked for *any* class. One of these maps is for **{own.target_class}**, the network's"
            f" answer (probability {certain(own, own.target_class)}). The other is for **{wrong}**, which it gives"
            f" {certain(own, wrong)}."
        ),
        question=f"Which map is for its answer, {own.target_class}?",
        choices=("Map A", "Map B"),
        right=right,
        why=(
            f"Map {LETTERS[right]}. The two overlap by **{meet:.2f}**, and the wrong class's map lies on the ink by"
            f" {facts.ink_overlap(digit, rival):.2f} against {facts.ink_overlap(digit, own):.2f}. A map"
            " is scaled to full brightness whatever the class: brightness says nothing about belief."
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
            title="Input now",
            image=maps.grey(engine.picture(image).seen),
            alt=f"The digit, noise to {high:g}",
            below=said,
        ),
        over(
            usual,
            f"Map, noise {usual.image.noise:g}",
            f"says **{usual.prediction.top}**, {certain(usual, usual.prediction.top)}",
        ),
    ]
    with stage.view:
        row([*shown, *([over(now, "Map now", said)] if stage.answered else [])])
    same_answer = now.prediction.top == usual.prediction.top
    return Told(
        text=(
            "The network was trained with faint noise in the background, up to 0.2. Set the noise anywhere up to"
            f" **{high:g}**: for us the digit is the same."
        ),
        question="What changes for the network?",
        choices=("Neither its answer nor its heatmap", "Only its heatmap", "Its answer"),
        right=2 if not same_answer else 0 if meet >= SAME else 1,
        why=(
            f"It says {now.prediction.top}{' as before' if same_answer else f', no longer {usual.prediction.top}'}, and"
            f" the two heatmaps for class {usual.target_class} overlap by **{meet:.2f}** (1 is the same map). "
        )
        + (
            "What hardly matters to us can move a heatmap: look at more than one picture."
            if meet < SAME or not same_answer
            else "This map is steady: try less or more noise, and another digit."
        ),
    )


def empty_map(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Level", "late", help="Each level has removed 20 % of what the one before had left."))
        digit = digit_choice()
    answer = cached.comparison(facts.trained(level), facts.image_of(digit), facts.CAM)
    side, usable = answer.pruned, answer.pruned.usable
    with stage.view:
        row(
            [
                over(answer.dense, "Dense", f"says **{answer.dense.prediction.top}**"),
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
        else "Some path from input to output is left"
    )
    return Told(
        text=(
            f"At level {level} only **{answer.mask.kept} of {answer.mask.total:,}** weights are left. The network still"
            f" says something: **{side.prediction.top}**, with probability {certain(side, side.prediction.top)}."
        ),
        question="What does its heatmap look like?",
        choices=("Some evidence is left", "Specks everywhere", "Nothing at all"),
        right=0 if usable else 2,
        why=f"{path}. The map is **{'usable' if usable else side.state}**"
        + (
            ". Even so few weights can light up some cells."
            if usable
            else (
                ": no cell speaks for the class, so it is drawn as it is, without evidence. A program that stretches"
                " every map to full brightness would paint rounding errors here."
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
            "*Soft IoU* scores how well a heatmap covers the ink: 0 is nothing in common, 1 is the same picture. Now"
            " blur the heatmap: it says **less** about where the evidence lies."
        ),
        question="What happens to its score?",
        choices=("It falls", "It stays (within 0.005)", "It rises"),
        right=2 if change > 0.005 else 0 if change < -0.005 else 1,
        why=(
            f"It goes from {before:.3f} to **{after:.3f}**. With this blur it rises for **{risen} of {len(CLASSES)}**"
            f" digits, one of each class. A blurred map is brighter on average ({means[0]:.2f} to {means[1]:.2f}) and"
            " covers more ink. So a better score is not always a better map: show the map's mean beside it."
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
                over(side, f"Map {LETTERS[place]}", order[place] if stage.answered else "", f"Map {LETTERS[place]}")
                for place, side in enumerate(sides)
            ]
        )
    right = order.index("random-cam")
    real = [side for side, method in zip(sides, order, strict=True) if method != "random-cam"]
    meet = soft_iou_of(real[0].map, real[1].map) or 0.0
    return Told(
        text=(
            "The same network, the same digit, the same class, the same layer. Two maps come from methods that people"
            " use. The third weighs the layer's channels **at random**."
        ),
        question="Which one is random?",
        choices=("Map A", "Map B", "Map C"),
        right=right,
        why=(
            f"Map {LETTERS[right]}. The two real methods overlap by {'only ' if meet < SAME else ''}**{meet:.2f}**,"
            " though all is the same but a formula. A heatmap shows the network *through* a method: name the method,"
            " and see whether another one agrees."
        ),
    )


def what_to_say(stage: Stage) -> Told:
    mistaken = facts.convincing_mistake()
    engine, image = cached.engine(), ImageRef(name=str(mistaken))
    label, side = engine.picture(image).label, engine.heatmap(facts.dense(), image, THESIS)
    with stage.controls:
        digit = digit_choice("Beside the digit")
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
                    usual, "Another one", f"it says **{usual.prediction.top}**, {certain(usual, usual.prediction.top)}"
                ),
            ]
        )
    return Told(
        text=(
            "Two digits and the heatmaps for what the network says. The left map covers its ink with soft IoU"
            f" **{score:.2f}**, the right one with {facts.ink_overlap(digit, usual):.2f}."
        ),
        question="What may you say about the left one?",
        choices=(
            "It is right: its map lies on the ink",
            "It has understood the digit",
            f"These places speak for {side.target_class}",
        ),
        right=2,
        why=(
            f"The left digit is a **{label}**, and the network is wrong. A map that fits the ink well is no proof of a"
            f" right answer. Say: at this layer, by this method, these places speak for class {side.target_class}; then"
            " compare."
        ),
    )


LESSON = Lesson(
    "What a heatmap shows",
    "What a heatmap shows, and when it lies",
    (
        Step("One question, one picture", what_it_is),
        Step("The wrong class looks good too", wrong_class),
        Step("Noise that nobody sees", noise),
        Step("A map can be empty", empty_map),
        Step("Blur and the score", blur),
        Step("Another method, another picture", methods),
        Step("What you can conclude", what_to_say),
    ),
)
