import { Skeleton, Stack, Tabs } from '@mantine/core';
import { useNavigate, useParams, useSearchParams } from 'react-router';

import { Problem } from '@/components/errors/problem';
import { ForRole } from '@/components/ui/for-role';
import { JournalTab } from '@/features/journal/components/journal-tab';
import { type JournalFilter, NO_FILTER, PRIORITIES, SPANS } from '@/features/journal/journal-view';
import { JobsTab } from '@/features/jobs/components/jobs-tab';
import type { DeviceFilter, DeviceSort } from '@/features/network/device-view';
import { NetworkTab, type NetworkView } from '@/features/network/components/network-tab';
import { useNode, useNodes } from '@/features/nodes/api/nodes';
import { Hardware } from '@/features/nodes/components/hardware';
import { NodeFacts } from '@/features/nodes/components/node-facts';
import { NodeHeader } from '@/features/nodes/components/node-header';
import { NodeLoad } from '@/features/nodes/components/node-load';
import { PxeRelay } from '@/features/nodes/components/pxe-relay';
import { RemoveTentacle } from '@/features/nodes/components/remove-tentacle';
import { SystemTab } from '@/features/nodes/components/system-tab';
import { UnitAlert } from '@/features/nodes/components/unit-alert';
import { OpenTasks } from '@/features/pxe/components/open-tasks';
import { PxeTab, type PxeView } from '@/features/pxe/components/pxe-tab';
import { ShellTab } from '@/features/shell/components/shell-tab';
import type { TaskFilter } from '@/features/pxe/task-view';
import { revealInvisible } from '@/lib/format';
import type { Node } from '@/types/api';

import classes from './node.module.css';

interface TabName {
  value: string;
  label: string;
  tentacleOnly: boolean;
}

const TABS: TabName[] = [
  { value: 'overview', label: 'Overview', tentacleOnly: false },
  { value: 'pxe', label: 'PXE', tentacleOnly: true },
  { value: 'network', label: 'Network', tentacleOnly: true },
  { value: 'hardware', label: 'Hardware', tentacleOnly: false },
  { value: 'system', label: 'System', tentacleOnly: false },
  { value: 'journal', label: 'Journal', tentacleOnly: false },
  { value: 'jobs', label: 'Jobs', tentacleOnly: false },
  { value: 'shell', label: 'Shell', tentacleOnly: true },
];

