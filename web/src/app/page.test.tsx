// Screens as a person meets them, over a backend of lists.
import { act, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';

import { aCachedImage, anImage, aServer, aTask, aTentacle } from '@/testing/builders';
import { FakeBackend } from '@/testing/fake-backend';
import { FakeEventSource } from '@/testing/fake-event-source';
import { openPage } from '@/testing/open-page';

const HOSTILE = '<img src=x onerror="alert(1)">';

let backend: FakeBackend;

function rowOf(id: string): HTMLElement {
  const row = document.querySelector<HTMLElement>(`[data-node="${id}"]`);
  if (!row) throw new Error(`node ${id} is not shown`);
  return row;
}

beforeEach(() => {
  backend = new FakeBackend().install();
});

describe('signing in', () => {
  it('asks the backend nothing before there is a session', async () => {
    await openPage('/nodes', { signedIn: false });
    await screen.findByLabelText(/API key/);
    expect(backend.asked).toEqual([]);
  });

  it('a wrong key is refused in the backend’s sentence, the right one leads to where one wanted to go', async () => {
    backend.signedIn = false;
    backend.nodes = [aTentacle(), aServer()];
    const user = await openPage('/nodes?kind=tentacles', { signedIn: false });
    const field = await screen.findByLabelText(/API key/);
    await user.type(field, 'wrong');
    await user.click(screen.getByRole('button', { name: 'Sign in' }));
    await screen.findByText('this is not an API key, or it was revoked');
    await user.clear(field);
    await user.type(field, 'the-key');
    await user.click(screen.getByRole('button', { name: 'Sign in' }));
    await screen.findByText('1 of 2 shown');
  });

  it('a key in the address signs in and leaves the address', async () => {
    backend.signedIn = false;
    await openPage('/nodes#key=the-key', { signedIn: false });
    await screen.findByText('No node has enrolled yet');
    expect(window.location.hash).toBe('');
    expect(backend.bodies('POST /api/v1/session')).toEqual([{ apiKey: 'the-key' }]);
  });

  it('a link with a key wins over a session that is remembered', async () => {
    backend.signedIn = false;
    await openPage('/#key=the-key');
    await screen.findByText('No node has enrolled yet');
    expect(window.location.pathname + window.location.hash).toBe('/nodes');
  });

  it.each([
    ['signed in', true],
    ['at the sign-in', false],
  ])('a link with a key works in a page that is open and %s', async (_, signedIn) => {
    await openPage('/nodes', { signedIn });
    await (signedIn
      ? screen.findByText('No node has enrolled yet')
      : screen.findByLabelText(/API key/));
    act(() => {
      window.history.replaceState(null, '', '/nodes#key=the-key');
      window.dispatchEvent(new HashChangeEvent('hashchange'));
    });
    await waitFor(() =>
      expect(backend.bodies('POST /api/v1/session')).toEqual([{ apiKey: 'the-key' }]),
    );
    await screen.findByText('No node has enrolled yet');
    expect(window.location.hash).toBe('');
  });

  it('a session that has ended leads back to the key, with a word why', async () => {
    backend.signedIn = false;
    await openPage('/nodes');
    await screen.findByText(/Your session is over/);
  });
});

describe('the node list', () => {
  it('shows of a tentacle what it is and does, and of a server what it is', async () => {
    backend.nodes = [aTentacle(), aServer()];
    await openPage('/nodes');
    const tentacle = within(await waitFor(() => rowOf('1')));
    for (const text of [
      'Tentacle',
      'Online',
      '192.168.20.0/24',
      'PXE active',
      '2 images cached',
      '3 devices discovered',
      '1 task pending',
      '23 %',
      '64 %',
    ]) {
      expect(tentacle.getByText(text)).toBeTruthy();
    }
    expect(within(rowOf('9')).queryByText('Tentacle')).toBeNull();
  });

  it('says of one that is away since when and why, and claims nothing of its PXE', async () => {
    backend.nodes = [
      aTentacle({
        online: false,
        lastSeen: new Date(Date.now() - 2 * 3600_000).toISOString(),
        reason: 'no sign of life',
      }),
    ];
    await openPage('/nodes');
    const row = within(await waitFor(() => rowOf('1')));
    for (const text of ['Offline', '2 h ago', 'no sign of life', 'PXE unknown'])
      expect(row.getByText(text)).toBeTruthy();
  });

  it('warns of a second machine with the same key', async () => {
    backend.nodes = [aTentacle({ clone: { address: '10.9.8.7', connected: true } })];
    await openPage('/nodes');
    expect(within(await waitFor(() => rowOf('1'))).getByText('Probable clone')).toBeTruthy();
  });

  it('says where the second machine is, and takes a person’s word that it is dealt with', async () => {
    backend.nodes = [aTentacle({ clone: { address: '10.9.8.7', connected: true } })];
    const user = await openPage('/nodes/1');
    expect(await screen.findByText('10.9.8.7')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'It is dealt with' }));
    await waitFor(() => expect(backend.bodies('DELETE /api/v1/tentacles/1/clone')).toHaveLength(1));
  });

  it('filters by kind, state and text, and keeps it in the address', async () => {
    backend.nodes = [
      aTentacle(),
      aTentacle({
        id: '2',
        name: 'Munich',
        hostname: 'tentacle-munich',
        online: false,
        ip: '10.10.0.5',
        network: {},
      }),
      aServer(),
    ];
    const user = await openPage('/nodes');
    await screen.findByText('3 shown');
    await user.click(screen.getByRole('radio', { name: 'Tentacles' }));
    await user.click(screen.getByRole('radio', { name: 'Offline' }));
    await screen.findByText('1 of 3 shown');
    await user.type(screen.getByLabelText('Search'), 'berlin');
    await screen.findByText('No node matches');
    expect(window.location.search).toBe('?kind=tentacles&state=offline&q=berlin');
    await user.click(screen.getByRole('button', { name: 'Show all nodes' }));
    await screen.findByText('3 shown');
  });

  it('shows a hostile name as text', async () => {
    backend.nodes = [aTentacle({ name: HOSTILE, hostname: 'srv\u202Etxt.exe' })];
    await openPage('/nodes');
    await screen.findByRole('link', { name: HOSTILE });
    expect(screen.getByText('srv⟨U+202E⟩txt.exe')).toBeTruthy();
    expect(document.querySelector('img')).toBeNull();
  });

  it('says what went wrong when it cannot be had', async () => {
    backend.answer('GET /api/v1/nodes', {
      status: 503,
      body: { detail: 'the database cannot be reached' },
    });
    await openPage('/nodes');
    await screen.findByText('the database cannot be reached');
  });
});

