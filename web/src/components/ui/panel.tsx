import { Title } from '@mantine/core';
import { type ReactNode, useId } from 'react';

import classes from './panel.module.css';

interface PanelProps {
  title: ReactNode;
  // What stands beside the title: a count, a time.
  note?: ReactNode;
  actions?: ReactNode;
  // Lists and tables reach the panel's edges.
  flush?: boolean;
  children: ReactNode;
}

export function Panel({ title, note, actions, flush = false, children }: PanelProps) {
  const id = useId();
  return (
    <section className={classes.panel} aria-labelledby={id}>
      <header className={classes.head}>
        <div className={classes.titles}>
          <Title order={2} size="h5" id={id}>
            {title}
          </Title>
          {note ? <span className={classes.note}>{note}</span> : null}
        </div>
        {actions ? <div className={classes.actions}>{actions}</div> : null}
      </header>
      <div className={flush ? undefined : classes.body}>{children}</div>
    </section>
  );
}

// A list of facts, each a name and a value.
export function Facts({ facts }: { facts: [name: string, value: ReactNode][] }) {
  return (
    <dl className={classes.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
