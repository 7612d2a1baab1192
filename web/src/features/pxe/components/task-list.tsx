import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

import { CrossIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Ago, useNow } from '@/components/ui/time';
import { formatDuration } from '@/lib/format';
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
    <ul className={classes.list}>
      {tasks.map((task) => (
        <TaskRow
          key={task.id}
          task={task}
          onOpen={() => onOpen(task)}
          action={
            onCancel && isOpen(task) ? (
              <Button
                size="compact-sm"
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
      <div className={classes.action}>{action}</div>
    </li>
  );
}

function Elapsed({ task }: { task: Task }) {
  const now = useNow(1_000);
  const elapsed = elapsedMs(task, now);
  if (elapsed === null || !isOpen(task)) {
    return (
      <span className={classes.second}>
        {elapsed === null ? null : <>{formatDuration(elapsed)}, </>}
        <Ago time={task.completedAt ?? task.createdAt} />
      </span>
    );
  }
  return <span className={classes.second}>for {formatDuration(elapsed)}</span>;
}
