import type { ReactNode } from 'react';

import classes from './empty.module.css';

// Nothing is there yet, and what to do about it.
export function Empty({
  icon,
  title,
  children,
}: {
  icon: ReactNode;
  title: string;
  children?: ReactNode;
}) {
  return (
    <div className={classes.empty}>
      <span className={classes.icon}>{icon}</span>
      <p className={classes.title}>{title}</p>
      {children ? <div className={classes.next}>{children}</div> : null}
    </div>
  );
}
