import { useRef, useState } from "preact/hooks";
import type { SpectrumData } from "../../model/protocol";
import { eigenLabel, signedIndex } from "../../model/spec";
import type { Store } from "../../model/store";
import { num, squeezed } from "../parts/format";
import { linearScale, symlogScale } from "../parts/scales";
import { tickTexts } from "../parts/ticks";
import { useSize } from "../parts/use-size";
import { useSpec } from "../parts/use-spec";
import { assign, ROLE_NAMES, type Role, roleOf } from "./choose";
import { densityCounts, densityPath } from "./density";
import { dragToAxis } from "./drag";

const MARGIN = { left: 46, right: 10, top: 22, bottom: 34 };
const KEYS: Record<string, Role> = { x: "x", y: "y", o: "offset" };
/** Values that differ by more than this factor are drawn on a symmetric logarithmic axis. */
const LINEAR_UP_TO = 30;

/** Of the width, for all eigenvalues at one place. */
const DENSITY_SHARE = 0.75;
/** Of the height, for the lesser side of zero. */
const LEAST_SHARE = 0.3;

export function valueScale(values: readonly number[]) {
  const sizes = values.map(Math.abs).filter((v) => v > 0);
  const size = Math.max(...sizes, 1e-300);
  const least = Math.max(Math.min(...sizes, size), size * 1e-4);
  const low = Math.min(...values, 0);
  const high = Math.max(...values, 0);
  const log = size / least > LINEAR_UP_TO;
  // Room for the markers, so that the largest values do not touch the frame.
  if (!log) {
    const pad = 0.06 * (high - low || size);
    return { scale: linearScale(low < 0 ? low - pad : 0, high > 0 ? high + pad : pad), log };
  }
  const [bottom, top] = [low < 0 ? low * 1.6 : 0, Math.max(high * 1.6, 0)];
  // Small negative values beside large positive ones (or the reverse) still get a part of the axis to be read on.
  const lesser = (linear: number) => {
    const zero = symlogScale(bottom, top, linear).at(0);
    return Math.min(low < 0 ? zero : 1, high > 0 ? 1 - zero : 1);
  };
  let linear = least;
  for (let k = 0; k < 10 && lesser(linear) < LEAST_SHARE; k++) linear /= 2;
  return { scale: symlogScale(bottom, top, linear), log };
}

/** Ticks whose labels do not touch, zero always among them. */
function apart(ticks: readonly number[], y: (value: number) => number): number[] {
  const kept = ticks.includes(0) ? [0] : [];
  for (const t of ticks) if (kept.every((other) => Math.abs(y(other) - y(t)) >= 12)) kept.push(t);
  return kept;
}

