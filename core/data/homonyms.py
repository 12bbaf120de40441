"""Folder names with more than one meaning, so that toy kites are not silently counted as ImageNet's
birds.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.base.text import first_few
from core.data.classes import SYNSET, Classes, are_numbered, class_index, class_indices, is_imagenet, plain, synsets

LISTED = 10  # listed in a note; the others are only counted
# Classes of ImageNet whose name has another meaning that people photograph: synset, name in
# torchvision, what ImageNet shows, other meaning.
HOMONYMS: tuple[tuple[str, str, str, str], ...] = (
    ("n01558993", "robin", "the American robin", "the European robin"),
    ("n01608432", "kite", "a bird of prey", "a toy on a string"),
    ("n01756291", "sidewinder", "a snake", "a missile"),
    ("n01774384", "black widow", "a spider", "a comic character"),
    ("n01776313", "tick", "an arachnid", "a check mark"),
    ("n01847000", "drake", "a male duck", "a dragon, or a person of that name"),
    ("n01945685", "slug", "an animal without a shell", "a bullet"),
    ("n01955084", "chiton", "a mollusc", "a Greek garment"),
    ("n02086910", "papillon", "a dog", "a butterfly"),
    ("n02096177", "cairn", "a terrier", "a heap of stones"),
    ("n02098413", "Lhasa", "a dog", "the city"),
    ("n02105412", "kelpie", "a dog", "a water spirit"),
    ("n02107908", "Appenzeller", "a dog", "a cheese"),
    ("n02108089", "boxer", "a dog", "an athlete"),
    ("n02111277", "Newfoundland", "a dog", "the island"),
    ("n02112137", "chow", "a dog", "food"),
    ("n02113023", "Pembroke", "a dog", "the town"),
    ("n02128925", "jaguar", "a big cat", "a car"),
    ("n02190166", "fly", "an insect", "a fishing fly"),
    ("n02229544", "cricket", "an insect", "the sport"),
    ("n02231487", "walking stick", "an insect", "a cane"),
    ("n02276258", "admiral", "a butterfly", "an officer"),
    ("n02277742", "ringlet", "a butterfly", "a curl of hair"),
    ("n02279972", "monarch", "a butterfly", "a king or queen"),
    ("n02328150", "Angora", "a rabbit", "a goat or a cat"),
    ("n02389026", "sorrel", "a horse", "a plant"),
    ("n02412080", "ram", "a male sheep", "a memory module or a pickup truck"),
    ("n02422699", "impala", "an antelope", "a car"),
    ("n02442845", "mink", "an animal", "a fur coat"),
    ("n02492035", "capuchin", "a monkey", "a friar"),
    ("n02655020", "puffer", "a fish", "a jacket"),
    ("n02704792", "amphibian", "a vehicle", "a frog or a newt"),
    ("n02782093", "balloon", "one that carries people", "a toy balloon"),
    ("n02797295", "barrow", "a wheelbarrow", "a burial mound"),
    ("n02817516", "bearskin", "a guardsman's cap", "a bear's fur"),
    ("n02869837", "bonnet", "a hat", "the hood of a car"),
    ("n02879718", "bow", "a weapon", "a ribbon, or the front of a ship"),
    ("n02892201", "brass", "a memorial plaque", "brass instruments"),
    ("n03014705", "chest", "a box", "a part of the body"),
    ("n03110669", "cornet", "a brass instrument", "an ice cream cone"),
    ("n03126707", "crane", "a machine that lifts loads", "a bird (class 134)"),
    ("n03249569", "drum", "a musical instrument", "an oil drum"),
    ("n03250847", "drumstick", "a stick to play drums with", "a chicken leg"),
    ("n03337140", "file", "a filing cabinet", "a tool or a document"),
    ("n03447447", "gondola", "a boat", "a cable car"),
    ("n03584829", "iron", "an appliance that presses clothes", "the metal"),
    ("n03595614", "jersey", "a T-shirt or pullover", "a cow or the island"),
    ("n03673027", "liner", "an ocean liner", "a lining"),
    ("n03710637", "maillot", "tights", "a one-piece swimsuit (class 639) or a cycling jersey"),
    ("n03782006", "monitor", "a computer screen", "a lizard"),
    ("n03786901", "mortar", "a bowl to grind in", "a weapon, or what holds bricks together"),
    ("n03793489", "mouse", "a computer mouse", "an animal"),
    ("n03803284", "muzzle", "a strap over a dog's mouth", "a snout, or the end of a gun"),
    ("n03804744", "nail", "a metal pin", "a fingernail"),
    ("n03825788", "nipple", "the teat of a bottle", "a part of the body"),
    ("n03832673", "notebook", "a computer", "a book of paper"),
    ("n03854065", "organ", "a musical instrument", "a part of the body"),
    ("n03929660", "pick", "a plectrum", "a pickaxe"),
    ("n03947888", "pirate", "a pirate ship", "a person"),
    ("n03950228", "pitcher", "a jug", "a baseball player"),
    ("n03954731", "plane", "a carpenter's tool", "an aeroplane"),
    ("n03991062", "pot", "a flowerpot", "a cooking pot"),
    ("n04037443", "racer", "a racing car", "a person or a snake"),
    ("n04141975", "scale", "a weighing scale", "a fish scale or a ruler's scale"),
    ("n04152593", "screen", "a computer screen", "a folding screen or a window screen"),
    ("n04243546", "slot", "a slot machine", "an opening"),
    ("n04355933", "sunglass", "a burning lens", "a pair of sunglasses (class 837)"),
    ("n04372370", "switch", "an electric switch", "a railway switch or a games console"),
    ("n04389033", "tank", "an armoured vehicle", "a container, such as a fish tank"),
    ("n04456115", "torch", "a burning stick", "a flashlight"),
    ("n04493381", "tub", "a vat", "a bathtub (class 435)"),
    ("n04515003", "upright", "a piano", "a post"),
    ("n04523525", "vault", "an arched ceiling", "a bank vault or a jump"),
    ("n04554684", "washer", "a washing machine", "a metal ring"),
    ("n04592741", "wing", "a part of an aircraft", "a part of a bird"),
    ("n04606251", "wreck", "a sunken ship", "a wrecked car"),
    ("n07579787", "plate", "a dish of food", "an empty plate"),
    ("n07930864", "cup", "a drink, by WordNet a punch", "a vessel or a trophy"),
    ("n10148035", "groom", "a man at his wedding", "somebody who cares for horses"),
    ("n12620546", "hip", "the fruit of a rose", "a part of the body"),
    ("n13133613", "ear", "an ear of corn", "a part of the body"),
)


def matching_notes(folders: Sequence[str], classes: Classes) -> tuple[str, ...]:
    """Return notes on how folders were matched to a network's classes, where that is not plain."""
    return (*_number_notes(tuple(folders), classes), *homonym_notes(folders, classes))


