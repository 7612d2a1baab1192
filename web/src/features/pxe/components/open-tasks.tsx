import { Anchor } from '@mantine/core';
import { Link } from 'react-router';

import { Empty } from '@/components/ui/empty';
import { CheckIcon } from '@/components/ui/icons';
import { Panel } from '@/components/ui/panel';
import type { Task } from '@/types/api';

import { useTasks } from '../api/tasks';
import { filterTasks } from '../task-view';
import { TaskList } from './task-list';

// What a tentacle is at work on, for its overview.
export function OpenTasks({
  tentacleId,
  onOpen,
}: {
  tentacleId: string;
  onOpen: (task: Task) => void;
}) {
  const tasks = useTasks(tentacleId);
  if (!tasks.data) return null;
  const open = filterTasks(tasks.data, 'open');
  return (
    <Panel
      title="At work"
      note={`${open.length} open`}
      flush
      actions={
        <Anchor component={Link} size="sm" to={`/nodes/${encodeURIComponent(tentacleId)}/pxe`}>
          All installations
        </Anchor>
      }
    >
      {open.length > 0 ? (
        <TaskList tasks={open} onOpen={onOpen} />
      ) : (
        <Empty icon={<CheckIcon size={26} />} title="No machine is being installed" />
      )}
    </Panel>
  );
}