/** One stem per eigenvalue, largest at the left, with what makes it (un)trustworthy. */
export function Stems({ store, spectrum, shade }: { store: Store; spectrum: SpectrumData; shade: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(box);
  const [pointed, setPointed] = useState<number | null>(null);
  const [tabbed, setTabbed] = useState(0);
  const axes = useSpec(store, (spec) => spec.axes);
  const offset = useSpec(store, (spec) => spec.offset.axis);
  const { axes: choosable, reason } = store.abilities.value;
  const { values } = spectrum;
  const { scale, log } = valueScale(values);

  const plotWidth = Math.max(width - MARGIN.left - MARGIN.right, 10);
  const plotHeight = Math.max(height - MARGIN.top - MARGIN.bottom, 10);
  const gap = values.length > spectrum.largest && spectrum.smallest > 0 ? 1 : 0;
  const firstSmall = Math.max(spectrum.largest, values.length - spectrum.smallest);
  const step = plotWidth / (values.length + gap);
  const x = (i: number) => MARGIN.left + step * (i + 0.5 + (gap === 1 && i >= firstSmall ? 1 : 0));
  const y = (v: number) => MARGIN.top + plotHeight * (1 - scale.at(v));
  const active = Math.min(tabbed, values.length - 1);
  const density = shade ? spectrum.density : null;

  const choose = (i: number, role: Role) => {
    const spec = store.spec.value;
    if (!choosable || spec === null) return;
    const change = assign(spec, role, signedIndex(i, spectrum));
    if (change !== null) store.request(change);
  };
  const focus = (i: number) => {
    const to = Math.min(Math.max(i, 0), values.length - 1);
    setTabbed(to);
    box.current?.querySelector<SVGElement>(`[data-stem="${to}"]`)?.focus();
  };
  const onKey = (event: KeyboardEvent, i: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const role = KEYS[event.key.toLowerCase()];
    const move = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: values.length - 1 }[event.key];
    if (role !== undefined) choose(i, role);
    else if (event.key === "Enter" || event.key === " ") choose(i, event.shiftKey ? "y" : "x");
    else if (move !== undefined) focus(move);
    else return;
    event.preventDefault();
  };

  return (
    <div class="nbl-stems" ref={box} onPointerLeave={() => setPointed(null)}>
      {width > 0 && height > 0 && (
        <svg width={width} height={height} role="group" aria-label="Eigenvalues of the Hessian">
          <defs>
            <pattern
              id="nbl-hatch"
              width="4"
              height="4"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <rect class="nbl-hatch-back" width="4" height="4" />
              <line class="nbl-hatch-line" x1="0" y1="0" x2="0" y2="4" />
            </pattern>
          </defs>
          {density && (
            <path
              class="nbl-density"
              aria-hidden="true"
              d={densityPath(
                densityCounts(density, spectrum.parameters, y, MARGIN.top, height - MARGIN.bottom),
                spectrum.parameters,
                MARGIN.left,
                DENSITY_SHARE * plotWidth,
              )}
            />
          )}
          <g class="nbl-axis" aria-hidden="true">
            {apart(scale.ticks(Math.max(3, Math.floor(plotHeight / 15))), y).map((t, k, all) => (
              <g key={t} transform={`translate(0,${y(t).toFixed(1)})`}>
                <line
                  class={t === 0 ? "nbl-zero" : undefined}
                  x1={MARGIN.left - 2}
                  x2={width - MARGIN.right}
                />
                <text
                  x={MARGIN.left - 8}
                  dy="0.32em"
                  textLength={squeezed(tickTexts(all)[k]!, MARGIN.left - 9)}
                  lengthAdjust="spacingAndGlyphs"
                >
                  {tickTexts(all)[k]}
                </text>
              </g>
            ))}
            {gap === 1 && (
              <text class="nbl-gap" x={(x(firstSmall - 1) + x(firstSmall)) / 2} y={y(0)} dy="-0.4em">
                ⋯
              </text>
            )}
          </g>
          {values.map((value, i) => (
            <Stem
              key={i}
              spectrum={spectrum}
              i={i}
              x={x(i)}
              y={y}
              step={step}
              bottom={height - MARGIN.bottom}
              role={roleOf(axes, offset, signedIndex(i, spectrum))}
              pointed={pointed === i}
              tabbable={active === i}
              value={value}
              onPoint={() => setPointed(i)}
              onFocus={() => {
                setTabbed(i);
                setPointed(i);
              }}
              onKey={(event) => onKey(event, i)}
              onPress={(event) => {
                const index = signedIndex(i, spectrum);
                if (choosable) dragToAxis(event, eigenLabel(index), (to) => choose(i, to));
              }}
              onChoose={(event) => {
                setTabbed(i);
                choose(i, event.shiftKey ? "y" : "x");
              }}
            />
          ))}
        </svg>
      )}
      <p class="nbl-stem-note nbl-select-text">
        {pointed !== null && pointed < values.length
          ? stemText(spectrum, pointed)
          : `eigenvalue${log ? ", symmetric log axis" : ""}${density ? " · shade: how many lie there (log)" : ""}`}
      </p>
      {pointed !== null && pointed < values.length && choosable && (
        <div class="nbl-stem-roles" style={{ left: `${Math.min(Math.max(x(pointed), 52), width - 58)}px` }}>
          {(["x", "y", "offset"] as const).map((role) => (
            <button
              key={role}
              type="button"
              class="nbl-button nbl-small nbl-button-line"
              tabIndex={-1}
              aria-pressed={roleOf(axes, offset, signedIndex(pointed, spectrum)) === role}
              title={`Use ${eigenLabel(signedIndex(pointed, spectrum))} as ${ROLE_NAMES[role]}`}
              onClick={() => choose(pointed, role)}
            >
              {role}
            </button>
          ))}
        </div>
      )}
      {!choosable && reason !== "" && <span class="nbl-hidden">{reason}</span>}
    </div>
  );
}