describe('adding a tentacle', () => {
  it('makes a token, shows the command and sees who arrives', async () => {
    backend.nodes = [aTentacle()];
    backend.answer('POST /api/v1/enrollment-tokens', {
      status: 201,
      body: { id: '4', token: 'cafe'.repeat(16), expiresAt: '2026-02-21T12:00:00Z', maxUses: 1 },
    });
    const user = await openPage('/nodes');
    await waitFor(() => rowOf('1'));
    FakeEventSource.open();
    await user.click(screen.getByRole('button', { name: 'Add tentacle' }));
    await user.type(await screen.findByLabelText(/Name/), 'Hamburg');
    await user.click(screen.getByRole('button', { name: 'Create token' }));
    const command = await screen.findByLabelText('Enroll command');
    expect(command.textContent).toContain(`--token ${'cafe'.repeat(16)}`);
    expect(command.textContent).toContain('--name Hamburg');
    expect(backend.bodies('POST /api/v1/enrollment-tokens')).toEqual([
      { description: 'Hamburg', expiresHours: 24, maxUses: 1, name: 'Hamburg', createdBy: 'page' },
    ]);
    backend.nodes = [...backend.nodes, aTentacle({ id: '5', name: 'Hamburg', online: false })];
    FakeEventSource.tell({ kind: 'node', id: '5' });
    await screen.findByText('has enrolled and is not connected yet');
  });
});

