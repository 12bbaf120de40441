"""My networks: a short form from one or two files of weights to Explore, and a list of own
networks.
"""

from __future__ import annotations

import streamlit as st

from pages.parts.common import access, link, present
from pages.parts.networks import form, listing
from pages.parts.sidebar import model


def main() -> None:
    model.look_again()
    link.open_page(dict)
    st.title("Try my network")
    st.markdown(
        "Does your compressed network still look at the same things? Choose its weights and those of the network that"
        " it was made from, by whatever tool pruned, quantised or distilled it. One file alone will do: Sparsight can"
        " prune it for you."
    )
    if not present.on() and access.offers(access.OWN_WEIGHTS):
        form.form()
    st.header("Your networks", anchor=False)
    listing.listing()
