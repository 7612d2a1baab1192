// Signing in, the node list, enrolling, and what happens when something goes away.
import { FakeTentacle } from './fake_tentacle.mjs';
import {
  API_KEY,
  at,
  BACKEND,
  check,
  enrollByApi,
  HOSTILE,
  isAccessible,
  isUnharmed,
  REVERSED,
  row,
} from './world.mjs';

export async function signsIn(browser, page) {
  await page.goto(at('/'));
  await check.that('somebody unknown is asked for the key', () =>
    page.getByLabel('API key').waitFor(),
  );
  await isAccessible(page, 'the sign-in');
  await browser.shot(page, '01-sign-in-1440');
  await browser.expecting(/401/, async () => {
    await page.getByRole('textbox', { name: 'API key' }).fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await check.that('a wrong key is refused in a sentence', () =>
      page.getByText('this is not an API key, or it was revoked').waitFor(),
    );
  });
  await page.getByRole('textbox', { name: 'API key' }).fill(API_KEY);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await check.that('the key signs in', () =>
    page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor(),
  );
  await check.that('the empty list says what to do next', async () => {
    await page.getByText('No node has enrolled yet').waitFor();
    await page.getByLabel('Enroll command').getByText('octofleet-tentacle enroll').waitFor();
  });
  await check.that('the page says that it is live', () =>
    page.getByText('Live', { exact: true }).waitFor(),
  );
  await isAccessible(page, 'the empty list');
  await browser.shot(page, '02-empty-1440');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await check.that('signing out leads to the key again', () =>
    page.getByLabel('API key').waitFor(),
  );
  await page.goto('about:blank');
  await page.goto(at(`/#key=${API_KEY}`));
  await check.that('a link with the key signs in', () =>
    page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor(),
  );
  check.is('the key leaves the address bar', page.url() === at('/nodes'), page.url());
  const kept = await page.evaluate(
    () => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie,
  );
  check.is('the browser keeps no key that a script could read', !kept.includes(API_KEY));
}