export function NodeRoute() {
  const { nodeId = '', tab = 'overview' } = useParams();
  const node = useNode(nodeId);
  const navigate = useNavigate();
  if (node.isPending) return <Skeleton height={240} radius="lg" />;
  if (!node.data)
    return (
      <Problem
        title="This node cannot be shown"
        error={node.error}
        onRetry={() => void node.refetch()}
      />
    );

  const { name, isTentacle } = node.data;
  const tabs = TABS.filter((one) => isTentacle || !one.tentacleOnly);
  const current = tabs.find((one) => one.value === tab) ?? tabs[0];
  const base = `/nodes/${encodeURIComponent(nodeId)}`;
  const open = (value: string | null) =>
    void navigate(value === 'overview' ? base : `${base}/${value}`);
  return (
    <Stack>
      <title>{`${revealInvisible(name)} · ${current?.label} · Octofleet`}</title>
      <NodeHeader node={node.data} />
      {/* Another node is another page: nothing typed or opened for one is carried over. */}
      <Tabs key={nodeId} value={current?.value ?? null} onChange={open} keepMounted={false}>
        <Tabs.List className={classes.tabs}>
          {tabs.map((one) => (
            <Tabs.Tab key={one.value} value={one.value}>
              {one.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {current ? (
          <Tabs.Panel value={current.value} pt="md">
            <TabContent tab={current.value} node={node.data} base={base} />
          </Tabs.Panel>
        ) : null}
      </Tabs>
    </Stack>
  );
}

function TabContent({ tab, node, base }: { tab: string; node: Node; base: string }) {
  const navigate = useNavigate();
  switch (tab) {
    case 'pxe':
      return <Pxe node={node} />;
    case 'network':
      return <Network node={node} base={base} />;
    case 'hardware':
      return <Hardware nodeId={node.id} />;
    case 'system':
      return (
        <SystemTab
          nodeId={node.id}
          onJournal={(unit) => void navigate(`${base}/journal?unit=${encodeURIComponent(unit)}`)}
        />
      );
    case 'journal':
      return <Journal node={node} />;
    case 'shell':
      return <ShellTab node={node} />;
    case 'jobs':
      return <Jobs node={node} />;
    default:
      return (
        <Stack>
          <UnitAlert nodeId={node.id} onOpen={() => void navigate(`${base}/system`)} />
          <NodeFacts node={node} />
          {node.isTentacle ? (
            <OpenTasks
              tentacleId={node.id}
              onOpen={(task) => void navigate(`${base}/pxe?task=${encodeURIComponent(task.id)}`)}
            />
          ) : null}
          <NodeLoad nodeId={node.id} />
          {node.isTentacle ? (
            <ForRole role="admin">
              <RemoveTentacle node={node} onRemoved={() => void navigate('/nodes')} />
            </ForRole>
          ) : null}
        </Stack>
      );
  }
}

// Only what differs from the usual stands in the address.
function withParams(entries: Record<string, string | null>): URLSearchParams {
  return new URLSearchParams(
    Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

function oneOf<T extends string>(value: string | null, allowed: readonly T[], usual: T): T {
  return allowed.find((one) => one === value) ?? usual;
}

const TASK_FILTERS: readonly TaskFilter[] = ['all', 'open', 'done'];
const DEVICE_FILTERS: readonly DeviceFilter[] = ['all', 'new', 'managed', 'unknown'];
const DEVICE_SORTS: readonly DeviceSort[] = ['address', 'newest', 'seen', 'name'];

function Pxe({ node }: { node: Node }) {
  const [params, setParams] = useSearchParams();
  const view: PxeView = {
    filter: oneOf(params.get('show'), TASK_FILTERS, 'all'),
    taskId: params.get('task'),
    boot: params.get('boot'),
    creating: params.has('install'),
    mac: params.get('install') ?? '',
  };
  // Only the form has a use for them.
  const nodes = useNodes({ enabled: view.creating });
  const change = (next: PxeView) =>
    setParams(
      withParams({
        show: next.filter === 'all' ? null : next.filter,
        task: next.taskId,
        boot: next.boot,
        install: next.creating ? next.mac : null,
      }),
      // Closing something leaves nothing behind for the back button.
      {
        replace:
          (view.taskId !== null && next.taskId === null) ||
          (view.boot !== null && next.boot === null) ||
          (view.creating && !next.creating),
      },
    );
  return (
    <Stack>
      <PxeRelay node={node} />
      <PxeTab node={node} nodes={nodes.data ?? []} view={view} onView={change} />
    </Stack>
  );
}

function Network({ node, base }: { node: Node; base: string }) {
  const navigate = useNavigate();
  const [params, setParams] = useSearchParams();
  const view: NetworkView = {
    filter: oneOf(params.get('show'), DEVICE_FILTERS, 'all'),
    sort: oneOf(params.get('sort'), DEVICE_SORTS, 'address'),
    search: params.get('q') ?? '',
  };
  const change = (next: NetworkView) =>
    setParams(
      withParams({
        show: next.filter === 'all' ? null : next.filter,
        sort: next.sort === 'address' ? null : next.sort,
        q: next.search || null,
      }),
      { replace: next.search !== view.search },
    );
  return (
    <NetworkTab
      node={node}
      view={view}
      onView={change}
      onInstall={(device) => void navigate(`${base}/pxe?install=${encodeURIComponent(device.mac)}`)}
    />
  );
}

function readJournalFilter(params: URLSearchParams): JournalFilter {
  const number = (name: string, allowed: readonly [number, string][], usual: number) =>
    allowed.find(([value]) => String(value) === params.get(name))?.[0] ?? usual;
  return {
    text: params.get('q') ?? '',
    unit: params.get('unit') ?? '',
    priority: number('priority', PRIORITIES, NO_FILTER.priority),
    minutes: number('minutes', SPANS, NO_FILTER.minutes),
  };
}

function Journal({ node }: { node: Node }) {
  const [params, setParams] = useSearchParams();
  const filter = readJournalFilter(params);
  const unless = (value: number, usual: number) => (value === usual ? null : String(value));
  const change = (next: JournalFilter) =>
    setParams(
      withParams({
        q: next.text || null,
        unit: next.unit || null,
        priority: unless(next.priority, NO_FILTER.priority),
        minutes: unless(next.minutes, NO_FILTER.minutes),
      }),
      { replace: next.text !== filter.text || next.unit !== filter.unit },
    );
  return <JournalTab node={node} filter={filter} onFilter={change} />;
}

function Jobs({ node }: { node: Node }) {
  const [params, setParams] = useSearchParams();
  return (
    <JobsTab
      node={node}
      openId={params.get('job')}
      onOpen={(jobId) => setParams(withParams({ job: jobId }), { replace: true })}
    />
  );
}
