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
      View: ({ store, tree, grid }) => grid && <ProfilePlot store={store} tree={tree} grid={grid} />,
    },
  },
  PointCheck,
);
