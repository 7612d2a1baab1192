import { Button, Group, Skeleton, Stack } from '@mantine/core';
import { useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { AlertIcon, CheckIcon, ClockIcon, SearchIcon, ServerIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Facts, Panel } from '@/components/ui/panel';
import { Pill } from '@/components/ui/pill';
import { SearchInput } from '@/components/ui/search-input';
import { SimpleTable } from '@/components/ui/simple-table';
import { Ago, Since } from '@/components/ui/time';
import { revealInvisible } from '@/lib/format';
import type { Inventory, PendingUpdate, WatchedUnit } from '@/types/api';

import { useInventory, useWatchedUnits } from '../api/nodes';
import { selectServices, updatesOf } from '../node-view';
import classes from './system-tab.module.css';

interface SystemTabProps {
  nodeId: string;
  // Shows what a unit wrote.
  onJournal: (unit: string) => void;
}

// Rows at once; more on request.
const PAGE = 50;

// What runs on a node, and what is waiting to be done there.
export function SystemTab({ nodeId, onJournal }: SystemTabProps) {
  return (
    <Stack>
      <WatchedUnits nodeId={nodeId} onJournal={onJournal} />
      <FromInventory nodeId={nodeId} />
    </Stack>
  );
}

function WatchedUnits({ nodeId, onJournal }: SystemTabProps) {
  const units = useWatchedUnits(nodeId);
  const wrong = units.data?.filter((one) => !one.expected).length ?? 0;
  return (
    <Panel
      title="Watched units"
      note={wrong > 0 ? `${wrong} not as expected` : units.data?.length ? 'all as expected' : null}
      flush
    >
      {units.isPending ? <Skeleton height={80} /> : null}
      {units.error && !units.data ? (
        <Problem
          title="No watched units"
          error={units.error}
          onRetry={() => void units.refetch()}
        />
      ) : null}
      {units.data?.length === 0 ? (
        <Empty icon={<CheckIcon size={26} />} title="No watched unit has changed">
          Units listed in agent.watched_units of the configuration are expected to be active. One
          that is not appears here, and stays when it is active again.
        </Empty>
      ) : null}
      {units.data?.length ? <UnitTable units={units.data} onJournal={onJournal} /> : null}
    </Panel>
  );
}

function UnitTable({
  units,
  onJournal,
}: {
  units: WatchedUnit[];
  onJournal: (unit: string) => void;
}) {
  return (
    <SimpleTable
      label="List of watched units"
      columns={['Unit', 'Expected', 'Is', 'For', 'Lines']}
      rows={units.map((one) => ({
        key: one.unit,
        cells: [
          <OutsideText text={one.unit} />,
          'active',
          <Pill
            tone={one.expected ? 'good' : 'bad'}
            icon={one.expected ? <CheckIcon /> : <AlertIcon />}
          >
            <OutsideText text={one.state} />
          </Pill>,
          <Since time={one.since} />,
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => onJournal(one.unit)}
            aria-label={`Journal of ${revealInvisible(one.unit)}`}
          >
            Journal
          </Button>,
        ],
      }))}
    />
  );
}

function FromInventory({ nodeId }: { nodeId: string }) {
  const inventory = useInventory(nodeId);
  if (inventory.isPending) return <Skeleton height={220} radius="lg" />;
  if (inventory.data === undefined) {
    return (
      <Problem
        title="No inventory"
        error={inventory.error}
        onRetry={() => void inventory.refetch()}
      />
    );
  }
  if (inventory.data === null) {
    return (
      <Panel title="Updates and services">
        <Empty icon={<ServerIcon size={26} />} title="No inventory yet">
          The node sends its services and updates with its inventory. They appear here by
          themselves.
        </Empty>
      </Panel>
    );
  }
  return (
    <>
      <Updates inventory={inventory.data} />
      <Services inventory={inventory.data} />
    </>
  );
}

