import classes from './sparkline.module.css';

interface SparklineProps {
  values: number[];
  // The top of the picture; without it the highest value is.
  max?: number;
  label: string;
}

const WIDTH = 240;
const HEIGHT = 48;

// One series, oldest first. The numbers stand beside it; this shows their course.
export function Sparkline({ values, max, label }: SparklineProps) {
  if (values.length < 2) return <div className={classes.none}>not enough samples yet</div>;
  const top = max ?? Math.max(1e-9, ...values);
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * WIDTH;
    const y = HEIGHT - 2 - (Math.min(top, Math.max(0, value)) / top) * (HEIGHT - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg
      className={classes.line}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <polygon
        points={`0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`}
        className={classes.area}
      />
      <polyline
        points={points.join(' ')}
        className={classes.stroke}
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
