import { Anchor, Button, Group, SegmentedControl, Skeleton, Stack, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { ForRole } from '@/components/ui/for-role';
import { BackIcon, CheckIcon, DownloadIcon, PlusIcon } from '@/components/ui/icons';
import { Panel } from '@/components/ui/panel';
import type { Prepull } from '@/types/api';

import { usePrepulls } from '../api/prepulls';
import { filterPrepulls, isOpen, type PrepullFilter } from '../prepull-view';
import { CancelPrepull } from './cancel-prepull';
import { OrderPrepull, type OrderSources } from './order-prepull';
import { PrepullList } from './prepull-list';
import classes from './prepulls-page.module.css';

// What of this page is in the address.
export interface PrepullsView {
  filter: PrepullFilter;
  // The prepull whose tentacles are shown.
  openId: string | null;
  // The form is open, perhaps with a tentacle chosen already.
  ordering: boolean;
  tentacleId: string;
}

interface PrepullsPageProps extends OrderSources {
  view: PrepullsView;
  onView: (view: PrepullsView) => void;
}

// Prepulls that are shown at once; more on request.
const PAGE = 50;

export function PrepullsPage({ view, onView, images, nodes }: PrepullsPageProps) {
  const prepulls = usePrepulls();
  const [cancelling, setCancelling] = useState<Prepull | null>(null);
  const order = () => onView({ ...view, ordering: true });
  return (
    <Stack>
      <title>Prepulls · Octofleet</title>
      <div>
        <Anchor component={Link} to="/nodes" size="sm" className={classes.back}>
          <BackIcon size={14} /> Nodes
        </Anchor>
        <Group justify="space-between">
          <Title order={1} size="h2">
            Prepulls
          </Title>
          <ForRole role="operator">
            <Button leftSection={<PlusIcon />} onClick={order}>
              Order a prepull
            </Button>
          </ForRole>
        </Group>
      </div>
      <Panel
        title="Images that are to be somewhere in time"
        note={
          prepulls.data
            ? `${prepulls.data.filter(isOpen).length} open, ${prepulls.data.length} in all`
            : null
        }
        flush
        actions={
          <SegmentedControl
            size="xs"
            aria-label="Which prepulls"
            value={view.filter}
            onChange={(filter) => onView({ ...view, filter: filter as PrepullFilter })}
            data={[
              { value: 'all', label: 'All' },
              { value: 'open', label: 'Open' },
              { value: 'done', label: 'Ended' },
            ]}
          />
        }
      >
        {prepulls.isPending ? <Skeleton height={120} /> : null}
        {prepulls.error && !prepulls.data ? (
          <Problem
            title="No prepulls"
            error={prepulls.error}
            onRetry={() => void prepulls.refetch()}
          />
        ) : null}
        {prepulls.data ? (
          <Prepulls
            prepulls={prepulls.data}
            view={view}
            onView={onView}
            onOrder={order}
            onCancel={setCancelling}
          />
        ) : null}
      </Panel>
      <CancelPrepull prepull={cancelling} onClose={() => setCancelling(null)} />
      <OrderPrepull
        opened={view.ordering}
        tentacleId={view.tentacleId}
        images={images}
        nodes={nodes}
        onClose={() => onView({ ...view, ordering: false, tentacleId: '' })}
        onOrdered={(prepull) =>
          onView({ filter: 'all', openId: prepull.id, ordering: false, tentacleId: '' })
        }
      />
    </Stack>
  );
}

interface PrepullsProps {
  prepulls: Prepull[];
  view: PrepullsView;
  onView: (view: PrepullsView) => void;
  onOrder: () => void;
  onCancel: (prepull: Prepull) => void;
}

function Prepulls({ prepulls, view, onView, onOrder, onCancel }: PrepullsProps) {
  const [limit, setLimit] = useState(PAGE);
  const shown = filterPrepulls(prepulls, view.filter);
  if (prepulls.length === 0) {
    return (
      <Empty icon={<DownloadIcon size={26} />} title="No prepull was ordered yet">
        <Stack align="center" gap="xs">
          A prepull brings an image to a tentacle before a machine needs it, at night for example,
          and says beforehand whether the line is fast enough.
          <ForRole role="operator">
            <Button leftSection={<PlusIcon />} onClick={onOrder}>
              Order a prepull
            </Button>
          </ForRole>
        </Stack>
      </Empty>
    );
  }
  if (shown.length === 0) return <Empty icon={<CheckIcon size={26} />} title="No such prepull" />;
  return (
    <>
      <PrepullList
        prepulls={shown.slice(0, limit)}
        openId={view.openId}
        onOpen={(openId) => onView({ ...view, openId })}
        onCancel={onCancel}
      />
      {shown.length > limit ? (
        <Group justify="center" p="sm">
          <Button size="xs" variant="default" onClick={() => setLimit(limit + PAGE)}>
            Show more ({limit} of {shown.length})
          </Button>
        </Group>
      ) : null}
    </>
  );
}
