"""The thesis on MNIST: iterative pruning with weights reset, Grad-CAM++, soft IoU."""
