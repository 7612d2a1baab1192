import { Button, Stack } from '@mantine/core';

import { CopyLine } from '@/components/ui/copy-line';
import { Empty } from '@/components/ui/empty';
import { ForRole } from '@/components/ui/for-role';
import { PlusIcon, TentacleIcon } from '@/components/ui/icons';

import { enrollCommand } from '../enroll-command';

export function FirstTentacle({ onAdd }: { onAdd: () => void }) {
  return (
    <Empty icon={<TentacleIcon size={30} />} title="No node has enrolled yet">
      <Stack align="center">
        <span>
          A tentacle is a small Linux host in a network segment of yours. It boots and installs the
          machines around it, and this page shows it as soon as it is there. On that host, run:
        </span>
        <div style={{ width: '100%', textAlign: 'left' }}>
          <CopyLine
            label="Enroll command"
            text={enrollCommand(window.location.origin, 'YOUR-TOKEN', 'Berlin Office')}
          />
        </div>
        <ForRole role="admin">
          <Button leftSection={<PlusIcon />} onClick={onAdd}>
            Add tentacle: get a token
          </Button>
        </ForRole>
      </Stack>
    </Empty>
  );
}
