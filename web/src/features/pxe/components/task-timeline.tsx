import { OutsideText } from '@/components/ui/outside-text';
import { useNow } from '@/components/ui/time';
import { formatClock, formatDuration, formatElapsed, formatExact } from '@/lib/format';
import type { Task } from '@/types/api';

import { isOpen, stepWords, type TimelineStep, timelineSteps } from '../task-view';
import classes from './task-timeline.module.css';

// Every step of a boot: when, what, and how long until the next. The bars share one scale, so that what
// took long is seen at once.
export function TaskTimeline({ task }: { task: Task }) {
  const now = useNow(1_000);
  const steps = timelineSteps(task, now);
  if (steps.length === 0) {
    return (
      <p className={classes.none}>
        {isOpen(task)
          ? 'Nothing yet: the tentacle has not seen this machine start from the network. Switch it on, with network boot before its disk in the boot order, in the tentacle’s segment.'
          : 'Nothing was reported.'}
      </p>
    );
  }
  return <Timeline steps={steps} />;
}

export function Timeline({ steps }: { steps: TimelineStep[] }) {
  const last = steps.at(-1);
  const total = Math.max(1, (last?.startMs ?? 0) + (last?.durationMs ?? 0));
  return (
    <ol className={classes.steps} aria-label="Timeline">
      {steps.map((step, index) => (
        <Step
          key={`${step.time} ${step.step} ${index}`}
          step={step}
          totalMs={total}
          isEnd={index === steps.length - 1 && !step.running}
        />
      ))}
    </ol>
  );
}

// The end has no duration: nothing came after it.
function Step({ step, totalMs, isEnd }: { step: TimelineStep; totalMs: number; isEnd: boolean }) {
  const duration = step.running
    ? `for ${formatElapsed(step.durationMs)}`
    : formatDuration(step.durationMs);
  return (
    <li className={classes.step} data-running={step.running || undefined} data-step={step.step}>
      <time className={classes.time} dateTime={step.time} title={formatExact(step.time)}>
        {formatClock(step.time)}
      </time>
      <div className={classes.what}>
        <div className={classes.head}>
          <span className={classes.name}>
            <OutsideText text={stepWords(step.step)} />
          </span>
          <span className={classes.duration}>
            {isEnd ? `after ${formatDuration(step.startMs)}` : duration}
          </span>
        </div>
        {step.detail ? (
          <p className={classes.detail}>
            <OutsideText text={step.detail} />
          </p>
        ) : null}
        {isEnd ? null : (
          <span className={classes.scale} aria-hidden="true">
            <span
              className={classes.bar}
              style={{
                marginInlineStart: `${(step.startMs / totalMs) * 100}%`,
                width: `${(step.durationMs / totalMs) * 100}%`,
              }}
            />
          </span>
        )}
      </div>
    </li>
  );
}
