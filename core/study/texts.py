"""What participants read: consent, instructions and debriefing, with a version."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from core.base.errors import BadSpec

CONSENT = """\
You are invited to take part in a study of how people judge the explanations of image classifiers.

You will see pictures, some of them with coloured heatmaps, and answer simple questions about them. \
There are no known risks.

Taking part is voluntary. You can stop at any time. If you press "Withdraw", all your answers are deleted.

We keep your answers, the time each of them took, and the size of your screen. We do not ask for your name and do \
not pass your answers on to third parties while the study runs. Answers that cannot be traced back to you may be \
published.
"""

HEATMAP_PAIR = """\
You will see a picture and two heatmaps of it, one on the left and one on the right. A heatmap shows which places made \
a computer program give its answer: yellow and red mark the places that counted most.

Choose the heatmap that explains the answer more reasonably. If you see no difference, choose "Both equally".
"""

OCCLUSION_PAIR = """\
You will see a picture and, on the left and on the right, only that part of it which made a computer program give its \
answer. The rest is black.

Choose the side whose part explains the answer more reasonably. If you see no difference, choose "Both equally".
"""

NAME_OBJECT = """\
You will see a small part of a picture. The rest is black.

Choose what is in the picture. If you cannot tell, choose "I don't know".
"""

DEBRIEF = """\
Thank you.

The heatmaps came from image classifiers that had lost most of their connections ("pruning"), and from the same \
classifiers before. The study asks whether people find the explanations of the smaller ones as reasonable.
"""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Everything a participant reads besides the questions; blank lines separate paragraphs.

    version: a name for this wording. `stamp` also tells wordings of the same name apart. contact:
    whom to ask. language: a code such as "en", for screen readers.
    """

    version: str = "1"
    language: str = "en"
    consent: str = CONSENT
    heatmap_pair: str = HEATMAP_PAIR
    occlusion_pair: str = OCCLUSION_PAIR
    name_object: str = NAME_OBJECT
    debrief: str = DEBRIEF
    contact: str = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            if not isinstance(getattr(self, each.name), str):
                raise BadSpec(
                    f"The text '{each.name}' is {getattr(self, each.name)!r}.",
                    "Texts are words.",
                    "Put it between quotation marks.",
                )

    def instructions(self, kind: str) -> str:
        """Return the instructions of a kind of task."""
        return getattr(self, kind.replace("-", "_"))

    @property
    def stamp(self) -> str:
        """Return the version with a digest of the wording, which is kept with every consent."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{self.version}-{digest[:8]}"
