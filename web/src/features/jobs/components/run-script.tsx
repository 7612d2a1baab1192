import { Button, Group, NativeSelect, NumberInput, Stack, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { PlayIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Panel } from '@/components/ui/panel';
import type { Job, Node } from '@/types/api';

import { useRunScript } from '../api/jobs';

const INTERPRETERS = ['/bin/sh', '/bin/bash', '/usr/bin/python3'];

export function RunScript({ node, onStarted }: { node: Node; onStarted: (job: Job) => void }) {
  const run = useRunScript();
  const [script, setScript] = useState('');
  const [interpreter, setInterpreter] = useState(INTERPRETERS[0] ?? '');
  const [timeoutSeconds, setTimeoutSeconds] = useState<number | string>(300);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run.mutate(
      { nodeId: node.id, script, interpreter, timeoutSeconds: Number(timeoutSeconds) },
      { onSuccess: onStarted },
    );
  };
  return (
    <Panel
      title={
        <>
          Run a script on <OutsideText text={node.name} />
        </>
      }
    >
      <form onSubmit={submit}>
        <Stack>
          <Textarea
            label="Script"
            placeholder="uname -a"
            autosize
            minRows={4}
            maxRows={16}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            value={script}
            onChange={(event) => setScript(event.currentTarget.value)}
            spellCheck={false}
            required
          />
          <Group align="end">
            <NativeSelect
              label="Interpreter"
              data={INTERPRETERS}
              value={interpreter}
              onChange={(event) => setInterpreter(event.currentTarget.value)}
            />
            <NumberInput
              label="Ends after (seconds)"
              min={1}
              max={86400}
              value={timeoutSeconds}
              onChange={setTimeoutSeconds}
            />
            <Button type="submit" loading={run.isPending} leftSection={<PlayIcon size={14} />}>
              {node.online ? 'Run' : 'Run when it is back'}
            </Button>
          </Group>
          {run.error ? <Problem title="Not started" error={run.error} /> : null}
        </Stack>
      </form>
    </Panel>
  );
}
