import { Button, Group, Stack, Title } from '@mantine/core';
import { Link, useSearchParams } from 'react-router';

import { ForRole } from '@/components/ui/for-role';
import { DownloadIcon, PlusIcon } from '@/components/ui/icons';
import { AddTentacleDialog } from '@/features/nodes/components/add-tentacle-dialog';
import { NodeFilters } from '@/features/nodes/components/node-filters';
import { NodeList } from '@/features/nodes/components/node-list';
import type { NodeFilter } from '@/features/nodes/node-view';

const ALL: NodeFilter = { kind: 'all', online: 'any', search: '' };

function readFilter(params: URLSearchParams): NodeFilter {
  const online = params.get('state');
  return {
    kind: params.get('kind') === 'tentacles' ? 'tentacles' : 'all',
    online: online === 'online' || online === 'offline' ? online : 'any',
    search: params.get('q') ?? '',
  };
}

function writeFilter(filter: NodeFilter): URLSearchParams {
  const params = new URLSearchParams();
  if (filter.kind !== ALL.kind) params.set('kind', filter.kind);
  if (filter.online !== ALL.online) params.set('state', filter.online);
  if (filter.search) params.set('q', filter.search);
  return params;
}

export function NodesRoute() {
  const [params, setParams] = useSearchParams();
  const filter = readFilter(params);
  const adding = params.has('add');
  // Typing in the search box makes no history; a choice does.
  const change = (next: NodeFilter) =>
    setParams(writeFilter(next), { replace: next.search !== filter.search });
  const setAdding = (open: boolean) => {
    const next = writeFilter(filter);
    if (open) next.set('add', '');
    // Closing leaves nothing behind for the back button.
    setParams(next, { replace: !open });
  };
  return (
    <Stack>
      <title>Nodes · Octofleet</title>
      <Group justify="space-between">
        <Title order={1} size="h2">
          Nodes
        </Title>
        <Group gap="xs">
          <Button
            component={Link}
            to="/prepulls"
            variant="default"
            leftSection={<DownloadIcon size={16} />}
          >
            Prepulls
          </Button>
          <ForRole role="admin">
            <Button component={Link} to="/access" variant="default">
              Access
            </Button>
            <Button leftSection={<PlusIcon />} onClick={() => setAdding(true)}>
              Add tentacle
            </Button>
          </ForRole>
        </Group>
      </Group>
      <NodeFilters filter={filter} onChange={change} />
      <NodeList filter={filter} onClearFilter={() => change(ALL)} onAdd={() => setAdding(true)} />
      <AddTentacleDialog opened={adding} onClose={() => setAdding(false)} />
    </Stack>
  );
}
