"""Images: data sets of digits (datasets.py) and of photographs (downloads.py, folders.py), single
images (load_picture.py), the gallery.
"""

from core.data import downloads as downloads  # registers its data sets
