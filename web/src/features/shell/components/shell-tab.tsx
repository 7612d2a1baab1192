import { Anchor, Button, Group, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, lazy, Suspense, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { OutsideText } from '@/components/ui/outside-text';
import { Panel } from '@/components/ui/panel';
import { SimpleTable } from '@/components/ui/simple-table';
import { Ago } from '@/components/ui/time';
import type { Node, ShellSession } from '@/types/api';

import { recordingAddress, socketAddress, useOpenShell, useShells } from '../api/shells';

const Terminal = lazy(() => import('./terminal'));

export function ShellTab({ node }: { node: Node }) {
  const shells = useShells(node.id);
  const [ticket, setTicket] = useState<string | null>(null);
  return (
    <Stack>
      <OpenShell node={node} onTicket={setTicket} />
      {ticket ? (
        <OpenedShell key={ticket} ticket={ticket} onEnd={() => void shells.refetch()} />
      ) : null}
      <Panel title="Sessions" note={shells.data ? `${shells.data.length}` : undefined} flush>
        {shells.isPending ? <Skeleton height={80} /> : null}
        {shells.error && !shells.data ? (
          <Problem title="No sessions" error={shells.error} onRetry={() => void shells.refetch()} />
        ) : null}
        {shells.data?.length ? <Sessions sessions={shells.data} /> : null}
        {shells.data?.length === 0 ? <Text p="md">No shell was opened here yet.</Text> : null}
      </Panel>
    </Stack>
  );
}

function OpenShell({ node, onTicket }: { node: Node; onTicket: (ticket: string) => void }) {
  const open = useOpenShell();
  const [user, setUser] = useState('root');
  const [reason, setReason] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    open.mutate(
      { nodeId: node.id, user, reason },
      { onSuccess: (answer) => onTicket(answer.ticket) },
    );
  };
  return (
    <Panel title="Open a shell" note="every session is recorded">
      <form onSubmit={submit}>
        <Stack>
          <Group align="end" grow>
            <TextInput
              label="As user"
              value={user}
              onChange={(event) => setUser(event.currentTarget.value)}
              required
            />
            <TextInput
              label="What for"
              placeholder="disk full, looking for the culprit"
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              maxLength={500}
              required
            />
          </Group>
          <Group>
            <Button type="submit" loading={open.isPending} disabled={!node.online}>
              {node.online ? 'Open' : 'Not connected'}
            </Button>
          </Group>
          {open.error ? <Problem title="Not opened" error={open.error} /> : null}
        </Stack>
      </form>
    </Panel>
  );
}

function OpenedShell({ ticket, onEnd }: { ticket: string; onEnd: () => void }) {
  const [state, setState] = useState('connecting');
  return (
    <Panel title="Terminal" note={state}>
      <Suspense fallback={<Skeleton height={320} />}>
        <Terminal
          address={socketAddress(ticket)}
          onState={setState}
          onClosed={(reason) => {
            setState(`closed: ${reason}`);
            onEnd();
          }}
        />
      </Suspense>
    </Panel>
  );
}

function Sessions({ sessions }: { sessions: ShellSession[] }) {
  return (
    <SimpleTable
      label="Sessions"
      columns={['Opened', 'User', 'By', 'What for', 'State', 'Recording']}
      rows={sessions.map((session) => ({
        key: session.id,
        cells: [
          <Ago key="time" time={session.createdAt} />,
          session.user,
          session.openedBy,
          <OutsideText key="reason" text={session.reason} />,
          session.state === 'ended' ? `ended: ${session.endReason}` : session.state,
          session.recordedBytes > 0 ? (
            <Anchor key="cast" href={recordingAddress(session.id)} download>
              asciicast
            </Anchor>
          ) : (
            '–'
          ),
        ],
      }))}
    />
  );
}
