import { defineWidget } from "../host/define-widget";
import { createStore } from "../model/create-store";
import { single, singleStyles } from "../views/single";
import { SpectrumPanel, spectrumStyles } from "../views/spectrum";

export default defineWidget("spectrum", single(SpectrumPanel), [spectrumStyles, singleStyles], createStore);
