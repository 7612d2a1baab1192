// The page's addresses. What is chosen, a tab, a filter, an open task, is in them: any view can be
// bookmarked and sent to somebody.
import { Navigate, type RouteObject } from 'react-router';

import { RouteError } from '@/components/errors/route-error';

import { NodeRoute } from './routes/node';
import { NodesRoute } from './routes/nodes';
import { NotFoundRoute } from './routes/not-found';
import { Root } from './routes/root';

export const routes: RouteObject[] = [
  {
    path: '/',
    element: <Root />,
    errorElement: <RouteError />,
    children: [
      { index: true, element: <Navigate to="/nodes" replace /> },
      { path: 'nodes', element: <NodesRoute /> },
      { path: 'nodes/:nodeId', element: <NodeRoute /> },
      { path: 'nodes/:nodeId/:tab', element: <NodeRoute /> },
      { path: '*', element: <NotFoundRoute /> },
    ],
  },
];