export async function addsTentacle(browser, page) {
  await page.getByRole('button', { name: 'Add tentacle', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Add tentacle' });
  await dialog.getByLabel('Name').fill('Berlin Office');
  await dialog.getByRole('button', { name: 'Create token' }).click();
  await dialog.getByText('Waiting for Berlin Office').waitFor();
  const command = await dialog.getByLabel('Enroll command').innerText();
  const token = /--token (\S+)/.exec(command)?.[1];
  check.is(
    'the dialog shows the whole enroll command',
    Boolean(token) &&
      command.includes(`--backend ${BACKEND}`) &&
      command.includes("--name 'Berlin Office'"),
    command,
  );
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await check.that('the command can be copied', () => dialog.getByText('Copied').waitFor());
  await isAccessible(page, 'the dialog');
  await browser.shot(page, '03-add-tentacle-1440');

  const tentacle = new FakeTentacle(BACKEND);
  await tentacle.enroll(token, {
    name: 'Berlin Office',
    hostname: 'tentacle-berlin',
    os: 'Debian GNU/Linux 12 (bookworm)',
    network: {
      interfaces: [
        {
          name: 'eth0',
          mac: '52:54:00:aa:00:05',
          addresses: ['192.168.20.5/24'],
        },
      ],
    },
  });
  await check.that('an enrolled tentacle appears in the dialog by itself', () =>
    dialog.getByText('has enrolled and is not connected yet').waitFor(),
  );
  await tentacle.connect();
  await check.that('it turns to Online when it connects', () =>
    dialog.getByText('Online').waitFor(),
  );
  await dialog.getByRole('button', { name: 'Done' }).click();
  await check.that('the list shows its badge, state and segment', async () => {
    await row(page, tentacle.nodeId).getByText('Tentacle', { exact: true }).waitFor();
    await row(page, tentacle.nodeId).getByText('Online').waitFor();
    await row(page, tentacle.nodeId).getByText('192.168.20.0/24').waitFor();
    await row(page, tentacle.nodeId).getByText('PXE active').waitFor();
  });
  return tentacle;
}

const INVENTORY = {
  type: 'inventory',
  collectedAt: new Date().toISOString(),
  hardware: {
    cpu: { model: 'Intel(R) N100', cores: 4, threads: 4 },
    memoryBytes: 16 * 2 ** 30,
    disks: [
      {
        name: 'nvme0n1',
        model: 'Samsung SSD 980 1TB',
        serial: 'S649NX0R412345',
        sizeBytes: 1000204886016,
        rotational: false,
      },
    ],
    fileSystems: [
      {
        mountPoint: '/',
        device: '/dev/nvme0n1p2',
        type: 'ext4',
        sizeBytes: 999e9,
      },
    ],
    system: {
      vendor: 'Protectli',
      product: 'VP2420',
      serial: 'PL-0042',
      uuid: '',
    },
    virtualization: '',
  },
  os: {
    name: 'Debian GNU/Linux',
    version: '12',
    kernel: '6.1.0-32-amd64',
    hostname: 'tentacle-berlin',
    uptimeSeconds: 1216800,
  },
  software: { packages: [], count: 412 },
  services: {
    units: [
      { name: 'cron.service', active: 'active', sub: 'running' },
      { name: 'nginx.service', active: 'failed', sub: 'failed' },
      { name: 'ssh.service', active: 'active', sub: 'running' },
    ],
  },
  security: {
    users: [],
    rebootRequired: true,
    rebootPackages: ['linux-image-6.1.0-33-amd64'],
    pendingUpdates: [
      {
        name: 'vim',
        installed: '2:9.0.1378-2',
        candidate: '2:9.0.1378-2+deb12u2',
        security: false,
      },
      { name: 'openssl', installed: '3.0.15-1', candidate: '3.0.16-1~deb12u1', security: true },
    ],
    pendingCount: 2,
    timeSync: { synchronized: true, source: 'systemd-timesyncd' },
  },
  network: {
    interfaces: [
      {
        name: 'eth0',
        mac: '52:54:00:aa:00:05',
        addresses: ['192.168.20.5/24', 'fe80::5054:ff:feaa:5/64'],
      },
    ],
    defaultGateway: '192.168.20.1',
    dns: ['192.168.20.1'],
  },
};

// What the agent of a tentacle tells after its start.
export async function reportsItself(page, tentacle) {
  await check.that('the backend greets with the whole task table', () =>
    tentacle.hears('tasks.sync', (one) => one.tasks.length === 0),
  );
  const start = Date.now() - 50 * 60_000;
  for (let minute = 0; minute <= 50; minute += 1) {
    tentacle.send({
      type: 'metrics',
      time: new Date(start + minute * 60_000).toISOString(),
      cpuPercent: 12 + 9 * Math.sin(minute / 4) + (minute % 7),
      memoryPercent: 41 + minute / 12,
      diskPercent: 63.2,
      load1: 0.4,
      networkRxBytes: 4e9 + minute * 6e7 + (minute > 30 ? (minute - 30) * 9e8 : 0),
      networkTxBytes: 1e9 + minute * 2e7 + (minute > 34 ? (minute - 34) * 2e9 : 0),
    });
  }
  tentacle.send({ type: 'link', latencyMs: 18.4 });
  tentacle.send(INVENTORY);
  await check.that('processor and memory reach the list live', () =>
    row(page, tentacle.nodeId).getByText('45 %').waitFor(),
  );
}

// Gives back a second tentacle, which has gone offline.
export async function removesAndFilters(browser, page, tentacle) {
  const net = (mac, address) => ({
    interfaces: [{ name: 'eth0', mac, addresses: [address] }],
  });
  const munich = await enrollByApi({
    name: 'Munich',
    hostname: 'tentacle-munich',
    os: 'Raspberry Pi OS 12',
    network: net('b8:27:eb:00:00:01', '10.10.0.5/16'),
  });
  const hostile = await enrollByApi({
    name: HOSTILE,
    hostname: REVERSED,
    os: HOSTILE,
    network: net('02:00:00:00:00:09', '172.16.5.10/24'),
  });
  await munich.connect();
  munich.send({
    type: 'metrics',
    time: new Date().toISOString(),
    cpuPercent: 91.4,
    memoryPercent: 77,
    diskPercent: 40,
  });
  await page.goto(at('/nodes'));
  await check.that('a hostile name of a node is text', () =>
    page.getByRole('link', { name: HOSTILE }).waitFor(),
  );
  await isUnharmed(page, 'no name of a node became an element');
  await row(page, munich.nodeId).getByText('91 %').waitFor();
  await browser.shot(page, '11-nodes-1440');
  await page.getByText('Online', { exact: true }).first().click();
  await check.that('the filter leaves the online ones, and is in the address', async () => {
    await page.getByText('2 of 3 shown').waitFor();
    await page.waitForURL(/\/nodes\?state=online$/);
  });
  await page.getByLabel('Search').fill('10.10.0');
  await page.getByText('1 of 3 shown').waitFor();
  await page.reload();
  await check.that('the address alone brings the same view back', () =>
    page.getByText('1 of 3 shown').waitFor(),
  );

  await page.goto(at(`/nodes/${hostile.nodeId}`));
  await page.getByRole('button', { name: 'Remove tentacle' }).click();
  const dialog = page.getByRole('dialog');
  const remove = dialog.getByRole('button', { name: 'Remove tentacle' });
  check.is('removing waits for the name', await remove.isDisabled());
  await dialog.getByRole('textbox').fill(HOSTILE);
  await remove.click();
  await check.that('a removed tentacle is gone from the list', async () => {
    await page.waitForURL(at('/nodes'));
    await row(page, munich.nodeId).waitFor();
    await row(page, hostile.nodeId).waitFor({ state: 'detached' });
  });
  await munich.disconnect();
  await row(page, munich.nodeId).getByText('Offline').waitFor();
  return munich;
}

export async function losesConnection(browser, page) {
  await browser.expecting(/ERR_FAILED|ERR_CONNECTION/, async () => {
    await page.route('**/api/v1/events', (route) => route.abort());
    await page.goto(at('/nodes'));
    await check.that('a lost connection is said, with the time of the data', () =>
      page.getByText(/Connection lost, data as of \d\d:\d\d/).waitFor(),
    );
    check.is('and the data is greyed', (await page.locator('main[data-stale]').count()) === 1);
    await browser.shot(page, '12-connection-lost-1440');
    await page.unroute('**/api/v1/events');
    await page.getByRole('button', { name: 'Try now' }).click();
    await check.that('it is live again as soon as it can be', async () => {
      await page.getByText('Live', { exact: true }).waitFor();
      await page.locator('main[data-stale]').waitFor({ state: 'detached' });
    });
  });
}

export async function losesTentacle(browser, page, tentacle) {
  await page.goto(at('/nodes'));
  await row(page, tentacle.nodeId).getByText('Online').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await tentacle.disconnect();
  await check.that('a tentacle that goes is shown offline live', async () => {
    await row(page, tentacle.nodeId).getByText('Offline').waitFor();
    await row(page, tentacle.nodeId).getByText('last seen').waitFor();
  });
  await browser.shot(page, '13-offline-1440');
}
