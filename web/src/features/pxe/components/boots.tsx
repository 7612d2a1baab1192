import { Button, Drawer, Group, Skeleton, Stack, Title } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { AlertIcon, CheckIcon, ClockIcon, DownloadIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Facts, Panel } from '@/components/ui/panel';
import { Pill, type Tone } from '@/components/ui/pill';
import { Ago, useNow } from '@/components/ui/time';
import { formatDuration, formatElapsed } from '@/lib/format';
import type { Task } from '@/types/api';

import { useBoots } from '../api/boots';
import { type Boot, bootDurationMs, bootsOf, type BootState, bootSteps } from '../boot-view';
import classes from './task-list.module.css';
import { Timeline } from './task-timeline';

interface BootsProps {
  tentacleId: string;
  tasks: Task[];
  // The boot whose timeline is open.
  open: string | null;
  onOpen: (key: string | null) => void;
}

const LOOKS: Record<BootState, { tone: Tone; word: string; icon: ReactNode }> = {
  running: { tone: 'busy', word: 'Goes on', icon: <ClockIcon /> },
  complete: { tone: 'good', word: 'Complete', icon: <CheckIcon /> },
  stopped: { tone: 'bad', word: 'Stopped', icon: <AlertIcon /> },
  unanswered: { tone: 'quiet', word: 'Not answered', icon: <AlertIcon /> },
};

// Boots that are shown at once; more on request.
const PAGE = 10;

// Every machine that wanted to start from the network in this segment, and what became of it.
export function Boots({ tentacleId, tasks, open, onOpen }: BootsProps) {
  const reports = useBoots(tentacleId);
  const [limit, setLimit] = useState(PAGE);
  const boots = bootsOf(reports.data ?? []);
  const nameOf = (boot: Boot) => tasks.find((task) => task.id === boot.taskId)?.hostname;
  const shown = boots.find((boot) => boot.key === open) ?? null;
  return (
    <Panel title="Boots" note={reports.data ? `the newest ${boots.length}` : null} flush>
      {reports.isPending ? <Skeleton height={80} /> : null}
      {reports.error && !reports.data ? (
        <Problem title="No boots" error={reports.error} onRetry={() => void reports.refetch()} />
      ) : null}
      {reports.data && boots.length === 0 ? (
        <Empty icon={<DownloadIcon size={26} />} title="No machine has tried to start from here" />
      ) : null}
      <ul className={classes.list}>
        {boots.slice(0, limit).map((boot) => (
          <BootRow key={boot.key} boot={boot} name={nameOf(boot)} onOpen={() => onOpen(boot.key)} />
        ))}
      </ul>
      {boots.length > limit ? (
        <Group justify="center" p="sm">
          <Button size="xs" variant="default" onClick={() => setLimit(limit + PAGE)}>
            Show more boots ({limit} of {boots.length})
          </Button>
        </Group>
      ) : null}
      <Drawer
        opened={shown !== null}
        onClose={() => onOpen(null)}
        position="right"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
        title={shown ? <OutsideText text={`Boot of ${nameOf(shown) ?? shown.mac}`} /> : null}
      >
        {shown ? (
          <BootContent boot={shown} task={tasks.find((task) => task.id === shown.taskId)} />
        ) : null}
      </Drawer>
    </Panel>
  );
}

function BootPill({ state }: { state: BootState }) {
  const { tone, word, icon } = LOOKS[state];
  return (
    <Pill tone={tone} icon={icon}>
      {word}
    </Pill>
  );
}

function Took({ boot }: { boot: Boot }) {
  const now = useNow(1_000);
  if (boot.state === 'unanswered') return <Ago time={boot.startedAt} />;
  const ms = bootDurationMs(boot, now);
  return (
    <>
      {boot.endedAt === null ? `for ${formatElapsed(ms)}` : `took ${formatDuration(ms)}, `}
      {boot.endedAt === null ? null : <Ago time={boot.endedAt} />}
    </>
  );
}

interface BootRowProps {
  boot: Boot;
  name: string | undefined;
  onOpen: () => void;
}

function BootRow({ boot, name, onOpen }: BootRowProps) {
  return (
    <li className={classes.row} data-boot={boot.mac}>
      <div className={classes.who}>
        <button type="button" className={classes.name} onClick={onOpen} aria-haspopup="dialog">
          <OutsideText text={name ?? boot.mac} />
        </button>
        <span className={classes.second}>
          {name ? (
            <>
              <span className={classes.mac}>
                <OutsideText text={boot.mac} />
              </span>
              {boot.firmware ? ' · ' : ''}
            </>
          ) : null}
          {boot.firmware ? <OutsideText text={boot.firmware} /> : null}
        </span>
      </div>
      <div className={classes.state}>
        <BootPill state={boot.state} />
        <span className={classes.second}>
          <Took boot={boot} />
        </span>
      </div>
      <div className={classes.progress}>
        <span className={classes.second}>
          <OutsideText text={boot.verdict} fallback="" />
        </span>
      </div>
    </li>
  );
}

function BootContent({ boot, task }: { boot: Boot; task: Task | undefined }) {
  const now = useNow(1_000);
  const steps = bootSteps(boot, task, now);
  return (
    <Stack>
      <div>
        <BootPill state={boot.state} />
      </div>
      {boot.verdict ? (
        <p className={classes.second} data-verdict>
          <OutsideText text={boot.verdict} />
        </p>
      ) : null}
      {steps.length > 0 ? (
        <>
          <Title order={3} size="h5">
            Timeline
          </Title>
          <Timeline steps={steps} />
        </>
      ) : null}
      <Title order={3} size="h5">
        Machine
      </Title>
      <Facts
        facts={[
          ['MAC', <span className={classes.mac}>{<OutsideText text={boot.mac} />}</span>],
          ['Firmware', <OutsideText text={boot.firmware} fallback="not known" />],
          ['Began', <Ago time={boot.startedAt} />],
          ['Took', boot.state === 'unanswered' ? '–' : formatDuration(bootDurationMs(boot, now))],
        ]}
      />
    </Stack>
  );
}
