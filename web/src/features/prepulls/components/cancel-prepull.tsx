import { Button, Group, Modal, Stack, Text } from '@mantine/core';

import { Problem } from '@/components/errors/problem';
import { OutsideText } from '@/components/ui/outside-text';
import type { Prepull } from '@/types/api';

import { useCancelPrepull } from '../api/prepulls';
import { isTargetOpen } from '../prepull-view';

interface CancelPrepullProps {
  // Null: nobody asks.
  prepull: Prepull | null;
  onClose: () => void;
}

// Names at once; the rest is a number.
const NAMED = 5;

// Names the image and the places: nobody shall stop the wrong one.
export function CancelPrepull({ prepull, onClose }: CancelPrepullProps) {
  const cancel = useCancelPrepull();
  const close = () => {
    cancel.reset();
    onClose();
  };
  const places = prepull?.targets.filter(isTargetOpen) ?? [];
  return (
    <Modal
      opened={prepull !== null}
      onClose={close}
      title="Cancel a prepull"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {prepull ? (
        <Stack>
          <Text size="sm">
            <strong>
              <OutsideText text={prepull.imageName} />
            </strong>{' '}
            will not be brought to{' '}
            <strong>
              <OutsideText
                text={places
                  .slice(0, NAMED)
                  .map((one) => one.tentacleName)
                  .join(', ')}
              />
            </strong>
            {places.length > NAMED ? ` and ${places.length - NAMED} more` : ''}. Where it is
            already, it stays.
          </Text>
          {cancel.error ? <Problem title="Not cancelled" error={cancel.error} /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Keep it
            </Button>
            <Button
              color="red"
              loading={cancel.isPending}
              onClick={() => cancel.mutate(prepull.id, { onSuccess: close })}
            >
              Cancel the prepull
            </Button>
          </Group>
        </Stack>
      ) : null}
    </Modal>
  );
}
