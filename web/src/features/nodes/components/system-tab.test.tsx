import { screen, waitFor, within } from '@testing-library/react';
import { beforeEach, expect, it } from 'vitest';

import { aTentacle } from '@/testing/builders';
import { FakeBackend } from '@/testing/fake-backend';
import { FakeEventSource } from '@/testing/fake-event-source';
import { openPage } from '@/testing/open-page';

const HOSTILE = '<img src=x onerror="alert(1)">';

let backend: FakeBackend;

beforeEach(() => {
  backend = new FakeBackend().install();
  backend.nodes = [aTentacle()];
});

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

const cells = async (label: string) =>
  within(await screen.findByRole('region', { name: label }))
    .getAllByRole('row')
    .slice(1)
    .map((row) => [...row.children].map((cell) => cell.textContent));

it('shows watched units with what they are and for how long, and hears of a change', async () => {
  backend.units = [
    { unit: 'nginx.service', state: 'failed', expected: false, since: ago(5) },
    { unit: HOSTILE, state: 'active', expected: true, since: ago(180) },
  ];
  await openPage('/nodes/1/system');
  expect(await cells('List of watched units')).toEqual([
    ['nginx.service', 'active', 'failed', '5 min', 'Journal'],
    [HOSTILE, 'active', 'active', '3 h', 'Journal'],
  ]);
  expect(screen.getByText('1 not as expected')).toBeTruthy();
  expect(document.querySelector('img')).toBeNull();
  FakeEventSource.open();
  backend.units = [{ unit: 'nginx.service', state: 'active', expected: true, since: ago(0) }];
  FakeEventSource.tell({ kind: 'node', id: '1' });
  await screen.findByText('all as expected');
});

it('leads from a unit to what it wrote', async () => {
  backend.units = [{ unit: 'nginx.service', state: 'failed', expected: false, since: ago(5) }];
  const user = await openPage('/nodes/1/system');
  await user.click(await screen.findByRole('button', { name: 'Journal of nginx.service' }));
  await waitFor(() => expect(window.location.pathname).toBe('/nodes/1/journal'));
  expect(window.location.search).toBe('?unit=nginx.service');
});

it('says in the overview which watched units are not active, and nothing when all are', async () => {
  backend.units = ['a', 'b', 'c', 'd'].map((name) => ({
    unit: `${name}.service`,
    state: 'failed',
    expected: false,
    since: ago(5),
  }));
  const user = await openPage('/nodes/1');
  const alert = await screen.findByText('4 watched units are not active');
  expect(alert.closest('[role="alert"]')?.textContent).toContain('and 1 more');
  await user.click(screen.getByRole('button', { name: 'Look at them' }));
  await screen.findByText('4 not as expected');
  expect(window.location.pathname).toBe('/nodes/1/system');
});

it('shows updates and a restart that is wanted, security first, and services, failed ones first', async () => {
  backend.inventory = {
    collectedAt: ago(3),
    security: {
      rebootRequired: true,
      rebootPackages: ['linux-image-6.1.0-33-amd64', 'libc6'],
      pendingUpdates: [
        { name: 'vim', installed: '2:9.0', candidate: '2:9.1', security: false },
        { name: 'openssl', installed: '3.0.15', candidate: '3.0.16', security: true },
      ],
      pendingCount: 2,
      timeSync: { synchronized: true, source: 'chrony' },
    },
    services: {
      units: [
        { name: 'cron.service', active: 'active', sub: 'running' },
        { name: 'nginx.service', active: 'failed', sub: 'failed' },
      ],
    },
  };
  const user = await openPage('/nodes/1/system');
  expect(await cells('List of pending updates')).toEqual([
    ['openssl', '3.0.15', '3.0.16', 'Security'],
    ['vim', '2:9.0', '2:9.1', 'other'],
  ]);
  for (const text of [
    'Required',
    'linux-image-6.1.0-33-amd64, libc6',
    '2 pending, 1 for security',
    'synchronized by chrony',
    '2, 1 failed',
  ])
    expect(screen.getByText(text)).toBeTruthy();
  expect((await cells('List of services')).map(([name]) => name)).toEqual([
    'nginx.service',
    'cron.service',
  ]);
  await user.type(screen.getByLabelText('Search services'), 'cron');
  await waitFor(async () => expect(await cells('List of services')).toHaveLength(1));
});

it('says what nobody knows of a node that tells less', async () => {
  backend.inventory = {
    collectedAt: ago(3),
    services: { units: [], reason: 'there is no systemctl here' },
  };
  await openPage('/nodes/1/system');
  await screen.findByText('there is no systemctl here');
  await screen.findByText('No watched unit has changed');
  expect(screen.getAllByText('not known')).toHaveLength(3);
});
