import { render } from '@testing-library/react';
import { createBrowserRouter, RouterProvider } from 'react-router';

import { Providers } from '@/app/providers';
import { routes } from '@/app/router';
import { makeQueryClient } from '@/lib/query';

// The whole page at the window's address, as main.tsx makes it.
export function renderPage() {
  return render(
    <Providers queries={makeQueryClient()}>
      <RouterProvider router={createBrowserRouter(routes)} />
    </Providers>,
  );
}
