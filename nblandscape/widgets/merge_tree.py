"""A merge tree alone."""

from typing import Any

import traitlets

from nblandscape.topology import MergeTree, Support, propose_threshold
from nblandscape.widgets import _wire
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._picture import png_of
from nblandscape.widgets._shown import NO_SELECTION
from nblandscape.widgets._spec import Spec


class MergeTreeView(NblWidget):
    """Clickable merge tree with a persistence slider.

    Parameters
    ----------
    tree : MergeTree
        Of a sublevel filtration, any dimension.
    support : Support, optional
        Error bars of this very tree: unsupported pairs are drawn as such, and a threshold is proposed.
    scale : {"linear", "log"}
    height : str
        CSS length.

    Examples
    --------
    >>> import numpy as np, nblandscape as nbl
    >>> view = nbl.MergeTreeView(nbl.merge_tree(np.array([1.0, 0.0, 2.0, 0.5])))
    >>> view.tree["shape"]
    [4]
    >>> view.close()
    """

    bundle = "merge_tree"
    spec = traitlets.Dict().tag(sync=True, echo_update=False)
    tree = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict(default_value={}).tag(sync=True, echo_update=False)
    selection = traitlets.Dict(default_value=NO_SELECTION).tag(sync=True, echo_update=False)

    def __init__(
        self,
        tree: MergeTree,
        *,
        support: Support | None = None,
        scale: str = "linear",
        height: str = "360px",
    ) -> None:
        if tree.kind != "sublevel":
            raise ValueError(f'kind="{tree.kind}": the view draws sublevel trees; pass merge_tree(-values).')
        spec: dict[str, Any] = Spec(1, scale=scale).to_wire()
        proposal = None if support is None else propose_threshold(tree, support)
        self._tree, self._support = tree, support
        super().__init__(height=height, spec=spec, tree=_wire.tree(tree, 1, support, proposal))

    def _png(self, *, width: float = 9.0, dpi: int = 90) -> bytes:
        from matplotlib.figure import Figure

        from nblandscape.figures import plot_merge_tree

        figure = Figure(figsize=(width, 0.6 * width), layout="constrained")
        tree = self._tree.simplify(float(self.spec["threshold"]))
        plot_merge_tree(figure.add_subplot(), tree, log=self.spec["scale"] == "log", support=self._support)
        return png_of(figure, dpi)