describe('the live feed', () => {
  it('a change is fetched and shown', async () => {
    backend.nodes = [aTentacle()];
    await openPage('/nodes');
    await waitFor(() => rowOf('1'));
    FakeEventSource.open();
    backend.nodes = [aTentacle({ online: false })];
    FakeEventSource.tell({ kind: 'node', id: '1' });
    await waitFor(() => expect(within(rowOf('1')).getByText('Offline')).toBeTruthy());
  });

  it('a lost connection is said and greys what is shown; its return fetches everything anew', async () => {
    backend.nodes = [aTentacle()];
    const user = await openPage('/nodes');
    await waitFor(() => rowOf('1'));
    FakeEventSource.open();
    FakeEventSource.fail();
    await screen.findByText(/Connection lost, data as of \d/);
    expect(document.querySelector('main[data-stale]')).not.toBeNull();
    backend.nodes = [aTentacle({ name: 'Berlin, moved' })];
    await user.click(screen.getByRole('button', { name: 'Try now' }));
    FakeEventSource.open();
    await screen.findByRole('link', { name: 'Berlin, moved' });
    expect(screen.queryByText(/Connection lost/)).toBeNull();
    expect(document.querySelector('main[data-stale]')).toBeNull();
  });

  it('a request without an answer counts as a lost connection', async () => {
    backend.nodes = [aTentacle()];
    await openPage('/nodes');
    await waitFor(() => rowOf('1'));
    FakeEventSource.open();
    backend.reachable = false;
    FakeEventSource.tell({ kind: 'node', id: '1' });
    await screen.findByText(/Connection lost/);
  });
});

describe('a tentacle’s boots', () => {
  const mac = '52:54:00:65:d5:42';

  beforeEach(() => {
    backend.nodes = [aTentacle()];
    backend.tasks = [aTask()];
    backend.boots = [
      {
        mac,
        time: '2026-02-20T12:05:00Z',
        startedAt: '2026-02-20T12:00:00.100Z',
        taskId: '7',
        complete: false,
        verdict: 'ipxe.efi timed out after block 12',
        stages: [
          {
            step: 'offer',
            detail: 'x64-uefi was offered ipxe.efi',
            time: '2026-02-20T12:00:00.100Z',
            durationMs: 4200,
          },
          {
            step: 'tftp',
            detail: HOSTILE,
            time: '2026-02-20T12:00:04.300Z',
            durationMs: 295_700,
          },
        ],
      },
      { mac, time: '2026-02-20T12:00:00Z', taskId: '7', arch: 'x64-uefi', firmware: 'uefi' },
    ];
  });

  it('says of each how it ended, and shows what it went through with the time of each stage', async () => {
    const user = await openPage('/nodes/1/pxe');
    await screen.findByText('ipxe.efi timed out after block 12');
    const row = within(document.querySelector<HTMLElement>(`[data-boot="${mac}"]`)!);
    expect(row.getByText('Stopped')).toBeTruthy();
    expect(row.getByText('x64-uefi')).toBeTruthy();
    await user.click(row.getByRole('button', { name: 'web-01' }));
    const drawer = within(await screen.findByRole('dialog', { name: 'Boot of web-01' }));
    expect(drawer.getByText('Boot offer')).toBeTruthy();
    expect(drawer.getByText('4.2 s')).toBeTruthy();
    expect(drawer.getByText(HOSTILE)).toBeTruthy();
    expect(drawer.getByText('ipxe.efi timed out after block 12')).toBeTruthy();
    expect(new URLSearchParams(window.location.search).get('boot')).toContain(mac);
  });

  it('a machine that nobody ordered is shown with the reason why it was not answered', async () => {
    backend.boots = [
      { mac: '52:54:00:00:00:99', time: '2026-02-20T12:00:00Z', unanswered: 'not_ours' },
    ];
    await openPage('/nodes/1/pxe');
    await screen.findByText('Not answered');
    expect(screen.getByText(/There is no installation for this machine/)).toBeTruthy();
  });

  it('hears of a boot that has begun', async () => {
    backend.boots = [];
    await openPage('/nodes/1/pxe');
    await screen.findByText('No machine has tried to start from here');
    FakeEventSource.open();
    backend.boots = [{ mac, time: new Date().toISOString(), taskId: '7', arch: 'bios' }];
    FakeEventSource.tell({ kind: 'node', id: '1' });
    await screen.findByText('Goes on');
  });
});

