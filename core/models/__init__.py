"""Networks: the zoo's cards (zoo.py) and the thesis CNN (small.py)."""
