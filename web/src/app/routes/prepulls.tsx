import { useSearchParams } from 'react-router';

import { useNodes } from '@/features/nodes/api/nodes';
import { PrepullsPage, type PrepullsView } from '@/features/prepulls/components/prepulls-page';
import type { PrepullFilter } from '@/features/prepulls/prepull-view';
import { useImages } from '@/features/pxe/api/images';

const FILTERS: readonly PrepullFilter[] = ['all', 'open', 'done'];

function writeView(view: PrepullsView): URLSearchParams {
  const params = new URLSearchParams();
  if (view.filter !== 'all') params.set('show', view.filter);
  if (view.openId) params.set('open', view.openId);
  if (view.ordering) params.set('order', view.tentacleId);
  return params;
}

export function PrepullsRoute() {
  const [params, setParams] = useSearchParams();
  const images = useImages();
  const nodes = useNodes();
  const view: PrepullsView = {
    filter: FILTERS.find((one) => one === params.get('show')) ?? 'all',
    openId: params.get('open'),
    ordering: params.has('order'),
    tentacleId: params.get('order') ?? '',
  };
  // Closing something leaves nothing behind for the back button.
  const change = (next: PrepullsView) =>
    setParams(writeView(next), {
      replace:
        (view.ordering && !next.ordering) || (view.openId !== null && next.openId !== view.openId),
    });
  return <PrepullsPage view={view} onView={change} images={images} nodes={nodes} />;
}
