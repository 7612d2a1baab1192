import { formatPercent } from '@/lib/format';

import classes from './meter.module.css';

// From here on a host is short of something.
const HIGH_PERCENT = 90;

export function Meter({ label, percent }: { label: string; percent: number | undefined }) {
  const shown = Math.min(100, Math.max(0, percent ?? 0));
  return (
    <div className={classes.meter}>
      <span className={classes.label}>{label}</span>
      <span className={classes.track} aria-hidden="true">
        <span
          className={classes.fill}
          data-high={shown >= HIGH_PERCENT || undefined}
          style={{ width: `${shown}%` }}
        />
      </span>
      <span className={classes.value}>{formatPercent(percent)}</span>
    </div>
  );
}
