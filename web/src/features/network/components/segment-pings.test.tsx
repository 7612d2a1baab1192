import { render, screen, waitFor, within } from '@testing-library/react';
import { expect, it } from 'vitest';

import { Providers } from '@/app/providers';
import { makeQueryClient } from '@/lib/query';
import { aDevice, aTentacle } from '@/testing/builders';
import { FakeBackend } from '@/testing/fake-backend';
import type { Ping } from '@/types/api';

import { SegmentPings } from './segment-pings';

const ping = (n: number): Ping => ({
  ip: `10.0.0.${String(n)}`,
  roundTripMs: n,
  lossPercent: n,
  hourPercent: 100 - n,
  dayPercent: 99.5,
  weekPercent: 98,
});

function show(pings: Ping[] | undefined) {
  const backend = new FakeBackend().install();
  backend.devices = [aDevice({ ip: '10.0.0.3', hostname: '<b>pc</b>' })];
  backend.answer('GET /api/v1/tentacles/1/network', {
    status: 200,
    body: { neighbours: [], dhcpServers: [], gateways: [], pings },
  });
  render(
    <Providers queries={makeQueryClient()}>
      <SegmentPings node={aTentacle()} />
    </Providers>,
  );
  return backend;
}

it('shows who was pinged with name, loss and the answered share of hour, day and week', async () => {
  show([ping(1), ping(3)]);
  const table = await screen.findByRole('table', { name: 'Answers to pings' });
  const cells = () =>
    within(table)
      .getAllByRole('row')
      .slice(1)
      .map((row) => [...row.children].map((cell) => cell.textContent.trim()));
  await waitFor(() =>
    expect(cells()).toEqual([
      ['10.0.0.3 <b>pc</b>', '3 ms', '3 %', '97 %', '99.5 %', '98 %'],
      ['10.0.0.1', '1 ms', '1 %', '99 %', '99.5 %', '98 %'],
    ]),
  );
});

it('shows the worst of very many, and says so', async () => {
  show(Array.from({ length: 60 }, (_, n) => ping(n + 1)));
  const table = await screen.findByRole('table', {
    name: 'Answers to pings, the worst 50 of 60',
  });
  const rows = within(table).getAllByRole('row');
  expect(rows).toHaveLength(51);
  expect(rows[1]?.textContent).toContain('10.0.0.60');
});

it('shows nothing where nobody is pinged', async () => {
  const backend = show(undefined);
  await waitFor(() =>
    expect(backend.asked.some(({ path }) => path.endsWith('/network'))).toBe(true),
  );
  expect(screen.queryByRole('table')).toBeNull();
});
