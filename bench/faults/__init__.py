"""Campaigns that look for faults: `python -m bench faults NAME` tries the same kind of harm many
times and counts how often something went wrong.

A campaign is resumed where it ended. Each fault found becomes a small test; the campaigns
themselves stay out of the tests.
"""

from bench.faults import answers, disk, download, hostile, kill_server, kills, memory
from bench.faults.campaign import CAMPAIGNS, Campaign, Trial, summed_up, work

__all__ = [
    "CAMPAIGNS",
    "Campaign",
    "Trial",
    "answers",
    "disk",
    "download",
    "hostile",
    "kill_server",
    "kills",
    "memory",
    "summed_up",
    "work",
]
