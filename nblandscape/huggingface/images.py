"""Images to pixel values: by the checkpoint's image processor, or ready ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def pixel_values(images: Sequence[Any], processor: Any | None, config: Any) -> torch.Tensor:
    """Images as (B, C, H, W).

    Parameters
    ----------
    images : PIL images, arrays (H, W, C), or tensors (C, H, W)
        Without a processor: ready values, arrays or tensors (C, H, W) in floating point.
    processor : transformers image processor or None
    config : transformers.PretrainedConfig

    Raises
    ------
    ValueError
        Images that need a processor, or that have another size than the model.
    """
    ready = [_ready(image) for image in images]
    if all(tensor is not None for tensor in ready):  # what floats mean, a processor cannot know
        shapes = sorted({tuple(tensor.shape) for tensor in ready if tensor is not None})
        if len(shapes) > 1:
            raise ValueError(f"The pixel values have different shapes: {shapes[:4]}. Resize them first.")
        found = torch.stack([tensor for tensor in ready if tensor is not None])
    elif processor is not None:
        found = processor(images=list(images), return_tensors="pt")["pixel_values"]
    else:
        number = next(n for n, tensor in enumerate(ready) if tensor is None)
        raise ValueError(
            f"Image {number} is a {_kind(images[number])}, and there is no image processor that knows its "
            "size and scale. Pass processor=, or pixel values in floating point, (C, H, W) each."
        )
    check_pixels(found, config)
    return found


def check_pixels(found: torch.Tensor, config: Any) -> None:
    """Check pixel values (B, C, H, W) against the model.

    Raises
    ------
    ValueError
        Another number of channels or another size.
    """
    if found.ndim != 4:
        raise ValueError(f"pixel_values have shape {tuple(found.shape)}; (B, C, H, W) is needed.")
    channels, size = getattr(config, "num_channels", None), getattr(config, "image_size", None)
    if channels is not None and found.shape[1] != channels:
        raise ValueError(
            f"The images have {found.shape[1]} channels, the model {channels}. Convert them; shape is (C, "
            "H, W)."
        )
    wanted = (size, size) if isinstance(size, int) else tuple(size) if size is not None else None
    if wanted is not None and tuple(found.shape[2:]) != wanted:
        raise ValueError(
            f"The images are {found.shape[2]} by {found.shape[3]}, the model's {wanted[0]} by {wanted[1]}. "
            "Resize them, or pass processor=."
        )


def _ready(image: Any) -> torch.Tensor | None:
    if isinstance(image, np.ndarray) and image.dtype.kind == "f" and image.ndim == 3:
        return torch.from_numpy(np.ascontiguousarray(image))
    if isinstance(image, torch.Tensor) and image.is_floating_point() and image.ndim == 3:
        return image
    return None


def _kind(image: Any) -> str:
    if isinstance(image, (np.ndarray, torch.Tensor)):
        return f"{type(image).__name__} of {image.dtype} with shape {tuple(image.shape)}"
    return type(image).__name__
