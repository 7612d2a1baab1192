import { Button, Group, NativeSelect, SegmentedControl, Skeleton } from '@mantine/core';
import { useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { ForRole } from '@/components/ui/for-role';
import { PowerIcon, RadarIcon, SearchIcon } from '@/components/ui/icons';
import { Panel } from '@/components/ui/panel';
import { SearchInput } from '@/components/ui/search-input';
import { Ago, useNow } from '@/components/ui/time';
import type { Device, Node } from '@/types/api';

import { devicesCsv, useDevices } from '../api/devices';
import { type DeviceFilter, type DeviceSort, lastScan, selectDevices } from '../device-view';
import { DeviceTable } from './device-table';
import classes from './network-tab.module.css';
import { ScanButton } from './scan-button';
import { SegmentFacts } from './segment-facts';
import { SegmentPings } from './segment-pings';
import { WakeDialog } from './wake-dialog';

// What of this tab is in the address.
export interface NetworkView {
  filter: DeviceFilter;
  sort: DeviceSort;
  search: string;
}

interface NetworkTabProps {
  node: Node;
  view: NetworkView;
  onView: (view: NetworkView) => void;
  onInstall: (device: Device) => void;
}

// Rows at once; a segment may hold thousands.
const PAGE = 200;

export function NetworkTab({ node, view, onView, onInstall }: NetworkTabProps) {
  const devices = useDevices(node.id);
  const [waking, setWaking] = useState(false);
  const scanned = devices.data ? lastScan(devices.data) : null;
  return (
    <Panel
      title="Devices in this segment"
      note={
        devices.data ? (
          <>
            {devices.data.length} discovered
            {scanned ? (
              <>
                , last seen <Ago time={scanned} />
              </>
            ) : null}
          </>
        ) : null
      }
      flush
      actions={
        <>
          <Button size="xs" variant="default" component="a" href={devicesCsv(node.id)} download>
            Export CSV
          </Button>
          <ForRole role="operator">
            <Button
              size="xs"
              variant="default"
              leftSection={<PowerIcon size={14} />}
              onClick={() => setWaking(true)}
            >
              Wake a machine
            </Button>
            <ScanButton node={node} />
          </ForRole>
        </>
      }
    >
      {devices.isPending ? <Skeleton height={160} /> : null}
      {devices.error && !devices.data ? (
        <Problem title="No devices" error={devices.error} onRetry={() => void devices.refetch()} />
      ) : null}
      {devices.data?.length === 0 ? (
        <Empty icon={<RadarIcon size={26} />} title="Nothing was discovered yet">
          A scan asks every address of the segment for its MAC address. Start one with “Scan now”; a
          tentacle also scans by itself once an hour.
        </Empty>
      ) : null}
      {devices.data && devices.data.length > 0 ? (
        <Devices
          node={node}
          devices={devices.data}
          view={view}
          onView={onView}
          onInstall={onInstall}
        />
      ) : null}
      <SegmentFacts node={node} />
      <SegmentPings node={node} />
      <WakeDialog opened={waking} node={node} onClose={() => setWaking(false)} />
    </Panel>
  );
}

function Devices({
  node,
  devices,
  view,
  onView,
  onInstall,
}: NetworkTabProps & { devices: Device[] }) {
  const now = useNow(60_000);
  const [limit, setLimit] = useState(PAGE);
  const shown = selectDevices(devices, view.filter, view.search, view.sort, now);
  return (
    <>
      <div className={classes.filters}>
        <SegmentedControl
          size="xs"
          aria-label="Which devices"
          value={view.filter}
          onChange={(filter) => onView({ ...view, filter: filter as DeviceFilter })}
          data={[
            { value: 'all', label: 'All' },
            { value: 'new', label: 'New' },
            { value: 'managed', label: 'Managed' },
            { value: 'unknown', label: 'Unmanaged' },
          ]}
        />
        <SearchInput
          className={classes.search}
          size="xs"
          label="Search devices"
          placeholder="Address, MAC, name, vendor"
          value={view.search}
          onChange={(search) => onView({ ...view, search })}
        />
        <NativeSelect
          size="xs"
          aria-label="Order"
          value={view.sort}
          onChange={(event) => onView({ ...view, sort: event.currentTarget.value as DeviceSort })}
          data={[
            { value: 'address', label: 'By address' },
            { value: 'newest', label: 'Newest first' },
            { value: 'seen', label: 'Seen last first' },
            { value: 'name', label: 'By name' },
          ]}
        />
        <span className={classes.count} role="status">
          {shown.length} of {devices.length} shown
        </span>
      </div>
      {shown.length === 0 ? (
        <Empty icon={<SearchIcon size={26} />} title="No device matches" />
      ) : (
        <DeviceTable
          node={node}
          devices={shown.slice(0, limit)}
          nowMs={now}
          onInstall={onInstall}
        />
      )}
      {shown.length > limit ? (
        <Group justify="center" p="sm">
          <Button size="xs" variant="default" onClick={() => setLimit(limit + PAGE)}>
            Show more ({limit} of {shown.length})
          </Button>
        </Group>
      ) : null}
    </>
  );
}
