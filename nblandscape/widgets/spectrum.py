"""A spectrum alone."""

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from nblandscape.widgets import _wire
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._picture import png_of
from nblandscape.widgets._spec import Spec

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum


class SpectrumView(NblWidget):
    """Eigenvalues from both ends with their residuals.

    Parameters
    ----------
    spectrum : Spectrum
    height : str
        CSS length.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> objective = nbl.Objective(torch.nn.Linear(2, 1), torch.nn.MSELoss(), (torch.eye(2), torch.ones(2, 1)))
    >>> view = nbl.SpectrumView(nbl.hessian_spectrum(objective))
    >>> view.spectrum["complete"]
    True
    >>> view.close()
    """

    bundle = "spectrum"
    spec = traitlets.Dict().tag(sync=True, echo_update=False)
    spectrum = traitlets.Dict().tag(sync=True)

    def __init__(self, spectrum: "Spectrum", *, height: str = "280px") -> None:
        spec: dict[str, Any] = Spec(1).to_wire()
        slopes = np.zeros(len(spectrum.values))
        super().__init__(
            height=height, spec=spec, spectrum=_wire.spectrum(spectrum, slopes, 0.0, 0.0, complete=True)
        )

    def _png(self, *, width: float = 9.0, dpi: int = 90) -> bytes:
        from matplotlib.figure import Figure

        from nblandscape.figures import plot_spectrum

        figure = Figure(figsize=(width, 0.45 * width), layout="constrained")
        plot_spectrum(figure.add_subplot(), self.spectrum["values"], self.spectrum["residuals"])
        return png_of(figure, dpi)
