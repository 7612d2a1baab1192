import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

import { CrossIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Ago, useNow } from '@/components/ui/time';
import { formatElapsed } from '@/lib/format';
import type { Task } from '@/types/api';

import { elapsedMs, isOpen } from '../task-view';
import classes from './task-list.module.css';
import { TaskPill } from './task-pill';
import { TaskProgress } from './task-progress';

interface TaskListProps {
  tasks: Task[];
  onOpen: (task: Task) => void;
  onCancel?: (task: Task) => void;
}

export function TaskList({ tasks, onOpen, onCancel }: TaskListProps) {
  return (
    <ul className={classes.list} data-actions={onCancel ? true : undefined}>
      {tasks.map((task) => (
        <TaskRow
          key={task.id}
          task={task}
          onOpen={() => onOpen(task)}
          action={
            onCancel && isOpen(task) ? (
              <Button
                size="compact-xs"
                variant="default"
                leftSection={<CrossIcon size={14} />}
                onClick={() => onCancel(task)}
                aria-label={`Cancel the installation of ${task.hostname}`}
              >
                Cancel
              </Button>
            ) : null
          }
        />
      ))}
    </ul>
  );
}

function TaskRow({ task, onOpen, action }: { task: Task; onOpen: () => void; action: ReactNode }) {
  return (
    <li className={classes.row} data-task={task.id}>
      <div className={classes.who}>
        <button type="button" className={classes.name} onClick={onOpen} aria-haspopup="dialog">
          <OutsideText text={task.hostname} />
        </button>
        <span className={classes.second}>
          <span className={classes.mac}>
            <OutsideText text={task.mac} />
          </span>
          {' · '}
          <OutsideText text={task.imageName} fallback="image removed" />
        </span>
      </div>
      <div className={classes.state}>
        <TaskPill status={task.status} />
        <Elapsed task={task} />
      </div>
      <div className={classes.progress}>
        <TaskProgress task={task} />
      </div>
      {action ? <div className={classes.action}>{action}</div> : null}
    </li>
  );
}

// For how long it has been at work; of one that is over, how long it took and when.
function Elapsed({ task }: { task: Task }) {
  const now = useNow(1_000);
  const elapsed = elapsedMs(task, now);
  if (isOpen(task) && elapsed !== null)
    return <span className={classes.second}>for {formatElapsed(elapsed)}</span>;
  return (
    <span className={classes.second}>
      {isOpen(task) ? 'ordered ' : elapsed === null ? '' : `took ${formatElapsed(elapsed)}, `}
      <Ago time={task.completedAt ?? task.createdAt} />
    </span>
  );
}
