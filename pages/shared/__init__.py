"""What all pages share: frame.py (settings, links, errors), address.py (the view in the URL),
widgets.py and sidebar.py (widgets -> specs), cached.py (the engine), story.py (words from numbers),
gallery.py, shown.py and details.py (parts of Explore)."""
