export { DetailsCard } from "./card";
export { default as detailsStyles } from "./details.css";
export { OriginLine } from "./origin-line";