def _number_notes(folders: Classes, classes: Classes) -> tuple[str, ...]:
    """Return a note on outputs that have numbers instead of names."""
    if not are_numbered(classes):
        return ()
    advice = "If the network was trained in another order, name its outputs as the folders are."
    if not any(map(are_numbered, ((name,) for name in folders))):
        if len(folders) != len(classes):
            return ()
        pairs = first_few([f"{name} is {output}" for name, output in zip(folders, classes, strict=True)], LISTED)
        return (f"The network's outputs have no names. They are the folders in sorted order: {pairs}. {advice}",)
    if not are_numbered(folders):
        return ()
    span = f"from {min(folders, key=_number)} to {max(folders, key=_number)}"
    if None in class_indices(folders, classes):
        return (
            f"The folders are numbered {span}, the network's outputs from {classes[0]} to {classes[-1]}: none is"
            " matched, since number and order disagree. Name the network's outputs as the folders are.",
        )
    if sorted(folders) != sorted(folders, key=_number) and sorted(classes, key=_number) == list(classes):
        return (
            f"The folders are numbered {span}, and matched to outputs by number. ImageFolder of torchvision sorts them"
            f" as text: {first_few(sorted(folders), LISTED)}. {advice}",
        )
    return ()


def _number(name: str) -> int:
    return int(name.split()[-1])


def homonym_notes(folders: Sequence[str], classes: Classes) -> tuple[str, ...]:
    """Return notes on folder names that may mean something other than the class they are counted
    as.

    Names that fit several classes of the network are found by comparison; other meanings are known
    for ImageNet's classes only. A folder named by its synset has one meaning.
    """
    names = [name for name in folders if not SYNSET.fullmatch(name)]
    notes = [text for name in names if (text := _several_classes(name, classes) or another_meaning(name, classes))]
    if not notes:
        return ()
    more = f"; and {len(notes) - LISTED:,} more" if len(notes) > LISTED else ""
    return (
        (
            f"Folder names with more than one meaning: {'; '.join(notes[:LISTED])}{more}. Rename a folder that shows "
            "something else. To confirm a class, name the folder by its synset."
        ),
    )


def _several_classes(name: str, classes: Classes) -> str:
    alike = [index for index, known in enumerate(classes) if plain(known) == plain(name)]
    if len(alike) < 2:
        return ""
    index = class_index(name, classes)
    counted = "is left out, because it" if index is None else f"is counted as class {index}, but"
    known = " and ".join(f"{index} ({classes[index]}{_synset(index, classes)})" for index in alike)
    return f"'{name}' {counted} fits the classes {known}"


def another_meaning(name: str, classes: Classes) -> str:
    """Return what a name does not mean although people may read it so; "" for a plain name."""
    index = class_index(name, classes)
    if index is None or not is_imagenet(classes):
        return ""
    meanings = {synsets()[synset]: (shown, other) for synset, _, shown, other in HOMONYMS}
    if index not in meanings:
        return ""
    shown, other = meanings[index]
    return (
        f"'{name}' is counted as ImageNet's class {index}, {classes[index]} ({shown}{_synset(index, classes)}), not"
        f" {other}"
    )


def _synset(index: int, classes: Classes) -> str:
    return f", {list(synsets())[index]}" if is_imagenet(classes) else ""
