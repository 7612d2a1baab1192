import { OutsideText } from '@/components/ui/outside-text';
import type { Task } from '@/types/api';

import { isOpen, progressOf, stepWords } from '../task-view';
import classes from './task-progress.module.css';

// How far a task is, at which stage, and what was said last.
export function TaskProgress({ task }: { task: Task }) {
  const percent = progressOf(task);
  return (
    <div className={classes.progress}>
      <div className={classes.line}>
        <div
          className={classes.track}
          role="progressbar"
          aria-label={`Progress of ${task.hostname}`}
          aria-valuenow={percent}
          aria-valuemin={0}
          aria-valuemax={100}
        >
          <div
            className={classes.fill}
            data-status={task.status}
            data-moving={(isOpen(task) && task.status !== 'waiting') || undefined}
            style={{ width: `${percent}%` }}
          />
        </div>
        <span className={classes.percent}>{percent} %</span>
      </div>
      <div className={classes.words} data-status={task.status}>
        {task.stage && task.status !== 'complete' ? (
          <span className={classes.stage}>
            <OutsideText text={stepWords(task.stage)} />
          </span>
        ) : null}
        {task.message ? (
          <span className={classes.message}>
            <OutsideText text={task.message} />
          </span>
        ) : null}
        {!task.stage && !task.message && task.status === 'waiting' ? (
          <span className={classes.message}>until the machine starts from the network</span>
        ) : null}
      </div>
    </div>
  );
}
