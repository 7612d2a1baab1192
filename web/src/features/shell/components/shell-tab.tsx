import { Anchor, Button, Group, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, lazy, Suspense, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { ForRole } from '@/components/ui/for-role';
import { OutsideText } from '@/components/ui/outside-text';
import { Panel } from '@/components/ui/panel';
import { SimpleTable } from '@/components/ui/simple-table';
import { Ago } from '@/components/ui/time';
import { sentence } from '@/lib/api-client';
import { revealInvisible } from '@/lib/format';
import { useMay, useMe } from '@/lib/role';
import type { Node, ShellSession, ShellTicket } from '@/types/api';

import {
  recordingAddress,
  socketAddress,
  useApproveShell,
  useOpenShell,
  useShells,
  useTakeTicket,
} from '../api/shells';

const Terminal = lazy(() => import('./terminal'));

export function ShellTab({ node }: { node: Node }) {
  const [ticket, setTicket] = useState<string | null>(null);
  const [waitsFor, setWaitsFor] = useState<string | null>(null);
  const shells = useShells(node.id, { waits: waitsFor !== null });
  const asked = (answer: ShellTicket) => {
    setTicket(answer.ticket ?? null);
    setWaitsFor(answer.ticket ? null : answer.id);
  };
  const me = useMe();
  // Also one that was asked for before this page was loaded anew.
  const waiting = shells.data?.find(
    (session) =>
      session.id === waitsFor ||
      (!ticket &&
        session.state === 'asked' &&
        session.approvedBy !== null &&
        session.askedBy === me?.name),
  );
  return (
    <Stack>
      <ForRole role="operator">
        <OpenShell node={node} onAsked={asked} />
      </ForRole>
      {waiting ? <WaitingShell session={waiting} onTicket={asked} /> : null}
      {ticket ? (
        <OpenedShell key={ticket} ticket={ticket} onEnd={() => void shells.refetch()} />
      ) : null}
      <Panel title="Sessions" note={shells.data ? `${shells.data.length}` : undefined} flush>
        {shells.isPending ? <Skeleton height={80} /> : null}
        {shells.error && !shells.data ? (
          <Problem title="No sessions" error={shells.error} onRetry={() => void shells.refetch()} />
        ) : null}
        {shells.data?.length ? <Sessions sessions={shells.data} nodeId={node.id} /> : null}
        {shells.data?.length === 0 ? <Text p="md">No shell was opened here yet.</Text> : null}
      </Panel>
    </Stack>
  );
}

interface OpenShellProps {
  node: Node;
  onAsked: (answer: ShellTicket) => void;
}

function OpenShell({ node, onAsked }: OpenShellProps) {
  const open = useOpenShell();
  const [user, setUser] = useState('root');
  const [reason, setReason] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    open.mutate({ nodeId: node.id, user, reason }, { onSuccess: onAsked });
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

interface WaitingShellProps {
  session: ShellSession;
  onTicket: (answer: ShellTicket) => void;
}

// Asked for here; somebody else has to approve it.
function WaitingShell({ session, onTicket }: WaitingShellProps) {
  const take = useTakeTicket();
  if (session.state === 'ended')
    return <Text role="status">The shell was not opened: {session.endReason}.</Text>;
  return (
    <Panel title="Waiting for approval">
      <Stack>
        <Text role="status">
          {session.approvedBy ? (
            <>
              Approved by <OutsideText text={session.approvedBy} />.
            </>
          ) : (
            'Somebody with another key and the role admin has to approve this shell within ten minutes, here on this page.'
          )}
        </Text>
        {session.approvedBy ? (
          <Group>
            <Button
              loading={take.isPending}
              onClick={() => take.mutate(session.id, { onSuccess: onTicket })}
            >
              Open it now
            </Button>
          </Group>
        ) : null}
        {take.error ? <Problem title="Not opened" error={take.error} /> : null}
      </Stack>
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

function stateOf(session: ShellSession): string {
  if (session.state === 'ended') return `ended: ${session.endReason}`;
  return session.state === 'asked' && session.approvedBy ? 'approved' : session.state;
}

function Sessions({ sessions, nodeId }: { sessions: ShellSession[]; nodeId: string }) {
  const mayReplay = useMay('operator');
  return (
    <SimpleTable
      label="Sessions"
      columns={['Opened', 'User', 'By', 'Approved by', 'What for', 'State', 'Recording']}
      rows={sessions.map((session) => ({
        key: session.id,
        cells: [
          <Ago key="time" time={session.createdAt} />,
          session.user,
          session.openedBy,
          <Approval key="approval" session={session} nodeId={nodeId} />,
          <OutsideText key="reason" text={session.reason} />,
          stateOf(session),
          session.recordedBytes > 0 && mayReplay ? (
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

// Who asked cannot approve. A backend that wants no second person has no use for the button, and says so.
function Approval({ session, nodeId }: { session: ShellSession; nodeId: string }) {
  const approve = useApproveShell(nodeId);
  const mayApprove = useMay('admin');
  const me = useMe();
  if (session.approvedBy) return <OutsideText text={session.approvedBy} />;
  if (session.state !== 'asked' || !mayApprove || me?.name === session.askedBy) return <>–</>;
  return (
    <Stack gap={2}>
      <Button
        size="compact-xs"
        variant="default"
        loading={approve.isPending}
        onClick={() => approve.mutate(session.id)}
        aria-label={`Approve the shell of ${revealInvisible(session.askedBy)}`}
      >
        Approve
      </Button>
      {approve.error ? revealInvisible(sentence(approve.error)) : null}
    </Stack>
  );
}
