"""CAM methods and scaling as their papers define them, in plain loops over one image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

EPSILON = 1e-6  # pytorch-grad-cam's, in Grad-CAM++'s denominator


def grad_cam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Selvaraju et al. 2017, Eq. 1 and 2: activations and gradients (K, h, w) of one image -> (h,
    w).
    """
    channels, h, w = activations.shape
    result = np.zeros((h, w))
    for k in range(channels):
        weight = sum(float(gradients[k, i, j]) for i in range(h) for j in range(w)) / (h * w)
        for i in range(h):
            for j in range(w):
                result[i, j] += weight * float(activations[k, i, j])
    return np.maximum(result, 0)


def grad_cam_plus_plus(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Chattopadhay et al. 2018, Eq. 7 and 19, without the common factor exp(score)."""
    channels, h, w = activations.shape
    result = np.zeros((h, w))
    for k in range(channels):
        total = sum(float(activations[k, a, b]) for a in range(h) for b in range(w))
        weight = 0.0
        for i in range(h):
            for j in range(w):
                g = float(gradients[k, i, j])
                if g > 0:
                    weight += g * g**2 / (2 * g**2 + total * g**3 + EPSILON)
        for i in range(h):
            for j in range(w):
                result[i, j] += weight * float(activations[k, i, j])
    return np.maximum(result, 0)


def hires_cam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Draelos and Carin 2020: activation times gradient, cell by cell, summed over channels."""
    return np.maximum(_cell_by_cell(activations, gradients, lambda a, g: a * g), 0)


def layer_cam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Jiang et al. 2021, Eq. 4 to 6: activation times positive gradient, cell by cell, summed over
    channels.
    """
    return np.maximum(_cell_by_cell(activations, gradients, lambda a, g: a * max(g, 0.0)), 0)


def grad_cam_elementwise(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """pytorch-grad-cam's GradCAMElementWise: positive products of activation and gradient, summed
    over channels.
    """
    return _cell_by_cell(activations, gradients, lambda a, g: max(a * g, 0.0))


def _cell_by_cell(activations: np.ndarray, gradients: np.ndarray, of: Callable[[float, float], float]) -> np.ndarray:
    channels, h, w = activations.shape
    result = np.zeros((h, w))
    for k in range(channels):
        for i in range(h):
            for j in range(w):
                result[i, j] += of(float(activations[k, i, j]), float(gradients[k, i, j]))
    return result


def scale(values: np.ndarray) -> np.ndarray:
    """Min-max scaling with the library's 1e-7."""
    shifted = values - values.min()
    return shifted / (1e-7 + shifted.max())


def resize(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear with pixel centres at half integers (OpenCV's INTER_LINEAR), border values
    repeated.
    """
    h, w = values.shape
    result = np.zeros((height, width))
    for i in range(height):
        y = min(max((i + 0.5) * h / height - 0.5, 0.0), h - 1.0)
        top, bottom, dy = int(y), min(int(y) + 1, h - 1), y - int(y)
        for j in range(width):
            x = min(max((j + 0.5) * w / width - 0.5, 0.0), w - 1.0)
            left, right, dx = int(x), min(int(x) + 1, w - 1), x - int(x)
            upper = (1 - dx) * values[top, left] + dx * values[top, right]
            lower = (1 - dx) * values[bottom, left] + dx * values[bottom, right]
            result[i, j] = (1 - dy) * upper + dy * lower
    return result


def heatmap_from_zero(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """As `heatmap`, but only divided by the maximum each time."""
    resized = resize(values / (1e-7 + values.max()), height, width)
    return resized / (1e-7 + resized.max())


def heatmap(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scaled, resized, scaled again; zero where the map is the same everywhere."""
    if values.min() == values.max():
        return np.zeros((height, width))
    return scale(resize(scale(values.astype(np.float64)), height, width))
