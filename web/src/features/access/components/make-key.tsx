import { Alert, Button, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { CopyLine } from '@/components/ui/copy-line';
import { Panel } from '@/components/ui/panel';
import type { Role } from '@/types/access';

import { useMakeKey } from '../api/access';

const ROLE_WORDS: { value: Role; label: string }[] = [
  { value: 'viewer', label: 'Viewer: sees everything' },
  { value: 'operator', label: 'Operator: installs, wakes, runs jobs and shells as well' },
  { value: 'admin', label: 'Admin: decides who and what belongs here as well' },
];

export function MakeKey() {
  const make = useMakeKey();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate({ name: name.trim(), role }, { onSuccess: () => setName('') });
  };
  return (
    <Panel title="New key" note="one for each person and each program">
      <form onSubmit={submit}>
        <Stack>
          <Group align="end" grow>
            <TextInput
              label="Whose"
              placeholder="Anna Schmidt"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              maxLength={64}
              required
            />
            <NativeSelect
              label="Role"
              value={role}
              onChange={(event) => setRole(event.currentTarget.value as Role)}
              data={ROLE_WORDS}
            />
          </Group>
          <Group>
            <Button type="submit" loading={make.isPending}>
              Make a key
            </Button>
          </Group>
          {make.error ? <Problem title="No key was made" error={make.error} /> : null}
          {make.data ? (
            <Alert color="green" variant="light" role="status" title={`Key of ${make.data.name}`}>
              <Stack gap="xs">
                Hand it over now: it is shown once, and only its checksum is kept.
                <CopyLine label="API key" text={make.data.key} />
              </Stack>
            </Alert>
          ) : null}
        </Stack>
      </form>
    </Panel>
  );
}
