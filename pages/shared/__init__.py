"""What all pages share: frame.py (settings, links, errors), address.py (the view in the URL), sidebar.py (widgets -> specs), cached.py (the engine)."""
