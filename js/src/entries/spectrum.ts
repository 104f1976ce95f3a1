import { defineWidget } from "../host/define-widget";
import { single, singleStyles } from "../views/single";
import { SpectrumPanel, spectrumStyles } from "../views/spectrum";

export default defineWidget("spectrum", single(SpectrumPanel), [spectrumStyles, singleStyles]);
