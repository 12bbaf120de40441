"""The thesis on MNIST: iterative pruning with weight reset, Grad-CAM++, soft IoU."""
