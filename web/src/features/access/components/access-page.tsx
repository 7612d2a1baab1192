import { Anchor, Button, Skeleton, Stack, Text, Title } from '@mantine/core';
import { Link } from 'react-router';

import { Problem } from '@/components/errors/problem';
import { BackIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Panel } from '@/components/ui/panel';
import { SimpleTable } from '@/components/ui/simple-table';
import { Ago } from '@/components/ui/time';
import { useMay } from '@/lib/role';
import type { Act, ApiKey } from '@/types/access';

import { useApiKeys, useAudit, useRevokeKey } from '../api/access';
import { MakeKey } from './make-key';

export function AccessPage() {
  const mayEnter = useMay('admin');
  return (
    <Stack>
      <title>Access · Octofleet</title>
      <div>
        <Anchor component={Link} to="/nodes" size="sm">
          <BackIcon size={14} /> Nodes
        </Anchor>
        <Title order={1} size="h2">
          Access
        </Title>
      </div>
      {mayEnter ? (
        <>
          <MakeKey />
          <Keys />
          <Audit />
        </>
      ) : (
        <Text>Keys are for people with the role admin.</Text>
      )}
    </Stack>
  );
}

function Keys() {
  const keys = useApiKeys();
  return (
    <Panel title="Keys" note={keys.data ? `${keys.data.filter(inUse).length} in use` : null} flush>
      {keys.isPending ? <Skeleton height={80} /> : null}
      {keys.error && !keys.data ? (
        <Problem title="No keys" error={keys.error} onRetry={() => void keys.refetch()} />
      ) : null}
      {keys.data?.length === 0 ? (
        <Text p="md">Only the key of the file that the backend was started with.</Text>
      ) : null}
      {keys.data?.length ? <KeyTable keys={keys.data} /> : null}
    </Panel>
  );
}

function inUse(key: ApiKey): boolean {
  return key.revokedAt === null;
}

function KeyTable({ keys }: { keys: ApiKey[] }) {
  const revoke = useRevokeKey();
  return (
    <>
      {revoke.error ? <Problem title="Not revoked" error={revoke.error} /> : null}
      <SimpleTable
        label="Keys"
        columns={['Whose', 'Role', 'Made by', 'Made', 'Last used', '']}
        rows={keys.map((key) => ({
          key: key.id,
          cells: [
            <OutsideText key="name" text={key.name} />,
            key.role,
            <OutsideText key="by" text={key.createdBy} />,
            <Ago key="made" time={key.createdAt} />,
            key.lastUsedAt ? <Ago key="used" time={key.lastUsedAt} /> : 'never',
            inUse(key) ? (
              <Button
                key="revoke"
                size="compact-xs"
                variant="default"
                loading={revoke.isPending && revoke.variables === key.id}
                onClick={() => revoke.mutate(key.id)}
                aria-label={`Revoke the key of ${key.name}`}
              >
                Revoke
              </Button>
            ) : (
              <span key="revoked">
                revoked <Ago time={key.revokedAt} />
              </span>
            ),
          ],
        }))}
      />
    </>
  );
}

function Audit() {
  const audit = useAudit();
  return (
    <Panel title="What was done" note="the newest 500; 90 days are kept" flush>
      {audit.isPending ? <Skeleton height={80} /> : null}
      {audit.error && !audit.data ? (
        <Problem title="No record" error={audit.error} onRetry={() => void audit.refetch()} />
      ) : null}
      {audit.data?.length === 0 ? <Text p="md">Nothing was changed yet.</Text> : null}
      {audit.data?.length ? <ActTable acts={audit.data} /> : null}
    </Panel>
  );
}

function ActTable({ acts }: { acts: Act[] }) {
  return (
    <SimpleTable
      label="What was done"
      columns={['When', 'Who', 'Role', 'From', 'What', 'Answer']}
      rows={acts.map((act, index) => ({
        key: `${act.time} ${index}`,
        cells: [
          <Ago key="time" time={act.time} />,
          <OutsideText key="by" text={act.by} />,
          act.role,
          act.address,
          <OutsideText key="what" text={`${act.method} ${act.path}`} />,
          act.status === 403 ? '403, not allowed' : String(act.status),
        ],
      }))}
    />
  );
}
