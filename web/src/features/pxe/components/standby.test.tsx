// A second tentacle for a machine: chosen in the form, shown at the task.
import { screen, waitFor, within } from '@testing-library/react';
import { beforeEach, expect, it } from 'vitest';

import { anImage, aServer, aTask, aTentacle } from '@/testing/builders';
import { FakeBackend } from '@/testing/fake-backend';
import { openPage } from '@/testing/open-page';

const TASKS = '/api/v1/provisioning/tasks';
const HOSTILE = '<img src=x onerror="alert(1)">';

let backend: FakeBackend;

beforeEach(() => {
  backend = new FakeBackend().install();
  backend.images = [anImage()];
  backend.nodes = [
    aServer(),
    aTentacle({ site: 'berlin' }),
    aTentacle({ id: '2', name: 'Munich', online: false, site: 'munich' }),
    aTentacle({ id: '4', name: 'Cellar', site: 'berlin' }),
  ];
});

const opensForm = async () => {
  const user = await openPage('/nodes/1/pxe?install=52:54:00:65:d5:42');
  const dialog = await screen.findByRole('dialog', { name: /Install a machine/ });
  const form = within(dialog);
  await user.type(await form.findByLabelText(/Host name/), 'web-01');
  return { user, form };
};

it('is offered among more settings, the nearest first, and is in the order', async () => {
  const { user, form } = await opensForm();
  const more = form.getByRole('button', { name: 'More settings' });
  await user.click(more);
  const standby = await form.findByLabelText<HTMLSelectElement>('Standby tentacle');
  expect([...standby.options].map((option) => option.text)).toEqual([
    'None',
    'Cellar',
    'Munich (offline)',
  ]);
  expect(standby.value).toBe('');
  await user.selectOptions(standby, 'Munich (offline)');
  backend.answer(`POST ${TASKS}`, { status: 201, body: aTask({ standbyTentacleId: '2' }) });
  await user.click(form.getByRole('button', { name: 'Install this machine' }));
  await waitFor(() =>
    expect(backend.bodies(`POST ${TASKS}`)).toMatchObject([
      { tentacleId: '1', standbyTentacleId: '2' },
    ]),
  );
});

it('a refusal of it opens the settings and stands at it', async () => {
  backend.answer(`POST ${TASKS}`, {
    status: 422,
    body: { detail: 'standbyTentacleId: there is no such tentacle' },
  });
  const { user, form } = await opensForm();
  await user.click(form.getByRole('button', { name: 'Install this machine' }));
  await form.findByRole('button', { name: 'Fewer settings' });
  await form.findByText('there is no such tentacle');
  expect(form.getByLabelText('Standby tentacle').getAttribute('aria-invalid')).toBe('true');
  expect(form.queryByText('Not ordered')).toBeNull();
});

it('is not offered where there is no other tentacle', async () => {
  backend.nodes = [aServer(), aTentacle()];
  const { user, form } = await opensForm();
  await waitFor(() => expect(backend.asked.some((one) => one.path === '/api/v1/nodes')).toBe(true));
  await user.click(form.getByRole('button', { name: 'More settings' }));
  await form.findByLabelText('Time zone');
  expect(form.queryByLabelText('Standby tentacle')).toBeNull();
});

it('is named at the task beside the first, and the timeline says that it took over', async () => {
  backend.tasks = [
    aTask({
      tentacleName: 'Berlin Office',
      standbyTentacleId: '4',
      standbyTentacleName: HOSTILE,
      timeline: [
        {
          time: '2026-02-20T12:00:00Z',
          step: 'takeover',
          detail: 'Cellar left two attempts unanswered',
        },
      ],
    }),
  ];
  await openPage('/nodes/1/pxe?task=7');
  const drawer = within(await screen.findByRole('dialog', { name: 'web-01' }));
  expect(drawer.getByText('Standby').parentElement?.textContent).toBe(`Standby${HOSTILE}`);
  expect(drawer.getByText('Tentacle').parentElement?.textContent).toBe('TentacleBerlin Office');
  expect(drawer.getByText('Taken over by the standby')).toBeTruthy();
  expect(drawer.getByText('Cellar left two attempts unanswered')).toBeTruthy();
  expect(document.querySelector('img')).toBeNull();
});

it('a task without one says nothing of it', async () => {
  backend.tasks = [aTask({ standbyTentacleId: null, standbyTentacleName: null })];
  await openPage('/nodes/1/pxe?task=7');
  const drawer = within(await screen.findByRole('dialog', { name: 'web-01' }));
  expect(drawer.getByText('MAC')).toBeTruthy();
  expect(drawer.queryByText('Standby')).toBeNull();
});
