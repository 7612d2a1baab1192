import { Skeleton } from '@mantine/core';

import { Problem } from '@/components/errors/problem';
import { OutsideText } from '@/components/ui/outside-text';
import { AlertIcon, CheckIcon, ClockIcon } from '@/components/ui/icons';
import { Pill } from '@/components/ui/pill';
import { Ago } from '@/components/ui/time';
import { formatDuration, revealInvisible } from '@/lib/format';
import type { Job, JobInstance } from '@/types/api';

import { useJob } from '../api/jobs';
import classes from './job-list.module.css';

interface JobListProps {
  jobs: Job[];
  nodeId: string;
  openId: string | null;
  onOpen: (jobId: string | null) => void;
}

export function JobList({ jobs, nodeId, openId, onOpen }: JobListProps) {
  return (
    <ul className={classes.list}>
      {jobs.map((job) => {
        const instance = job.instances.find((one) => one.nodeId === nodeId);
        if (!instance) return null;
        const open = job.id === openId;
        return (
          <li key={job.id} className={classes.row} data-job={job.id}>
            <button
              type="button"
              className={classes.head}
              aria-expanded={open}
              onClick={() => onOpen(open ? null : job.id)}
            >
              <code className={classes.script}>
                <OutsideText text={firstLine(job)} fallback={job.commandType} />
              </code>
              <span className={classes.when}>
                <Ago time={job.createdAt} />
                {instance.durationMs === undefined || instance.durationMs === null
                  ? null
                  : `, took ${formatDuration(instance.durationMs)}`}
              </span>
              <InstancePill instance={instance} />
            </button>
            {open ? <Output job={job} instance={instance} /> : null}
          </li>
        );
      })}
    </ul>
  );
}

function firstLine(job: Job): string {
  const lines = (job.commandData?.script ?? '').split('\n').filter((line) => line.trim());
  return lines.length > 1 ? `${lines[0]} …` : (lines[0] ?? '');
}

function isOver(instance: JobInstance): boolean {
  return instance.success !== undefined && instance.success !== null;
}

function InstancePill({ instance }: { instance: JobInstance }) {
  if (!isOver(instance)) {
    return (
      <Pill tone="busy" icon={<ClockIcon />}>
        <OutsideText text={instance.status} />
      </Pill>
    );
  }
  const code = instance.exitCode ?? null;
  return instance.success ? (
    <Pill tone="good" icon={<CheckIcon />}>
      exit {code ?? 0}
    </Pill>
  ) : (
    <Pill tone="bad" icon={<AlertIcon />}>
      {code === null || code < 0 ? <OutsideText text={instance.status} /> : `exit ${code}`}
    </Pill>
  );
}

function Output({ job, instance }: { job: Job; instance: JobInstance }) {
  return (
    <div className={classes.output}>
      <Block
        title={`Script (${job.commandData?.interpreter || '/bin/sh'})`}
        text={job.commandData?.script}
      />
      {instance.errorMessage ? (
        <p className={classes.error}>
          <OutsideText text={instance.errorMessage} />
        </p>
      ) : null}
      {isOver(instance) ? (
        <Written job={job} instance={instance} />
      ) : (
        <p className={classes.waiting} role="status">
          The result appears here as soon as it is there.
        </p>
      )}
    </div>
  );
}

// The list leaves out what jobs wrote.
function Written({ job, instance }: { job: Job; instance: JobInstance }) {
  const whole = useJob(job.id);
  if (whole.isPending) return <Skeleton height={60} />;
  if (whole.error && !whole.data) {
    return <Problem title="No output" error={whole.error} onRetry={() => void whole.refetch()} />;
  }
  const written = whole.data?.instances.find((one) => one.id === instance.id);
  return (
    <>
      <Block title="Output" text={written?.stdout} none="nothing was written" />
      {written?.stderr ? <Block title="Errors" text={written.stderr} /> : null}
    </>
  );
}

function Block({
  title,
  text,
  none = '',
}: {
  title: string;
  text: string | undefined;
  none?: string;
}) {
  return (
    <div>
      <div className={classes.title}>{title}</div>
      {text ? (
        <pre className={classes.text} dir="ltr" tabIndex={0} aria-label={title}>
          {revealInvisible(text)}
        </pre>
      ) : (
        <div className={classes.waiting}>{none}</div>
      )}
    </div>
  );
}
