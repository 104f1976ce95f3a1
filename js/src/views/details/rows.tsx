import type { Reading } from "../canvas/marked";
import { Term, type TermId } from "../parts/term";
import type { Group } from "./facts";

/** The compact reading, then every group under its title. */
export function Facts({ reading: { rows, note }, groups }: { reading: Reading; groups: readonly Group[] }) {
  return (
    <>
      <List facts={rows} />
      {note && <p>{note}</p>}
      {groups.map(({ title, facts, note }) => (
        <section key={title} aria-label={title}>
          <h4>{title}</h4>
          <List facts={facts} />
          {note && <p class="nbl-details-note">{note}</p>}
        </section>
      ))}
    </>
  );
}

const TERMS: { [name: string]: TermId } = {
  loss: "loss",
  persistence: "persistence",
  supported: "supported",
  "basin share": "basin",
};

function List({ facts }: { facts: readonly { name: string; value: string; hint?: string }[] }) {
  return (
    <dl>
      {facts.map(({ name, value, hint }) => (
        <div key={name} title={name in TERMS ? undefined : hint}>
          <dt>{name in TERMS ? <Term of={TERMS[name]!}>{name}</Term> : name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
