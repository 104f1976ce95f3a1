import { volumeOf } from "../../model/volume-data";
import { topologyPanelWith } from ".";
import { PointCheck } from "./point-check";
import { ProfilePlot } from "./profile-plot";

/** All pictures of the topology, for a tree that comes with its surface. */
export const TopologyPanel = topologyPanelWith(
  {
    profile: {
      name: "Landscape profile",
      tab: "Profile",
      byLeaf: true,
      View: (shown) => {
        const { grid, tree, store } = shown;
        if (grid !== null) return <ProfilePlot {...shown} field={grid} axes={[grid.x0, grid.x1]} />;
        const volume = volumeOf(store);
        const fits = volume?.values.length === tree.basins.length;
        return fits ? <ProfilePlot {...shown} field={volume} axes={volume.axes} /> : null;
      },
    },
  },
  PointCheck,
);
