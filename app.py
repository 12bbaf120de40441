"""Home: the question, a live example, and links to the other pages."""

from __future__ import annotations

import streamlit as st

# What has caches is imported where a page runs: the server imports this file before its caches
# exist, and Streamlit would warn.
from pages.parts.common import serving

CARDS = (
    (
        "Teach",
        "Six lessons for a class, with a question at every step and a handout to print. Any view can be presented or"
        " shared as an exercise.",
        (("pages/lessons.py", "Open lessons", ":material/school:"),),
    ),
    (
        "Study",
        "Accuracy and heatmaps over whole data sets, compared with three papers; images, methods and sparsities side"
        " by side.",
        (
            ("pages/curves.py", "View curves", ":material/show_chart:"),
            ("pages/compare.py", "Compare", ":material/view_column:"),
            ("pages/units.py", "Single units", ":material/scatter_plot:"),
        ),
    ),
    (
        "Try your network",
        "Open a photograph of yours in Explore, add weights of your own, or retrain a network on your photographs.",
        (
            ("pages/explore.py", "Explore", ":material/search:"),
            ("pages/my_networks.py", "My networks", ":material/upload_file:"),
            ("pages/retrain.py", "Retrain", ":material/model_training:"),
        ),
    ),
)


def main() -> None:
    from pages.parts.common import frame
    from pages.parts.home.demo import demo

    st.title("Does a pruned network still look at the same things?")
    st.markdown(
        "Pruning removes most of a network's weights, often without changing its answers. Is the *evidence* for those"
        " answers still the same? Move the slider: the heatmaps show where the network looks."
    )
    with frame.explained():
        demo()
    grid = st.grid(3, min_column_width=220, gap="medium")
    for title, text, links in CARDS:
        with grid.cell().container(border=True, height="stretch"):
            st.subheader(title, anchor=False)
            st.markdown(text)
            for file, label, icon in links:
                frame.link(file, label, icon)


if __name__ == "__main__":
    from pages.parts.common import frame

    with frame.page("Home"):
        main()
else:  # `streamlit run` imports this file for the server itself
    app = st.App(__file__, middleware=serving.checks())