describe('a tentacle’s tasks', () => {
  beforeEach(() => {
    backend.nodes = [aTentacle()];
    backend.images = [anImage()];
    backend.cachedImages = [aCachedImage()];
  });

  it('shows progress, stage and message as they come', async () => {
    backend.tasks = [aTask()];
    await openPage('/nodes/1/pxe');
    await screen.findByText('until the machine starts from the network');
    FakeEventSource.open();
    backend.tasks = [
      aTask({
        status: 'installing',
        stage: 'applying',
        progress: 62,
        message: '1.9 of 3.0 GiB written',
      }),
    ];
    FakeEventSource.tell({ kind: 'task', id: '7', tentacleId: '1' });
    await screen.findByText('1.9 of 3.0 GiB written');
    expect(
      screen.getByRole('progressbar', { name: 'Progress of web-01' }).getAttribute('aria-valuenow'),
    ).toBe('62');
    expect(screen.getByText('Writing the disk')).toBeTruthy();
  });

  it('an installer’s callback, which names no tentacle, is heard too', async () => {
    backend.tasks = [aTask()];
    await openPage('/nodes/1/pxe');
    await screen.findByText('Waiting');
    FakeEventSource.open();
    backend.tasks = [
      aTask({ status: 'failed', stage: 'partitioning', message: 'the disk is too small' }),
    ];
    FakeEventSource.tell({ kind: 'task', id: '7' });
    await screen.findByText('the disk is too small');
  });

  it('a refusal of the backend stands at the field it names', async () => {
    backend.answer('POST /api/v1/provisioning/tasks', {
      status: 409,
      body: { detail: 'mac: 52:54:00:65:d5:42 has an open task already' },
    });
    const user = await openPage('/nodes/1/pxe?install=52:54:00:65:d5:42');
    await user.type(await screen.findByLabelText(/Host name/), 'web-01');
    const mac = screen.getByLabelText<HTMLInputElement>(/MAC address/);
    expect(mac.value).toBe('52:54:00:65:d5:42');
    await user.click(screen.getByRole('button', { name: 'Install this machine' }));
    await screen.findByText('52:54:00:65:d5:42 has an open task already');
    expect(mac.getAttribute('aria-invalid')).toBe('true');
  });

  it('cancelling asks first, and names the machine', async () => {
    backend.tasks = [aTask({ status: 'installing' })];
    const user = await openPage('/nodes/1/pxe');
    await user.click(
      await screen.findByRole('button', { name: 'Cancel the installation of web-01' }),
    );
    const dialog = await screen.findByRole('dialog', { name: 'Cancel an installation' });
    expect(dialog.textContent).toContain(
      'web-01 (52:54:00:65:d5:42) at Berlin Office will not be installed',
    );
    expect(dialog.textContent).toContain('may be left half written');
    expect(backend.bodies('DELETE /api/v1/provisioning/tasks/7')).toEqual([]);
    await user.click(within(dialog).getByRole('button', { name: 'Cancel web-01' }));
    await waitFor(() =>
      expect(backend.bodies('DELETE /api/v1/provisioning/tasks/7')).toHaveLength(1),
    );
  });
});
