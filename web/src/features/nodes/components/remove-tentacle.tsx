import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { TrashIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Panel } from '@/components/ui/panel';
import { revealInvisible } from '@/lib/format';
import type { Node } from '@/types/api';

import { useRemoveTentacle } from '../api/nodes';

interface RemoveTentacleProps {
  node: Node;
  onRemoved: () => void;
}

export function RemoveTentacle({ node, onRemoved }: RemoveTentacleProps) {
  const [asking, setAsking] = useState(false);
  const close = () => setAsking(false);
  return (
    <Panel title="Remove">
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw="36rem">
          Its key is refused from then on, its open tasks are cancelled, and what it discovered is
          forgotten. To have it back it has to enroll again.
        </Text>
        <Button
          variant="default"
          c="var(--bad)"
          leftSection={<TrashIcon size={16} />}
          onClick={() => setAsking(true)}
        >
          Remove tentacle
        </Button>
      </Group>
      <Modal
        opened={asking}
        onClose={close}
        closeButtonProps={{ 'aria-label': 'Close' }}
        title={
          <>
            Remove <OutsideText text={node.name} />?
          </>
        }
      >
        {asking ? <Form node={node} onRemoved={onRemoved} onClose={close} /> : null}
      </Modal>
    </Panel>
  );
}

function Form({ node, onRemoved, onClose }: RemoveTentacleProps & { onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const remove = useRemoveTentacle();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        remove.mutate(node.id, { onSuccess: onRemoved });
      }}
    >
      <Stack>
        <TextInput
          label={
            <>
              To remove it, type its name: <OutsideText text={node.name} />
            </>
          }
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          data-autofocus
        />
        {remove.error ? <Problem title="Not removed" error={remove.error} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Keep it
          </Button>
          <Button
            type="submit"
            color="red"
            loading={remove.isPending}
            disabled={typed !== node.name && typed !== revealInvisible(node.name)}
          >
            Remove tentacle
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
