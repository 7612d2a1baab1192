import { Button, Group, Modal, Stack, Text } from '@mantine/core';

import { Problem } from '@/components/errors/problem';
import { OutsideText } from '@/components/ui/outside-text';
import type { Task } from '@/types/api';

import { useCancelTask } from '../api/tasks';

interface CancelTaskProps {
  tentacleId: string;
  tentacleName: string;
  // Null: nobody asks.
  task: Task | null;
  onClose: () => void;
}

// Names the machine and the place: nobody shall stop the wrong one.
export function CancelTask({ tentacleId, tentacleName, task, onClose }: CancelTaskProps) {
  const cancel = useCancelTask(tentacleId);
  const close = () => {
    cancel.reset();
    onClose();
  };
  return (
    <Modal
      opened={task !== null}
      onClose={close}
      title="Cancel an installation"
      closeButtonProps={{ 'aria-label': 'Close' }}
      zIndex={300}
    >
      {task ? (
        <Stack>
          <Text size="sm">
            <strong>
              <OutsideText text={task.hostname} />
            </strong>{' '}
            (<OutsideText text={task.mac} />) at{' '}
            <strong>
              <OutsideText text={tentacleName} />
            </strong>{' '}
            will not be installed.{' '}
            {task.status === 'installing'
              ? 'It is being installed now: its disk may be left half written.'
              : null}
          </Text>
          {cancel.error ? <Problem title="Not cancelled" error={cancel.error} /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Go on installing
            </Button>
            <Button
              color="red"
              loading={cancel.isPending}
              onClick={() => cancel.mutate(task.id, { onSuccess: close })}
            >
              <span>
                Cancel <OutsideText text={task.hostname} />
              </span>
            </Button>
          </Group>
        </Stack>
      ) : null}
    </Modal>
  );
}
