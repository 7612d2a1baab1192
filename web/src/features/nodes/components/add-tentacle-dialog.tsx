import {
  Alert,
  Anchor,
  Button,
  Group,
  Loader,
  Modal,
  NumberInput,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Link } from 'react-router';

import { Problem } from '@/components/errors/problem';
import { CopyLine } from '@/components/ui/copy-line';
import { CheckIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { formatExact } from '@/lib/format';
import type { CreatedToken } from '@/types/api';

import { useCreateToken } from '../api/enrollment-tokens';
import { useNodes } from '../api/nodes';
import { enrollCommand, isLoopback } from '../enroll-command';
import { OnlinePill } from './node-marks';

interface AddTentacleDialogProps {
  opened: boolean;
  onClose: () => void;
}

export function AddTentacleDialog({ opened, onClose }: AddTentacleDialogProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Add tentacle"
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened ? <Steps onClose={onClose} /> : null}
    </Modal>
  );
}

interface Made {
  token: CreatedToken;
  name: string;
  // Who was there before: whoever is not among them is new.
  known: ReadonlySet<string>;
}

function Steps({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<Made | null>(null);
  return made ? <Waiting made={made} onClose={onClose} /> : <Order onMade={setMade} />;
}

function Order({ onMade }: { onMade: (made: Made) => void }) {
  const nodes = useNodes();
  const create = useCreateToken();
  const [name, setName] = useState('');
  const [expiresHours, setExpiresHours] = useState<number | string>(24);
  const [maxUses, setMaxUses] = useState<number | string>(1);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = name.trim();
    const uses = Number(maxUses);
    create.mutate(
      {
        description: wanted,
        expiresHours: Number(expiresHours),
        maxUses: uses,
        // A token for one tentacle is for this one.
        name: uses === 1 ? wanted : '',
      },
      {
        onSuccess: (token) =>
          onMade({ token, name: wanted, known: new Set(nodes.data?.map((node) => node.id)) }),
      },
    );
  };

  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          description="How the tentacle is called here: a place, for example."
          placeholder="Berlin Office"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={120}
          data-autofocus
          required
        />
        <Group grow align="start">
          <NumberInput
            label="Token valid for (hours)"
            min={1}
            max={8760}
            value={expiresHours}
            onChange={setExpiresHours}
          />
          <NumberInput
            label="Usable how often"
            min={1}
            max={10000}
            value={maxUses}
            onChange={setMaxUses}
          />
        </Group>
        {create.error ? <Problem title="No token was made" error={create.error} /> : null}
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            Create token
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Waiting({ made, onClose }: { made: Made; onClose: () => void }) {
  const nodes = useNodes();
  const arrived = nodes.data?.filter((node) => node.isTentacle && !made.known.has(node.id)) ?? [];
  return (
    <Stack>
      <Text size="sm">
        Run this on the host that is to become the tentacle. The token is shown here only; it is
        valid until {formatExact(made.token.expiresAt).replace(/ \(.*/, '')}.
      </Text>
      <CopyLine
        label="Enroll command"
        text={enrollCommand(window.location.origin, made.token.token, made.name)}
      />
      {isLoopback(window.location.hostname) ? (
        <Text size="xs" c="dimmed">
          Another host does not reach this backend as “{window.location.hostname}”: put the
          backend’s own name or address there.
        </Text>
      ) : null}
      {arrived.length === 0 ? (
        <Alert color="gray" variant="light" icon={<Loader size={18} />} role="status">
          Waiting for <OutsideText text={made.name} /> …
        </Alert>
      ) : (
        arrived.map((node) => (
          <Alert key={node.id} color="green" variant="light" icon={<CheckIcon />} role="status">
            <Group gap="sm">
              <Anchor
                component={Link}
                to={`/nodes/${encodeURIComponent(node.id)}`}
                onClick={onClose}
                fw={600}
              >
                <OutsideText text={node.name} />
              </Anchor>
              {node.online ? (
                <OnlinePill node={node} />
              ) : (
                <span>has enrolled and is not connected yet</span>
              )}
            </Group>
          </Alert>
        ))
      )}
      <Group justify="flex-end">
        <Button variant={arrived.length > 0 ? 'filled' : 'default'} onClick={onClose}>
          {arrived.length > 0 ? 'Done' : 'Close'}
        </Button>
      </Group>
    </Stack>
  );
}
