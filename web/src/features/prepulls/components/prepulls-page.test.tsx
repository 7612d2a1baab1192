import { screen, waitFor, within } from '@testing-library/react';
import { beforeEach, expect, it } from 'vitest';

import { anImage, aPrepull, aPrepullTarget, aServer, aTentacle } from '@/testing/builders';
import { FakeBackend } from '@/testing/fake-backend';
import { FakeEventSource } from '@/testing/fake-event-source';
import { openPage } from '@/testing/open-page';

const PREPULLS = '/api/v1/provisioning/prepulls';
const HOSTILE = '<img src=x onerror="alert(1)">';

let backend: FakeBackend;

beforeEach(() => {
  backend = new FakeBackend().install();
  backend.images = [anImage(), anImage({ id: '4', displayName: 'Half done', state: 'hashing' })];
  backend.nodes = [
    aServer(),
    aTentacle({ site: 'berlin' }),
    aTentacle({ id: '2', name: 'Munich', online: false, site: 'berlin' }),
  ];
});

function rowOf(id: string): HTMLElement {
  const row = document.querySelector<HTMLElement>(`[data-prepull="${id}"]`);
  if (!row) throw new Error(`prepull ${id} is not shown`);
  return row;
}

it('shows of each what, where, by when and whether it will be in time, and each tentacle of it', async () => {
  backend.prepulls = [
    aPrepull({
      windows: ['Mon-Fri 22:00-06:00'],
      timeZone: 'Europe/Berlin',
      targets: [
        aPrepullTarget({ state: 'done' }),
        aPrepullTarget({
          tentacleId: '2',
          tentacleName: HOSTILE,
          state: 'waiting',
          feasible: false,
          forecast: 'not feasible by Tue 07:00',
        }),
      ],
    }),
  ];
  const user = await openPage('/prepulls');
  const row = within(await waitFor(() => rowOf('5')));
  for (const text of ['Debian 12', '2 tentacles, 1 done', 'Waiting', 'Not in time'])
    expect(row.getByText(text)).toBeTruthy();
  const head = row.getByRole('button', { expanded: false });
  await user.click(head);
  expect(window.location.search).toBe('?open=5');
  const table = within(await screen.findByRole('region', { name: 'Tentacles of this prepull' }));
  const cells = table
    .getAllByRole('row')
    .slice(1)
    .map((one) => [...one.children].map((cell) => cell.textContent));
  expect(cells[0]?.slice(0, 3)).toEqual(['Berlin Office', 'Done', '–']);
  expect(cells[1]?.slice(0, 3)).toEqual([HOSTILE, 'Waiting', 'Not in time']);
  expect(cells[1]?.at(-1)).toBe('not feasible by Tue 07:00');
  expect(row.getByText('Mon-Fri 22:00-06:00 (Europe/Berlin)')).toBeTruthy();
  expect(document.querySelector('img')).toBeNull();
});

it('hears what a tentacle tells of one', async () => {
  backend.prepulls = [aPrepull()];
  await openPage('/prepulls?open=5');
  await waitFor(() => rowOf('5'));
  FakeEventSource.open();
  backend.prepulls = [
    aPrepull({ targets: [aPrepullTarget({ state: 'failed', reason: 'its disk is full' })] }),
  ];
  FakeEventSource.tell({ kind: 'prepull', id: '5' });
  await waitFor(() => expect(within(rowOf('5')).getAllByText('its disk is full')).toHaveLength(2));
  expect(within(rowOf('5')).queryByRole('button', { name: /Cancel/ })).toBeNull();
});

it('shows what goes on alone, and keeps the choice in the address', async () => {
  backend.prepulls = [
    aPrepull(),
    aPrepull({ id: '4', targets: [aPrepullTarget({ state: 'done' })] }),
  ];
  const user = await openPage('/prepulls');
  await screen.findByText('1 open, 2 in all');
  await user.click(screen.getByRole('radio', { name: 'Ended' }));
  await waitFor(() => expect(document.querySelector('[data-prepull="5"]')).toBeNull());
  expect(rowOf('4')).toBeTruthy();
  expect(window.location.search).toBe('?show=done');
});

