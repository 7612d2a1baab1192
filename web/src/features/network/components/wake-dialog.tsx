import { Alert, Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { CheckIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import type { Node } from '@/types/api';

import { useWake } from '../api/devices';

interface WakeDialogProps {
  opened: boolean;
  node: Node;
  onClose: () => void;
}

// For a machine that is not in the table any more: the tentacle wakes whom it has heard at some time.
export function WakeDialog({ opened, node, onClose }: WakeDialogProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      closeButtonProps={{ 'aria-label': 'Close' }}
      title={
        <>
          Wake a machine at <OutsideText text={node.name} />
        </>
      }
    >
      {opened ? <Form node={node} onClose={onClose} /> : null}
    </Modal>
  );
}

function Form({ node, onClose }: { node: Node; onClose: () => void }) {
  const [mac, setMac] = useState('');
  const wake = useWake(node.id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    wake.mutate(mac.trim());
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="MAC address"
          description="The tentacle wakes machines that it has heard in its segment at some time."
          placeholder="52:54:00:65:d5:42"
          value={mac}
          onChange={(event) => setMac(event.currentTarget.value)}
          data-autofocus
          required
        />
        {wake.isSuccess ? (
          <Alert color="green" variant="light" icon={<CheckIcon />} role="status">
            {node.online
              ? 'Ordered: the tentacle sends the packet.'
              : 'Kept: the tentacle sends the packet when it is back.'}
          </Alert>
        ) : null}
        {wake.error ? <Problem title="Not ordered" error={wake.error} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" loading={wake.isPending}>
            Wake
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
