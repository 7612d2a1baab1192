import { Skeleton, Stack } from '@mantine/core';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { ForRole } from '@/components/ui/for-role';
import { PlayIcon } from '@/components/ui/icons';
import { Panel } from '@/components/ui/panel';
import type { Node } from '@/types/api';

import { useJobs } from '../api/jobs';
import { JobList } from './job-list';
import { RunScript } from './run-script';

interface JobsTabProps {
  node: Node;
  openId: string | null;
  onOpen: (jobId: string | null) => void;
}

// Jobs that are shown.
const SHOWN = 50;

export function JobsTab({ node, openId, onOpen }: JobsTabProps) {
  const jobs = useJobs(node.id);
  const here = jobs.data ?? [];
  return (
    <Stack>
      <ForRole role="operator">
        <RunScript node={node} onStarted={(job) => onOpen(job.id)} />
      </ForRole>
      <Panel
        title="Jobs"
        note={here.length > SHOWN ? `the last ${SHOWN} of ${here.length}` : `${here.length}`}
        flush
      >
        {jobs.isPending ? <Skeleton height={80} /> : null}
        {jobs.error && !jobs.data ? (
          <Problem title="No jobs" error={jobs.error} onRetry={() => void jobs.refetch()} />
        ) : null}
        {jobs.data && here.length === 0 ? (
          <Empty icon={<PlayIcon size={26} />} title="No job was run here yet">
            A script above runs on this node; its output and exit code appear here.
          </Empty>
        ) : null}
        <JobList jobs={here.slice(0, SHOWN)} nodeId={node.id} openId={openId} onOpen={onOpen} />
      </Panel>
    </Stack>
  );
}
