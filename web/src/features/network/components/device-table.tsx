import { Button } from '@mantine/core';
import { Link } from 'react-router';

import { ForRole } from '@/components/ui/for-role';
import { ClockIcon, LinkIcon, SparkIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Pill } from '@/components/ui/pill';
import { Ago } from '@/components/ui/time';
import { sentence } from '@/lib/api-client';
import { revealInvisible } from '@/lib/format';
import type { Device, Node } from '@/types/api';

import { useWake } from '../api/devices';
import { kindOf, wakeWords as lastWakeWords } from '../device-view';
import classes from './device-table.module.css';

interface DeviceTableProps {
  node: Node;
  devices: Device[];
  nowMs: number;
  onInstall: (device: Device) => void;
}

// A table; on a narrow screen each row becomes a card of its own.
export function DeviceTable({ node, devices, nowMs, onInstall }: DeviceTableProps) {
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">Address</th>
          <th scope="col">MAC</th>
          <th scope="col">Name</th>
          <th scope="col">Vendor</th>
          <th scope="col">Status</th>
          <th scope="col">Last seen</th>
          <th scope="col">
            <span className={classes.hidden}>Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {devices.map((device) => (
          <DeviceRow
            key={device.mac}
            node={node}
            device={device}
            nowMs={nowMs}
            onInstall={() => onInstall(device)}
          />
        ))}
      </tbody>
    </table>
  );
}

function DeviceRow({
  node,
  device,
  nowMs,
  onInstall,
}: {
  node: Node;
  device: Device;
  nowMs: number;
  onInstall: () => void;
}) {
  const wake = useWake(node.id);
  const wakeWords = wake.isSuccess ? 'Wake again' : 'Wake';
  const called = revealInvisible(device.hostname || device.ip || device.mac);
  return (
    <tr data-device={device.mac}>
      <td className={classes.address}>
        <OutsideText text={device.ip} />
      </td>
      <td className={classes.mac}>
        <OutsideText text={device.mac} />
      </td>
      <td>
        <OutsideText text={device.hostname} />
      </td>
      <td>
        <OutsideText text={device.vendor} />
      </td>
      <td>
        <DeviceState device={device} nowMs={nowMs} />
      </td>
      <td>
        <Ago time={device.lastSeen} />
      </td>
      <td className={classes.actions}>
        <ForRole role="operator">
          <Button
            size="compact-xs"
            variant="default"
            loading={wake.isPending}
            onClick={() => wake.mutate(device.mac)}
            aria-label={`${wakeWords} ${called}`}
          >
            {wakeWords}
          </Button>
          {device.isManaged ? null : (
            <Button
              size="compact-xs"
              variant="default"
              onClick={onInstall}
              aria-label={`Install ${called}`}
            >
              Install
            </Button>
          )}
        </ForRole>
        <span className={classes.outcome} role="status">
          {wake.isSuccess
            ? node.online
              ? 'Packet ordered'
              : 'Kept until the tentacle is back'
            : lastWakeWords(device)}
          {wake.error ? revealInvisible(sentence(wake.error)) : null}
        </span>
      </td>
    </tr>
  );
}

function DeviceState({ device, nowMs }: { device: Device; nowMs: number }) {
  switch (kindOf(device, nowMs)) {
    case 'managed': {
      const pill = (
        <Pill tone="tentacle" icon={<LinkIcon />}>
          Managed
        </Pill>
      );
      if (!device.managedNodeId) return pill;
      return (
        <Link to={`/nodes/${encodeURIComponent(device.managedNodeId)}`} className={classes.managed}>
          {pill}
        </Link>
      );
    }
    case 'new':
      return (
        <Pill tone="wait" icon={<SparkIcon />}>
          New
        </Pill>
      );
    case 'flapping':
      return (
        <Pill tone="wait" icon={<SparkIcon />}>
          Comes and goes
        </Pill>
      );
    case 'gone':
      return (
        <Pill tone="quiet" icon={<ClockIcon />}>
          Gone
        </Pill>
      );
    case 'known':
      return (
        <Pill tone="quiet" icon={<ClockIcon />}>
          Known
        </Pill>
      );
  }
}
