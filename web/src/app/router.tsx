// The page's addresses. What is chosen, a tab, a filter, an open task, is in them: any view can be
// bookmarked and sent to somebody.
import { Skeleton } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { Navigate, type RouteObject } from 'react-router';

import { RouteError } from '@/components/errors/route-error';

import { NodesRoute } from './routes/nodes';
import { NotFoundRoute } from './routes/not-found';
import { Root } from './routes/root';

// The list is there first; what the other pages need is fetched with them.
const NodeRoute = lazy(() =>
  import('./routes/node').then((module) => ({ default: module.NodeRoute })),
);
const PrepullsRoute = lazy(() =>
  import('./routes/prepulls').then((module) => ({ default: module.PrepullsRoute })),
);

const AccessRoute = lazy(() =>
  import('./routes/access').then((module) => ({ default: module.AccessRoute })),
);

const waiting = <Skeleton height={240} radius="lg" />;
const node = (
  <Suspense fallback={waiting}>
    <NodeRoute />
  </Suspense>
);
const access = (
  <Suspense fallback={waiting}>
    <AccessRoute />
  </Suspense>
);
const prepulls = (
  <Suspense fallback={waiting}>
    <PrepullsRoute />
  </Suspense>
);

export const routes: RouteObject[] = [
  {
    path: '/',
    element: <Root />,
    errorElement: <RouteError />,
    children: [
      { index: true, element: <Navigate to="/nodes" replace /> },
      { path: 'nodes', element: <NodesRoute /> },
      { path: 'prepulls', element: prepulls },
      { path: 'access', element: access },
      { path: 'nodes/:nodeId', element: node },
      { path: 'nodes/:nodeId/:tab', element: node },
      { path: '*', element: <NotFoundRoute /> },
    ],
  },
];