it('a tentacle’s images lead to the form, which says whether it will be in time before it orders', async () => {
  const order = {
    imageId: '3',
    tentacleIds: ['2'],
    deadline: 'Tue 07:00',
    windows: ['daily 22:00-06:00'],
    timeZone: 'Europe/Berlin',
  };
  const user = await openPage('/nodes/2/pxe');
  await user.click(await screen.findByRole('link', { name: 'Plan a prepull' }));
  const form = within(await screen.findByRole('dialog', { name: 'Order a prepull' }));
  const tentacle = await form.findByLabelText<HTMLSelectElement>(/^Tentacle/);
  expect([...tentacle.options].map((option) => option.text)).toEqual([
    'Berlin Office',
    'Munich (offline)',
  ]);
  expect(tentacle.value).toBe('2');
  expect(form.getByLabelText<HTMLSelectElement>(/^Image/).options).toHaveLength(1);
  await user.type(form.getByLabelText(/^Deadline/), 'tomorrow');
  await user.click(form.getByRole('button', { name: 'Order' }));
  await form.findByText('A day and a time, for example Tue 07:00.');
  expect(backend.bodies(`POST ${PREPULLS}`)).toEqual([]);

  await user.clear(form.getByLabelText(/^Deadline/));
  await user.type(form.getByLabelText(/^Deadline/), 'Tue 07:00');
  await user.type(form.getByLabelText(/^Windows/), 'daily 22:00-06:00');
  await user.clear(form.getByLabelText(/^Time zone/));
  await user.type(form.getByLabelText(/^Time zone/), 'Europe/Berlin');
  backend.answer(`POST ${PREPULLS}`, {
    status: 200,
    body: { targets: [aPrepullTarget({ tentacleName: 'Munich', feasible: false })] },
  });
  await user.click(form.getByRole('button', { name: 'Will it be in time?' }));
  await form.findByText('Not in time');
  expect(backend.bodies(`POST ${PREPULLS}`)).toEqual([{ ...order, dryRun: true }]);

  backend.prepulls = [aPrepull({ id: '6' })];
  backend.answer(`POST ${PREPULLS}`, { status: 201, body: aPrepull({ id: '6' }) });
  await user.click(form.getByRole('button', { name: 'Order' }));
  await waitFor(() => expect(rowOf('6')).toBeTruthy());
  expect(backend.bodies(`POST ${PREPULLS}`).at(-1)).toEqual(order);
  expect(window.location.search).toBe('?open=6');
});

it('orders for a site, and shows a refusal at the field it names', async () => {
  backend.answer(`POST ${PREPULLS}`, {
    status: 422,
    body: { detail: 'deadline: is over already' },
  });
  const user = await openPage('/prepulls?order=');
  const form = within(await screen.findByRole('dialog', { name: 'Order a prepull' }));
  await user.click(await form.findByRole('radio', { name: 'All of a site' }));
  expect(form.getByLabelText<HTMLSelectElement>(/^Site/).selectedOptions[0]?.text).toBe(
    'berlin (2 tentacles)',
  );
  await user.type(form.getByLabelText(/^Deadline/), '2020-01-01T07:00:00Z');
  await user.click(form.getByRole('button', { name: 'Order' }));
  await form.findByText('is over already');
  expect(form.getByLabelText(/^Deadline/).getAttribute('aria-invalid')).toBe('true');
  expect(backend.bodies(`POST ${PREPULLS}`)).toMatchObject([
    { imageId: '3', site: 'berlin', deadline: '2020-01-01T07:00:00Z' },
  ]);
});

it('cancelling asks first, and names image and places', async () => {
  backend.prepulls = [aPrepull()];
  const user = await openPage('/prepulls?open=5');
  await user.click(await screen.findByRole('button', { name: 'Cancel this prepull of Debian 12' }));
  const dialog = await screen.findByRole('dialog', { name: 'Cancel a prepull' });
  expect(dialog.textContent).toContain('Debian 12 will not be brought to Berlin Office');
  expect(backend.bodies(`DELETE ${PREPULLS}/5`)).toEqual([]);
  await user.click(within(dialog).getByRole('button', { name: 'Cancel the prepull' }));
  await waitFor(() => expect(backend.bodies(`DELETE ${PREPULLS}/5`)).toHaveLength(1));
});

it('says what to do while nothing was ordered', async () => {
  const user = await openPage('/nodes');
  await user.click(await screen.findByRole('link', { name: 'Prepulls' }));
  await screen.findByText('No prepull was ordered yet');
});
