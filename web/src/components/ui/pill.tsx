import type { ReactNode } from 'react';

import classes from './pill.module.css';

export type Tone = 'good' | 'bad' | 'busy' | 'wait' | 'quiet' | 'tentacle';

// A state in an icon, a word and a colour, in this order of importance.
export function Pill({
  tone,
  icon,
  children,
}: {
  tone: Tone;
  icon: ReactNode;
  children: ReactNode;
}) {
  return (
    <span className={classes.pill} data-tone={tone}>
      {icon}
      <span>{children}</span>
    </span>
  );
}
