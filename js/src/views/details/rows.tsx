import type { Reading } from "../surface/parts";
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

function List({ facts }: { facts: readonly { name: string; value: string; hint?: string }[] }) {
  return (
    <dl>
      {facts.map(({ name, value, hint }) => (
        <div key={name} title={hint || undefined}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
