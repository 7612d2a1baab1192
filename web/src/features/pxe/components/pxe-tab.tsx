import { Button, Group, SegmentedControl, Skeleton, Stack } from '@mantine/core';
import { useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { ForRole } from '@/components/ui/for-role';
import { CheckIcon, DownloadIcon, PlusIcon } from '@/components/ui/icons';
import { Panel } from '@/components/ui/panel';
import { useMay } from '@/lib/role';
import type { Node, Task } from '@/types/api';

import { useTasks } from '../api/tasks';
import { standbysOf } from '../task-form';
import { filterTasks, isOpen, type TaskFilter } from '../task-view';
import { Boots } from './boots';
import { CachedImages } from './cached-images';
import { CancelTask } from './cancel-task';
import { CreateTask } from './create-task';
import { TaskDrawer } from './task-drawer';
import { TaskList } from './task-list';

// What of this tab is in the address.
export interface PxeView {
  filter: TaskFilter;
  // The task whose timeline is open.
  taskId: string | null;
  // The boot whose timeline is open.
  boot: string | null;
  // The form is open, perhaps with a machine chosen already.
  creating: boolean;
  mac: string;
}

interface PxeTabProps {
  node: Node;
  // All there are, as far as they are known.
  nodes: Node[];
  view: PxeView;
  onView: (view: PxeView) => void;
}

// Tasks that are shown at once; more on request.
const PAGE = 50;

export function PxeTab({ node, nodes, view, onView }: PxeTabProps) {
  const tasks = useTasks(node.id);
  const [cancelling, setCancelling] = useState<Task | null>(null);
  const [limit, setLimit] = useState(PAGE);
  const create = () => onView({ ...view, creating: true });

  return (
    <Stack>
      <Panel
        title="Installations"
        note={
          tasks.data
            ? `${tasks.data.filter(isOpen).length} open, ${tasks.data.length} in all`
            : null
        }
        flush
        actions={
          <>
            <SegmentedControl
              size="xs"
              aria-label="Which tasks"
              value={view.filter}
              onChange={(filter) => onView({ ...view, filter: filter as TaskFilter })}
              data={[
                { value: 'all', label: 'All' },
                { value: 'open', label: 'Open' },
                { value: 'done', label: 'Ended' },
              ]}
            />
            <ForRole role="operator">
              <Button size="xs" leftSection={<PlusIcon size={14} />} onClick={create}>
                Install a machine
              </Button>
            </ForRole>
          </>
        }
      >
        {tasks.isPending ? <Skeleton height={120} /> : null}
        {tasks.error && !tasks.data ? (
          <Problem title="No tasks" error={tasks.error} onRetry={() => void tasks.refetch()} />
        ) : null}
        {tasks.data ? (
          <Tasks
            tasks={filterTasks(tasks.data, view.filter)}
            any={tasks.data.length > 0}
            limit={limit}
            onMore={() => setLimit(limit + PAGE)}
            onOpen={(task) => onView({ ...view, taskId: task.id })}
            onCancel={setCancelling}
            onCreate={create}
          />
        ) : null}
      </Panel>
      <Boots
        tentacleId={node.id}
        tasks={tasks.data ?? []}
        open={view.boot}
        onOpen={(boot) => onView({ ...view, boot })}
      />
      <CachedImages tentacleId={node.id} />
      <Dialogs
        node={node}
        nodes={nodes}
        view={view}
        onView={onView}
        tasks={tasks.data ?? []}
        cancelling={cancelling}
        onCancel={setCancelling}
      />
    </Stack>
  );
}

interface DialogsProps extends PxeTabProps {
  tasks: Task[];
  cancelling: Task | null;
  onCancel: (task: Task | null) => void;
}

// What lies over the tab: a task's timeline, the question before cancelling, the form.
function Dialogs({ node, nodes, view, onView, tasks, cancelling, onCancel }: DialogsProps) {
  return (
    <>
      <TaskDrawer
        task={tasks.find((task) => task.id === view.taskId) ?? null}
        onClose={() => onView({ ...view, taskId: null })}
        onCancel={onCancel}
      />
      <CancelTask
        tentacleId={node.id}
        tentacleName={cancelling?.tentacleName ?? node.name}
        task={cancelling}
        onClose={() => onCancel(null)}
      />
      <CreateTask
        opened={view.creating}
        tentacleId={node.id}
        tentacleName={node.name}
        tentacleOnline={node.online}
        standbys={standbysOf(node, nodes)}
        mac={view.mac}
        onClose={() => onView({ ...view, creating: false, mac: '' })}
        onCreated={() =>
          onView({
            ...view,
            creating: false,
            mac: '',
            filter: view.filter === 'done' ? 'all' : view.filter,
          })
        }
      />
    </>
  );
}

interface TasksProps {
  tasks: Task[];
  any: boolean;
  limit: number;
  onMore: () => void;
  onOpen: (task: Task) => void;
  onCancel: (task: Task) => void;
  onCreate: () => void;
}

function Tasks({ tasks, any, limit, onMore, onOpen, onCancel, onCreate }: TasksProps) {
  const mayCancel = useMay('operator');
  if (!any) {
    return (
      <Empty icon={<DownloadIcon size={26} />} title="No machine was installed here yet">
        <Stack align="center" gap="xs">
          Order one by its MAC address, then switch it on: it starts from the network and installs
          itself.
          <ForRole role="operator">
            <Button leftSection={<PlusIcon />} onClick={onCreate}>
              Install a machine
            </Button>
          </ForRole>
        </Stack>
      </Empty>
    );
  }
  if (tasks.length === 0) return <Empty icon={<CheckIcon size={26} />} title="No such task" />;
  return (
    <>
      <TaskList
        tasks={tasks.slice(0, limit)}
        onOpen={onOpen}
        onCancel={mayCancel ? onCancel : undefined}
      />
      {tasks.length > limit ? (
        <Group justify="center" p="sm">
          <Button size="xs" variant="default" onClick={onMore}>
            Show more ({limit} of {tasks.length})
          </Button>
        </Group>
      ) : null}
    </>
  );
}