function stemText(spectrum: SpectrumData, i: number): string {
  const trust = spectrum.resolved[i] ? "" : " · not resolved";
  const label = eigenLabel(signedIndex(i, spectrum));
  return `${label} = ${num(spectrum.values[i]!)} ± ${num(spectrum.residuals[i] ?? Number.NaN, 2)} · slope ${num(spectrum.slopes[i] ?? 0, 2)}${trust}`;
}

interface StemProps {
  spectrum: SpectrumData;
  i: number;
  value: number;
  x: number;
  y(value: number): number;
  step: number;
  bottom: number;
  role: Role | null;
  pointed: boolean;
  tabbable: boolean;
  onPoint(): void;
  onFocus(): void;
  onKey(event: KeyboardEvent): void;
  onPress(event: PointerEvent): void;
  onChoose(event: MouseEvent): void;
}

/** Positive: a disc on a solid stem. Negative: a hatched triangle on a dashed one. Not resolved: hollow. */
function Stem(props: StemProps) {
  const { spectrum, i, value, x, y, step, bottom, role } = props;
  const negative = value < 0;
  const residual = spectrum.residuals[i] ?? 0;
  const resolved = spectrum.resolved[i] ?? false;
  const label = eigenLabel(signedIndex(i, spectrum));
  const zero = y(0);
  const at = y(value);
  const [above, below] = [y(value + residual), y(value - residual)];
  const classes = [
    "nbl-stem",
    negative ? "nbl-stem-negative" : "nbl-stem-positive",
    resolved ? "" : "nbl-stem-open",
    role === null ? "" : "nbl-stem-used",
    props.pointed ? "nbl-stem-pointed" : "",
  ];
  const reach = Math.max(Math.min(step, 44), 12) / 2;
  const words = `${label} = ${num(value)}, ${negative ? "negative, " : ""}residual ${num(residual, 2)}${resolved ? "" : ", not resolved"}${role === null ? "" : `, ${ROLE_NAMES[role]}`}`;
  return (
    <g
      class={classes.join(" ")}
      role="button"
      aria-pressed={role !== null}
      aria-label={words}
      tabindex={props.tabbable ? 0 : -1}
      data-stem={i}
      onPointerEnter={props.onPoint}
      onFocus={props.onFocus}
      onKeyDown={props.onKey}
      onPointerDown={props.onPress}
      onClick={props.onChoose}
    >
      <rect
        class="nbl-stem-hit"
        x={x - reach}
        y={MARGIN.top - 8}
        width={2 * reach}
        height={bottom - MARGIN.top + 38}
        rx={4}
      />
      <line class="nbl-stem-line" x1={x} x2={x} y1={zero} y2={at} />
      {below - above > 1 && (
        <path
          class="nbl-stem-bar"
          d={`M${x - 4},${above}H${x + 4}M${x},${above}V${below}M${x - 4},${below}H${x + 4}`}
        />
      )}
      {negative ? (
        <path
          class="nbl-stem-head"
          fill={resolved ? "url(#nbl-hatch)" : undefined}
          d={`M${x},${at + 6}L${x - 6},${at - 5}H${x + 6}Z`}
        />
      ) : (
        <circle class="nbl-stem-head" cx={x} cy={at} r={5} />
      )}
      <text class="nbl-stem-label" x={x} y={bottom + 15}>
        {step >= 18 || role !== null ? label : ""}
      </text>
      {role !== null && (
        <g class="nbl-stem-role" transform={`translate(${x},${bottom + 25})`}>
          <rect x={-13} y={-7} width={26} height={14} rx={7} />
          <text dy="0.32em">{role === "offset" ? "off" : role}</text>
        </g>
      )}
    </g>
  );
}
