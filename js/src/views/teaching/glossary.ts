/** Every technical term that the explorer shows: what it is called, and one sentence. */
const ENTRIES = {
  loss: [
    "Loss",
    "The number that is to be made small, at the parameters of each point: the height and the colour of the surface.",
  ],
  points: ["Points", "The points of the grid at which the loss itself was evaluated."],
  minimum: [
    "Minimum",
    "A grid point with no lower neighbour, the bottom of a basin of this slice; of all parameters it need not be a minimum.",
  ],
  saddle: [
    "Saddle",
    "Where a basin, filled from below, first joins that of a deeper minimum: the lowest pass out of it; saddles that only close a loop are not counted.",
  ],
  basin: [
    "Basin",
    "The points from which descent on the grid ends in this minimum, or in one that the persistence threshold merged into it; the number is its share of the window.",
  ],
  persistence: [
    "Persistence",
    "How far the loss must rise from a minimum before its basin joins that of a deeper one; the lowest minimum joins none (∞).",
  ],
  smad: [
    "SMAD",
    "Saddle-minimum average distance: the mean, over all minima shown, of the rise from the minimum to the first saddle where its basin joins another; 0 with a single minimum.",
  ],
  supported: [
    "Supported by the data",
    "The persistence exceeds a multiple of its standard error over the batches plus the interpolation error of the grid; a dip that does not may be noise.",
  ],
  stderr: [
    "Standard error",
    "How much the persistence varies when the batches of data are resampled; a dash where nothing is known of it.",
  ],
  tree: [
    "Merge tree",
    "The loss is filled from below: each minimum begins a branch, which ends at the saddle where its basin joins a deeper one.",
  ],
  diagram: [
    "Persistence diagram",
    "Each minimum as a mark: to the right the loss where its basin begins, up the loss where it joins a deeper one; the further above the diagonal, the more persistent.",
  ],
  barcode: [
    "Barcode",
    "Each basin as a bar from the loss of its minimum to that of its saddle: the length is its persistence.",
  ],
  profile: [
    "Landscape profile",
    "The merge tree as a landscape: at each loss a basin is as wide as the share of the window that lies below that loss in it; left and right mean nothing.",
  ],
  hessian: [
    "Spectrum of the Hessian",
    "The Hessian is the matrix of the second derivatives of the loss; its eigenvalues are the curvatures along its eigenvectors, at the point that the plane starts from.",
  ],
  eigenpair: [
    "Eigenpair",
    "A direction in the space of all parameters (eigenvector) and the curvature of the loss along it (eigenvalue): positive bends up, negative bends down.",
  ],
  residual: [
    "Residual",
    "‖Hv − λv‖ of a computed eigenpair: some eigenvalue of the Hessian lies within this distance of λ.",
  ],
  resolved: [
    "Resolved",
    "An eigenvalue is resolved if its residual is at most a tenth of it; of others not even the sign may be right.",
  ],
  product: [
    "Product",
    "A product of the Hessian with a vector, the unit of cost here; the Hessian itself is never formed.",
  ],
  density: [
    "Spectral density",
    "How many of all eigenvalues lie near a value, estimated from one random vector by stochastic Lanczos quadrature.",
  ],
  range: ["Range", "Half the width of the window along each axis, as a distance along that direction."],
  resolution: ["Resolution", "Points along each axis; the cost grows with the number of all points."],
  offset: ["Offset", "Moves the plane away from where it starts, along a third eigenvector."],
  threshold: [
    "Persistence threshold",
    "Minima less persistent than this are merged into deeper ones, in every picture and number.",
  ],
  log: [
    "Logarithmic scale",
    "Equal heights are equal ratios of the loss; only positive losses can be drawn.",
  ],
  symlog: [
    "Symmetric logarithmic scale",
    "Linear close to 0 and logarithmic beyond, on both sides, so that negative losses can be drawn too.",
  ],
  hole: ["Hole", "A point where the loss is not finite: it is left out, never filled in."],
} as const;

export type TermId = keyof typeof ENTRIES;

export const GLOSSARY: Record<TermId, readonly [name: string, sentence: string]> = ENTRIES;
