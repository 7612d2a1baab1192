import { Skeleton } from '@mantine/core';

import { Problem } from '@/components/errors/problem';
import { Panel } from '@/components/ui/panel';
import { Sparkline } from '@/components/ui/sparkline';
import { formatBytes, formatPercent } from '@/lib/format';
import type { MetricSample } from '@/types/api';

import { useMetrics } from '../api/nodes';
import classes from './node-load.module.css';

// Bytes per second between neighbours; a counter that fell was started anew with its host.
export function rates(
  samples: MetricSample[],
  counter: (sample: MetricSample) => number | undefined,
): number[] {
  return samples.slice(1).flatMap((sample, index) => {
    const before = samples[index];
    if (!before) return [];
    const seconds = (Date.parse(sample.time) - Date.parse(before.time)) / 1000;
    const bytes = (counter(sample) ?? 0) - (counter(before) ?? 0);
    return seconds > 0 && bytes >= 0 ? [bytes / seconds] : [];
  });
}

export function NodeLoad({ nodeId }: { nodeId: string }) {
  const metrics = useMetrics(nodeId);
  if (metrics.isPending) return <Skeleton height={160} radius="lg" />;
  if (!metrics.data) {
    return (
      <Problem
        title="No load figures"
        error={metrics.error}
        onRetry={() => void metrics.refetch()}
      />
    );
  }
  const samples = metrics.data;
  const last = samples.at(-1);
  const received = rates(samples, (sample) => sample.networkRxBytes);
  const sent = rates(samples, (sample) => sample.networkTxBytes);
  return (
    <Panel title="Load" note="last hour">
      {last ? (
        <div className={classes.tiles}>
          <Tile
            name="CPU"
            value={formatPercent(last.cpuPercent)}
            values={samples.map((one) => one.cpuPercent ?? 0)}
            max={100}
          />
          <Tile
            name="Memory"
            value={formatPercent(last.memoryPercent)}
            values={samples.map((one) => one.memoryPercent ?? 0)}
            max={100}
          />
          <Tile
            name="Disk"
            value={formatPercent(last.diskPercent)}
            values={samples.map((one) => one.diskPercent ?? 0)}
            max={100}
          />
          <Tile
            name="Received"
            value={`${formatBytes(received.at(-1) ?? 0)}/s`}
            values={received}
          />
          <Tile name="Sent" value={`${formatBytes(sent.at(-1) ?? 0)}/s`} values={sent} />
        </div>
      ) : (
        <span className={classes.none}>
          Nothing was measured in the last hour. A tentacle sends a sample every minute.
        </span>
      )}
    </Panel>
  );
}

function Tile({
  name,
  value,
  values,
  max,
}: {
  name: string;
  value: string;
  values: number[];
  max?: number;
}) {
  return (
    <div>
      <div className={classes.head}>
        <span className={classes.name}>{name}</span>
        <span className={classes.value}>{value}</span>
      </div>
      <Sparkline values={values} max={max} label={`${name} in the last hour, now ${value}`} />
    </div>
  );
}
