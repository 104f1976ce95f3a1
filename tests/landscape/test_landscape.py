"""A landscape on disk: everything comes back, other tools' files are read, damage is named."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

import nblandscape as nbl
from nblandscape.landscape.archive import read_archive


def full(shape: tuple[int, ...]) -> nbl.Landscape:
    """Holes, metrics (one with a taken name), batch losses and slopes."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=shape)
    values.flat[1] = np.nan
    return nbl.Landscape(
        values,
        tuple(np.sort(rng.normal(size=n)) for n in shape),
        tuple(f"v{i}" for i in range(len(shape))),
        {"loss": values + 1, "top/5": -values},
        rng.normal(size=(*shape, 3)),
        np.array([1.0, 2.0, 3.0]),
        {"seed": 3, "unknown": float("nan")},
        rng.normal(size=(*shape, len(shape))),
    )


@pytest.mark.parametrize("shape", [(5,), (4, 6), (3,) * 6])
def test_everything_comes_back_from_a_file_and_is_in_the_dataset(tmp_path, shape):
    landscape = full(shape)
    again = nbl.Landscape.load(landscape.save(tmp_path / "file"))
    for name in ("values", "batch_losses", "batch_counts", "gradients"):
        np.testing.assert_array_equal(getattr(again, name), getattr(landscape, name))
    for axis, other in zip(again.axes, landscape.axes, strict=True):
        np.testing.assert_array_equal(axis, other)
    assert set(again.metrics) == {"loss", "top/5"}
    np.testing.assert_array_equal(again.metrics["loss"], landscape.metrics["loss"])
    assert again.labels == landscape.labels
    assert again.provenance["seed"] == 3
    data = landscape.to_xarray()
    np.testing.assert_array_equal(data["loss"], landscape.values)
    np.testing.assert_array_equal(data["metric_loss"], landscape.metrics["loss"])
    np.testing.assert_array_equal(data["batch_counts"], [1, 2, 3])
    assert data["batch_losses"].dims == (*(f"axis{i}" for i in range(len(shape))), "batch")


def test_batch_losses_without_counts_are_kept(tmp_path):
    landscape = nbl.Landscape(np.eye(3), (np.arange(3.0),) * 2, ("a", "b"), batch_losses=np.ones((3, 3, 2)))
    np.testing.assert_array_equal(
        nbl.Landscape.load(landscape.save(tmp_path / "file")).batch_losses, landscape.batch_losses
    )


def test_a_provenance_may_hold_numpy_numbers_and_paths(tmp_path):
    told = {"rate": np.float32(0.5), "steps": np.arange(3), "run": Path("runs")}
    landscape = nbl.Landscape.from_array(np.eye(3), provenance=told)
    expected = {"rate": 0.5, "steps": [0, 1, 2], "run": "runs"}
    assert nbl.Landscape.load(landscape.save(tmp_path / "file")).provenance == expected
    assert json.loads(landscape.to_xarray().attrs["provenance"]) == expected
    with pytest.raises(TypeError, match=r"object.*cannot be saved"):
        nbl.Landscape.from_array(np.eye(3), provenance={"model": object()}).save(tmp_path / "file")
    assert list(tmp_path.iterdir()) == [tmp_path / "file.npz"]  # the whole one from before


def test_landscapers_files_are_read(tmp_path):
    losses = np.arange(27.0).reshape(3, 3, 3)
    np.savez(tmp_path / "theirs.npz", loss=losses, coordinates=[np.linspace(-r, r, 3) for r in (1, 2, 3)])
    landscape = nbl.Landscape.load(tmp_path / "theirs.npz")
    np.testing.assert_array_equal(landscape.values, losses)
    assert [axis[-1] for axis in landscape.axes] == [1, 2, 3]
    assert landscape.origin is None
    np.savez(tmp_path / "odd.npz", loss=losses, coordinates=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"odd.npz .*2 axes for values of dimension 3"):
        nbl.Landscape.load(tmp_path / "odd.npz")
    pickled = np.array([np.arange(2), np.arange(3)], dtype=object)
    np.savez(tmp_path / "pickled.npz", loss=losses, coordinates=pickled)
    with pytest.raises(ValueError, match=r"pickled.npz .*allow_pickle"):
        nbl.Landscape.load(tmp_path / "pickled.npz")


def test_any_damage_is_named_or_harmless(tmp_path):
    landscape = full((9, 9))
    path = landscape.save(tmp_path / "file.npz")
    whole, rng = path.read_bytes(), random.Random(0)
    refused = harmless = 0
    for number in range(400):
        data = bytearray(whole)
        if number % 3 == 0:
            data = data[: rng.randrange(len(data))]
        else:
            for _ in range(number % 3):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(data))
        try:
            again = nbl.Landscape.load(path)
        except ValueError as error:
            refused += "file.npz" in str(error)
        else:
            np.testing.assert_array_equal(again.values, landscape.values)
            np.testing.assert_array_equal(again.gradients, landscape.gradients)
            harmless += 1
    assert refused + harmless == 400
    assert refused > 300


def test_a_file_without_its_axes_says_so(tmp_path):
    header, arrays = full((3, 3)).to_archive()
    arrays.pop("axis1")
    with pytest.raises(ValueError, match=r"lacks \['axis1'\]"):
        nbl.Landscape.from_archive(header, arrays)
    with pytest.raises(ValueError, match="not a file saved by nblandscape"):
        read_archive(tmp_path)
