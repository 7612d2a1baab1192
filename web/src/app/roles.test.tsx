// What each role is shown, keys, and shells that need a second person.
import { screen, waitFor } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';

import { aTentacle } from '@/testing/builders';
import { FakeBackend } from '@/testing/fake-backend';
import { openPage } from '@/testing/open-page';
import type { Role } from '@/types/access';
import type { ShellSession } from '@/types/api';

let backend: FakeBackend;

beforeEach(() => {
  backend = new FakeBackend().install();
  backend.nodes = [aTentacle({ id: '7' })];
});

function signedInAs(role: Role) {
  backend.me = { name: `${role} anna`, role };
}

const places: [string, string, Role][] = [
  ['/nodes', 'Add tentacle', 'admin'],
  ['/nodes/7', 'Remove', 'admin'],
  ['/nodes/7/pxe', 'Install a machine', 'operator'],
  ['/nodes/7/network', 'Wake a machine', 'operator'],
  ['/nodes/7/jobs', 'Run', 'operator'],
  ['/nodes/7/shell', 'Open', 'operator'],
  ['/prepulls', 'Order a prepull', 'operator'],
];

describe.each(places)('%s: “%s”', (address, words, needed) => {
  it.each<Role>(['viewer', 'operator', 'admin'])('as %s', async (role) => {
    signedInAs(role);
    await openPage(address);
    await screen.findByText(`${role} anna`);
    const order: Role[] = ['viewer', 'operator', 'admin'];
    const buttons = () => screen.queryAllByRole('button', { name: new RegExp(`^${words}`) });
    if (order.indexOf(role) >= order.indexOf(needed))
      await waitFor(() => expect(buttons()).not.toEqual([]));
    else {
      await screen.findAllByRole('heading');
      expect(buttons()).toEqual([]);
    }
  });
});

describe('keys', () => {
  it('a new one is shown once, and is asked for by name and role', async () => {
    backend.answer('POST /api/v1/api-keys', {
      status: 201,
      body: { id: '3', name: 'Anna', role: 'operator', key: 'f00d' },
    });
    const user = await openPage('/access');
    await user.type(await screen.findByLabelText(/Whose/), 'Anna');
    await user.selectOptions(screen.getByLabelText('Role'), 'operator');
    await user.click(screen.getByRole('button', { name: 'Make a key' }));
    await screen.findByText('f00d');
    expect(backend.bodies('POST /api/v1/api-keys')).toEqual([{ name: 'Anna', role: 'operator' }]);
  });

  it('one that is in use can be revoked, one that was revoked cannot', async () => {
    const key = { role: 'viewer' as const, createdBy: 'api-key-file', lastUsedAt: null };
    backend.apiKeys = [
      { ...key, id: '1', name: 'Bert', createdAt: '2026-01-01T00:00:00Z', revokedAt: null },
      {
        ...key,
        id: '2',
        name: 'Carl',
        createdAt: '2026-01-01T00:00:00Z',
        revokedAt: '2026-01-02T00:00:00Z',
      },
    ];
    const user = await openPage('/access');
    await user.click(await screen.findByRole('button', { name: 'Revoke the key of Bert' }));
    await waitFor(() => expect(backend.bodies('DELETE /api/v1/api-keys/1')).toHaveLength(1));
    expect(screen.queryByRole('button', { name: 'Revoke the key of Carl' })).toBeNull();
  });

  it('are nobody’s business who is no admin', async () => {
    signedInAs('operator');
    await openPage('/access');
    await screen.findByText('Keys are for people with the role admin.');
    expect(backend.asked.some((one) => one.path === '/api/v1/api-keys')).toBe(false);
  });
});

describe('a shell that needs a second person', () => {
  const session: ShellSession = {
    id: 's1',
    nodeId: '7',
    user: 'root',
    openedBy: 'anna, 192.0.2.1',
    askedBy: 'anna',
    approvedBy: null,
    reason: 'disk full',
    state: 'asked',
    createdAt: '2026-01-01T00:00:00Z',
    startedAt: null,
    endedAt: null,
    endReason: '',
    exitCode: null,
    recordedBytes: 0,
  };

  it('waits, and is opened when it is approved', async () => {
    backend.me = { name: 'anna', role: 'operator' };
    backend.shells = [session];
    backend.answer('POST /api/v1/nodes/7/shells', {
      status: 202,
      body: { id: 's1', expiresAt: '2026-01-01T00:10:00Z' },
    });
    const user = await openPage('/nodes/7/shell');
    await user.type(await screen.findByLabelText(/What for/), 'disk full');
    await user.click(screen.getByRole('button', { name: 'Open' }));
    await screen.findByText(/has to approve this shell within ten minutes/);
    expect(screen.queryByRole('button', { name: /^Approve/ })).toBeNull();
    backend.shells = [{ ...session, approvedBy: 'bert' }];
    const open = await screen.findByRole('button', { name: 'Open it now' }, { timeout: 8_000 });
    await user.click(open);
    await waitFor(() => expect(backend.bodies('POST /api/v1/shells/s1/ticket')).toHaveLength(1));
  }, 15_000);

  it('is approved by somebody else with the role admin', async () => {
    backend.me = { name: 'bert', role: 'admin' };
    backend.shells = [session];
    const user = await openPage('/nodes/7/shell');
    await user.click(await screen.findByRole('button', { name: 'Approve the shell of anna' }));
    await waitFor(() => expect(backend.bodies('POST /api/v1/shells/s1/approve')).toHaveLength(1));
  });
});