function Updates({ inventory }: { inventory: Inventory }) {
  const security = inventory.security;
  const pending = security?.pendingUpdates ?? [];
  const wanting = security?.rebootPackages ?? [];
  return (
    <Panel
      title="Updates"
      note={
        <>
          collected <Ago time={inventory.collectedAt} />
        </>
      }
      flush
    >
      <div className={classes.facts}>
        <Facts
          facts={[
            ['Restart', <Restart required={security?.rebootRequired} />],
            [
              'Wanted by',
              <OutsideText text={wanting.join(', ')} fallback={security ? 'nothing' : '–'} />,
            ],
            ['Updates', <OutsideText text={updatesOf(inventory)} />],
            ['Clock', <OutsideText text={clockOf(inventory)} />],
          ]}
        />
      </div>
      {pending.length > 0 ? <UpdateTable updates={pending} /> : null}
    </Panel>
  );
}

function Restart({ required }: { required: boolean | undefined }) {
  if (required === undefined) return 'not known';
  return required ? (
    <Pill tone="wait" icon={<AlertIcon />}>
      Required
    </Pill>
  ) : (
    <Pill tone="good" icon={<CheckIcon />}>
      Not required
    </Pill>
  );
}

function clockOf(inventory: Inventory): string {
  const sync = inventory.security?.timeSync;
  if (!sync) return 'not known';
  const by = sync.source ? ` by ${sync.source}` : '';
  return sync.synchronized ? `synchronized${by}` : 'not synchronized';
}

function UpdateTable({ updates }: { updates: PendingUpdate[] }) {
  const [limit, setLimit] = useState(PAGE);
  const sorted = [...updates].sort((a, b) => Number(b.security ?? 0) - Number(a.security ?? 0));
  return (
    <>
      <SimpleTable
        label="List of pending updates"
        columns={['Package', 'Installed', 'Available', 'Kind']}
        rows={sorted.slice(0, limit).map((one) => ({
          key: one.name,
          cells: [
            <OutsideText text={one.name} />,
            <OutsideText text={one.installed} />,
            <OutsideText text={one.candidate} />,
            one.security ? (
              <Pill tone="wait" icon={<AlertIcon />}>
                Security
              </Pill>
            ) : (
              'other'
            ),
          ],
        }))}
      />
      <More shown={limit} all={updates.length} onMore={() => setLimit(limit + PAGE)} />
    </>
  );
}

function Services({ inventory }: { inventory: Inventory }) {
  const [search, setSearch] = useState('');
  const [limit, setLimit] = useState(PAGE);
  const units = inventory.services?.units ?? [];
  const reason = inventory.services?.reason;
  const failed = units.filter((unit) => unit.active === 'failed').length;
  const shown = selectServices(units, search);
  if (units.length === 0) {
    return (
      <Panel title="Services">
        <OutsideText text={reason} fallback="The inventory names none." />
      </Panel>
    );
  }
  return (
    <Panel
      title="Services"
      note={`${units.length}${failed > 0 ? `, ${failed} failed` : ''}`}
      actions={
        <SearchInput
          size="xs"
          label="Search services"
          placeholder="Name"
          value={search}
          onChange={setSearch}
        />
      }
      flush
    >
      {shown.length === 0 ? (
        <Empty icon={<SearchIcon size={26} />} title="No service matches" />
      ) : (
        <SimpleTable
          label="List of services"
          columns={['Name', 'State', 'Detail']}
          rows={shown.slice(0, limit).map((unit) => ({
            key: unit.name,
            cells: [
              <OutsideText text={unit.name} />,
              <ServicePill active={unit.active} />,
              <OutsideText text={unit.sub} />,
            ],
          }))}
        />
      )}
      <More shown={limit} all={shown.length} onMore={() => setLimit(limit + PAGE)} />
    </Panel>
  );
}

function ServicePill({ active }: { active: string }) {
  switch (active) {
    case 'active':
      return (
        <Pill tone="good" icon={<CheckIcon />}>
          active
        </Pill>
      );
    case 'failed':
      return (
        <Pill tone="bad" icon={<AlertIcon />}>
          failed
        </Pill>
      );
    default:
      return (
        <Pill tone="quiet" icon={<ClockIcon />}>
          <OutsideText text={active} fallback="unknown" />
        </Pill>
      );
  }
}

function More({ shown, all, onMore }: { shown: number; all: number; onMore: () => void }) {
  if (all <= shown) return null;
  return (
    <Group justify="center" p="sm">
      <Button size="xs" variant="default" onClick={onMore}>
        Show more ({shown} of {all})
      </Button>
    </Group>
  );
}
