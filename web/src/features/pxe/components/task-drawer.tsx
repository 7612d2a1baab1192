import { Button, Drawer, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';

import { CrossIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Facts } from '@/components/ui/panel';
import { Ago } from '@/components/ui/time';
import { useMay } from '@/lib/role';
import type { NetworkPlan, Task } from '@/types/api';

import { isOpen, platformWords } from '../task-view';
import { BootTrustList } from './boot-trust-list';
import classes from './task-drawer.module.css';
import { TaskPill } from './task-pill';
import { TaskProgress } from './task-progress';
import { TaskTimeline } from './task-timeline';

interface TaskDrawerProps {
  // Null: closed.
  task: Task | null;
  onClose: () => void;
  onCancel: (task: Task) => void;
}

export function TaskDrawer({ task, onClose, onCancel }: TaskDrawerProps) {
  return (
    <Drawer
      opened={task !== null}
      onClose={onClose}
      position="right"
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
      title={task ? <OutsideText text={task.hostname} /> : null}
    >
      {task ? <Content task={task} onCancel={() => onCancel(task)} /> : null}
    </Drawer>
  );
}

function networkWords(network: NetworkPlan | undefined): string {
  if (!network || network.dhcp) return 'DHCP';
  const gateway = network.gateway ? `, gateway ${network.gateway}` : '';
  const dns = network.dns?.length ? `, DNS ${network.dns.join(', ')}` : '';
  return `${network.ip}/${network.prefix}${gateway}${dns}`;
}

// Such a task is shown at both tentacles, so both are named.
function relayFacts(task: Task): [name: string, value: ReactNode][] {
  if (!task.standbyTentacleId) return [];
  return [
    ['Tentacle', <OutsideText text={task.tentacleName} fallback="removed" />],
    ['Standby', <OutsideText text={task.standbyTentacleName} fallback="removed" />],
  ];
}

function Content({ task, onCancel }: { task: Task; onCancel: () => void }) {
  const mayCancel = useMay('operator');
  return (
    <Stack>
      <div className={classes.state}>
        <TaskPill status={task.status} />
        {mayCancel && isOpen(task) ? (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<CrossIcon size={14} />}
            onClick={onCancel}
          >
            Cancel this installation
          </Button>
        ) : null}
      </div>
      <TaskProgress task={task} />
      <Title order={3} size="h5">
        Timeline
      </Title>
      <TaskTimeline task={task} />
      <Title order={3} size="h5">
        Order
      </Title>
      <Facts
        facts={[
          ...relayFacts(task),
          ['MAC', <span className={classes.mac}>{<OutsideText text={task.mac} />}</span>],
          ['Image', <OutsideText text={task.imageName} fallback="removed" />],
          ['Platform', <OutsideText text={platformWords(task.platform)} />],
          ['Network', <OutsideText text={networkWords(task.network)} />],
          [
            'Disk',
            <OutsideText text={task.disk?.serial ?? task.disk?.path} fallback="the only one" />,
          ],
          ['SSH keys', task.sshKeys?.length ?? 0],
          ['Ordered', <Ago time={task.createdAt} />],
          ['Last report', <Ago time={task.updatedAt} />],
        ]}
      />
      <Title order={3} size="h5">
        What is checked on the way
      </Title>
      <BootTrustList osType={task.osType} />
    </Stack>
  );
}
