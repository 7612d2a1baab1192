import { Button, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';

import { Problem } from '@/components/errors/problem';

import { useRegisterImage } from '../api/images';
import { OS_TYPES } from '../task-view';

interface RegisterImageProps {
  opened: boolean;
  onClose: () => void;
}

export function RegisterImage({ opened, onClose }: RegisterImageProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Register an image"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened ? <Form onDone={onClose} /> : null}
    </Modal>
  );
}

function Form({ onDone }: { onDone: () => void }) {
  const register = useRegisterImage();
  const [path, setPath] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [osType, setOsType] = useState(OS_TYPES[0]?.[0] ?? '');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const shown = displayName.trim();
    register.mutate(
      { name: shown, displayName: shown, path: path.trim(), osType },
      { onSuccess: onDone },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="File"
          description="Its path in the backend’s image folder. Size and SHA-256 are computed by the backend."
          placeholder="debian-12.raw.zst"
          value={path}
          onChange={(event) => setPath(event.currentTarget.value)}
          data-autofocus
          required
        />
        <TextInput
          label="Name"
          placeholder="Debian 12"
          maxLength={120}
          value={displayName}
          onChange={(event) => setDisplayName(event.currentTarget.value)}
          required
        />
        <NativeSelect
          label="Kind"
          data={OS_TYPES.map(([value, label]) => ({ value, label }))}
          value={osType}
          onChange={(event) => setOsType(event.currentTarget.value)}
        />
        {register.error ? <Problem title="Not registered" error={register.error} /> : null}
        <Group justify="flex-end">
          <Button type="submit" loading={register.isPending}>
            Register
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
