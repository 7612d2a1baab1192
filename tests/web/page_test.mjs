// What a person does with the page, from signing in to an installed machine, in a real browser against a
// real backend. The tentacle is played by the test; nothing else is.
//
// Environment: BACKEND_URL, API_KEY, IMAGE_DIR (the backend's image folder), CHROMIUM, PROFILE_DIR (a
// folder of the browser's own), SCREENSHOTS (where pictures go).
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Browser, NARROW, overflow, violations, WIDE } from './browser.mjs';
import { Checks } from './checks.mjs';
import { FakeTentacle } from './fake_tentacle.mjs';

const { BACKEND_URL, API_KEY, IMAGE_DIR, CHROMIUM, PROFILE_DIR, SCREENSHOTS } = process.env;
const HOSTILE = '<img src=x onerror="window.hacked=1">';
const REVERSED = 'srv\u202Etxt.exe';
const MAC = '52:54:00:65:d5:42';
const SECOND_MAC = '52:54:00:65:d5:43';

const check = new Checks();

async function main() {
  const browser = await Browser.open({
    backend: BACKEND_URL,
    executablePath: CHROMIUM,
    profile: PROFILE_DIR,
    screenshots: SCREENSHOTS,
  });
  try {
    const page = browser.context.pages()[0] ?? (await browser.context.newPage());
    page.setDefaultTimeout(20_000);
    await signsIn(browser, page);
    const tentacle = await addsTentacle(browser, page);
    await reportsItself(page, tentacle);
    const taskId = await ordersMachine(browser, page, tentacle);
    await followsInstallation(browser, page, tentacle, taskId);
    await showsHostileTextAsText(page, tentacle);
    await cancels(browser, page, tentacle);
    await usesNetwork(browser, page, tentacle);
    await runsScript(browser, page, tentacle);
    await removesAndFilters(browser, page, tentacle);
    await looksRight(browser, page, tentacle);
    await losesConnection(browser, page);
    await losesTentacle(browser, page, tentacle);
    check.is('no page complained in the console', browser.complaints.length === 0, browser.complaints.join(' | '));
    check.is('every request went to the backend only', browser.foreign.length === 0, browser.foreign.join(' '));
  } catch (error) {
    check.is('the journey came to its end', false, String(error?.stack ?? error));
  } finally {
    await browser.close();
  }
  process.exitCode = check.finish();
}

const at = (path) => new URL(path, BACKEND_URL).href;
const row = (page, nodeId) => page.locator(`[data-node="${nodeId}"]`);
const task = (page, taskId) => page.locator(`[data-task="${taskId}"]`);

async function api(method, path, body) {
  const response = await fetch(at(path), {
    method,
    headers: { 'X-API-Key': API_KEY, ...(body ? { 'Content-Type': 'application/json' } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

async function signsIn(browser, page) {
  await page.goto(at('/'));
  await check.that('somebody unknown is asked for the key', () => page.getByLabel('API key').waitFor());
  await browser.shot(page, '01-sign-in-1440');
  await browser.expecting(/401/, async () => {
    await page.getByRole('textbox', { name: 'API key' }).fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await check.that('a wrong key is refused in a sentence', () => page.getByText('this is not the API key').waitFor());
  });
  await page.getByRole('textbox', { name: 'API key' }).fill(API_KEY);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await check.that('the key signs in', () => page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor());
  await check.that('the empty list says what to do next', async () => {
    await page.getByText('No node has enrolled yet').waitFor();
    await page.getByLabel('Enroll command').getByText('octofleet-tentacle enroll').waitFor();
  });
  await check.that('the page says that it is live', () => page.getByText('Live', { exact: true }).waitFor());
  await browser.shot(page, '02-empty-1440');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await check.that('signing out leads to the key again', () => page.getByLabel('API key').waitFor());
  await page.goto('about:blank');
  await page.goto(at(`/nodes#key=${API_KEY}`));
  await check.that('a link with the key signs in', () => page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor());
  check.is('the key leaves the address bar', page.url() === at('/nodes'), page.url());
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  check.is('the browser keeps no key that a script could read', !kept.includes(API_KEY));
}

async function addsTentacle(browser, page) {
  await page.getByRole('button', { name: 'Add tentacle', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Add tentacle' });
  await dialog.getByLabel('Name').fill('Berlin Office');
  await dialog.getByRole('button', { name: 'Create token' }).click();
  await dialog.getByText('Waiting for Berlin Office').waitFor();
  const command = await dialog.getByLabel('Enroll command').innerText();
  const token = /--token (\S+)/.exec(command)?.[1];
  check.is('the dialog shows the whole enroll command', Boolean(token) && command.includes(`--backend ${new URL(BACKEND_URL).origin}`) && command.includes("--name 'Berlin Office'"), command);
  await browser.shot(page, '03-add-tentacle-1440');

  const tentacle = new FakeTentacle(new URL(BACKEND_URL).origin);
  await tentacle.enroll(token, {
    name: 'Berlin Office',
    hostname: 'tentacle-berlin',
    os: 'Debian GNU/Linux 12 (bookworm)',
    network: { interfaces: [{ name: 'eth0', mac: '52:54:00:aa:00:05', addresses: ['192.168.20.5/24'] }] },
  });
  await check.that('an enrolled tentacle appears in the dialog by itself', () =>
    dialog.getByText('has enrolled and is not connected yet').waitFor(),
  );
  await tentacle.connect();
  await check.that('it turns to Online when it connects', () => dialog.getByText('Online').waitFor());
  await dialog.getByRole('button', { name: 'Done' }).click();
  await check.that('the list shows its badge, state and segment', async () => {
    await row(page, tentacle.nodeId).getByText('Tentacle', { exact: true }).waitFor();
    await row(page, tentacle.nodeId).getByText('Online').waitFor();
    await row(page, tentacle.nodeId).getByText('192.168.20.0/24').waitFor();
    await row(page, tentacle.nodeId).getByText('PXE active').waitFor();
  });
  return tentacle;
}

// What the agent of a tentacle tells after its start.
async function reportsItself(page, tentacle) {
  await check.that('the backend greets with the whole task table', () => tentacle.hears('tasks.sync', (one) => one.tasks.length === 0));
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
  tentacle.send({
    type: 'inventory',
    collectedAt: new Date().toISOString(),
    hardware: {
      cpu: { model: 'Intel(R) N100', cores: 4, threads: 4 },
      memoryBytes: 16 * 2 ** 30,
      disks: [{ name: 'nvme0n1', model: 'Samsung SSD 980 1TB', serial: 'S649NX0R412345', sizeBytes: 1000204886016, rotational: false }],
      fileSystems: [{ mountPoint: '/', device: '/dev/nvme0n1p2', type: 'ext4', sizeBytes: 999e9 }],
      system: { vendor: 'Protectli', product: 'VP2420', serial: 'PL-0042', uuid: '' },
      virtualization: '',
    },
    os: { name: 'Debian GNU/Linux', version: '12', kernel: '6.1.0-32-amd64', hostname: 'tentacle-berlin', uptimeSeconds: 1216800 },
    software: { packages: [], count: 412 },
    services: { units: [] },
    network: {
      interfaces: [{ name: 'eth0', mac: '52:54:00:aa:00:05', addresses: ['192.168.20.5/24', 'fe80::5054:ff:feaa:5/64'] }],
      defaultGateway: '192.168.20.1',
      dns: ['192.168.20.1'],
    },
  });
  await check.that('processor and memory reach the list live', () => row(page, tentacle.nodeId).getByText('45 %').waitFor());
}

async function ordersMachine(browser, page, tentacle) {
  await row(page, tentacle.nodeId).getByRole('link', { name: 'Berlin Office' }).press('Enter');
  await check.that('the keyboard opens a node from the list', () => page.getByRole('tab', { name: 'Overview' }).waitFor());
  await page.getByRole('tab', { name: 'PXE' }).click();
  await page.waitForURL(at(`/nodes/${tentacle.nodeId}/pxe`));

  mkdirSync(IMAGE_DIR, { recursive: true });
  writeFileSync(join(IMAGE_DIR, 'debian.raw'), Buffer.alloc(4 * 2 ** 20, 'not a real disk, but bytes '));
  await page.getByRole('button', { name: 'Register image' }).click();
  const register = page.getByRole('dialog', { name: 'Register an image' });
  await register.getByLabel('File').fill('debian.raw');
  await register.getByLabel('Name').fill('Debian 12');
  await register.getByRole('button', { name: 'Register' }).click();
  await check.that('a registered image is ready by itself', () => page.getByText('Not cached').waitFor());

  await page.evaluate(() => {
    window.sameDocument = true;
  });
  await page.getByRole('button', { name: 'Install a machine' }).first().click();
  const form = page.getByRole('dialog', { name: 'Install a machine at Berlin Office' });
  await form.getByLabel('Host name').fill('web_01!');
  await form.getByLabel('MAC address').fill('52:54:00');
  await form.getByRole('button', { name: 'Install this machine' }).click();
  await check.that('what is wrong is said at its field', async () => {
    await form.getByText('Letters, digits and hyphens').waitFor();
    await form.getByText('Six pairs of hexadecimal digits').waitFor();
  });
  await form.getByLabel('Host name').fill('web-01');
  await form.getByLabel('MAC address').fill('5254.0065.D542');
  await form.getByText('Fixed address').click();
  await form.getByLabel('Address', { exact: true }).fill('192.168.20.50');
  await form.getByLabel('Gateway').fill('192.168.20.1');
  await form.getByLabel('Name servers').fill('192.168.20.1 9.9.9.9');
  await form.getByLabel('SSH public keys').fill('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB you@host');
  await form.getByRole('button', { name: 'More settings' }).click();
  await form.getByLabel('Serial number of the disk').fill('QM00001');
  await browser.shot(page, '04-order-1440');
  await form.getByRole('button', { name: 'Install this machine' }).click();

  const order = await tentacle.hears('task.new');
  const plan = JSON.stringify([order.task.mac, order.task.hostname, order.task.platform, order.task.network, order.task.disk, order.task.sshKeys.length]);
  check.is('the tentacle hears the order as it was filled in', plan === JSON.stringify([MAC, 'web-01', 'baremetal-uefi', { dhcp: false, ip: '192.168.20.50', prefix: 24, gateway: '192.168.20.1', dns: ['192.168.20.1', '9.9.9.9'] }, { serial: 'QM00001' }, 1]), plan);
  await check.that('and the table with it', () => tentacle.hears('tasks.sync', (one) => one.tasks.some((two) => two.id === order.task.id)));
  await check.that('the page shows it as waiting', () => task(page, order.task.id).getByText('Waiting').waitFor());

  await page.getByRole('button', { name: 'Install a machine' }).first().click();
  await form.getByLabel('Host name').fill('web-02');
  await form.getByLabel('MAC address').fill(MAC);
  await browser.expecting(/409/, async () => {
    await form.getByRole('button', { name: 'Install this machine' }).click();
    await check.that('a second order for a machine is refused at its field', () => form.getByText('has an open task already').waitFor());
  });
  await form.getByRole('button', { name: 'Close' }).last().click();
  return order.task.id;
}

async function followsInstallation(browser, page, tentacle, taskId) {
  const here = task(page, taskId);
  const start = Date.now() - 71_000;
  const step = (name, detail, seconds) => tentacle.timeline(taskId, name, detail, start + seconds * 1000);
  await here.getByRole('button', { name: 'web-01' }).click();
  const drawer = page.getByRole('dialog', { name: 'web-01' });
  await check.that('a machine that has not asked yet gets advice', () => drawer.getByText('Switch it on').waitFor());

  step('offer', 'UEFI x64 was offered snponly.efi', 0);
  step('boot-server', 'UEFI x64 was offered snponly.efi', 1.2);
  step('tftp', 'snponly.efi in 0.4 s', 1.7);
  step('script', 'iPXE fetched its script', 6.1);
  tentacle.taskStatus(taskId, 'booting', 'script', 2);
  await check.that('booting is shown live', () => drawer.getByText('Booting', { exact: true }).waitFor());
  step('orders', 'given to 192.168.20.50', 14.8);
  step('image', 'Debian 12 from the cache', 15.1);
  tentacle.taskStatus(taskId, 'installing', 'downloading', 15, 'the image is on its way');
  await check.that('so is the stage with its progress and message', async () => {
    await drawer.getByRole('progressbar').and(page.locator('[aria-valuenow="15"]')).waitFor();
    await drawer.getByText('the image is on its way').waitFor();
  });
  step('applying', 'writing to /dev/vda, 3.0 GiB', 22);
  for (const percent of [40, 55, 70]) {
    tentacle.taskStatus(taskId, 'installing', 'applying', percent, `${percent} % of the disk written`);
    await drawer.locator(`[aria-valuenow="${percent}"]`).waitFor();
  }
  check.is('progress moves with every report', true);
  await browser.shot(page, '05-installing-1440');
  step('configuring', 'host name, network, SSH keys', 58);
  step('firstboot', 'started from its own disk', 67);
  step('done', 'reported by the machine', 71);
  tentacle.taskStatus(taskId, 'complete', 'done', 100);
  await check.that('the end is shown live', () => drawer.getByText('Complete', { exact: true }).first().waitFor());
  await check.that('the timeline names every step with its duration', async () => {
    const steps = drawer.getByRole('list', { name: 'Timeline' }).getByRole('listitem');
    for (const [index, words] of [['Boot offer', '1.2 s'], ['Boot server asked', '0.5 s'], ['Boot loader', '4.4 s'], ['Boot script', '8.7 s'], ['Orders fetched', '0.3 s'], ['Image', '6.9 s'], ['Writing the disk', '36 s'], ['Configuring', '9.0 s'], ['First start from disk', '4.0 s'], ['Complete', 'after 1 min 11 s']].entries()) {
      for (const word of words) await steps.nth(index).getByText(word, { exact: true }).waitFor({ timeout: 5_000 });
    }
  });
  check.is('all of it without a reload', await page.evaluate(() => window.sameDocument === true));
  check.is('the open timeline is in the address', page.url() === at(`/nodes/${tentacle.nodeId}/pxe?task=${taskId}`), page.url());
  await browser.shot(page, '06-complete-1440');
  await page.keyboard.press('Escape');
  await check.that('Escape closes the drawer', () => drawer.waitFor({ state: 'detached' }));
}

async function orderByApi(tentacle, mac, hostname) {
  const { images } = await api('GET', '/api/v1/provisioning/images');
  const made = await api('POST', '/api/v1/provisioning/tasks', {
    tentacleId: tentacle.nodeId,
    mac,
    hostname,
    imageId: images[0].id,
    osType: 'linux-image',
    platform: 'kvm-libvirt',
    network: { dhcp: true },
    sshKeys: [],
  });
  await tentacle.hears('task.new', (one) => one.task.id === made.id);
  return made.id;
}

async function showsHostileTextAsText(page, tentacle) {
  const taskId = await orderByApi(tentacle, SECOND_MAC, 'db-01');
  tentacle.timeline(taskId, HOSTILE, HOSTILE, Date.now());
  tentacle.taskStatus(taskId, 'installing', HOSTILE, 30, `${HOSTILE} and ${REVERSED}`);
  await check.that('markup in a message is text', () => task(page, taskId).getByText(`${HOSTILE} and`).waitFor());
  await check.that('a character that reverses text is shown', () => task(page, taskId).getByText('srv⟨U+202E⟩txt.exe').waitFor());
  await task(page, taskId).getByRole('button', { name: 'db-01' }).click();
  await check.that('markup in the timeline is text', () =>
    page.getByRole('list', { name: 'Timeline' }).getByText(HOSTILE).first().waitFor(),
  );
  await page.keyboard.press('Escape');
  await isUnharmed(page, 'no markup of a task became an element');
}

async function isUnharmed(page, what) {
  const harm = await page.evaluate(() => window.hacked === 1 || document.querySelector('img') !== null);
  check.is(what, !harm);
}

async function cancels(browser, page, tentacle) {
  await page.getByRole('button', { name: 'Cancel the installation of db-01' }).click();
  const dialog = page.getByRole('dialog', { name: 'Cancel an installation' });
  await check.that('cancelling asks, and names machine and place', async () => {
    await dialog.getByText('db-01', { exact: true }).first().waitFor();
    await dialog.getByText(SECOND_MAC).waitFor();
    await dialog.getByText('Berlin Office').waitFor();
  });
  await browser.shot(page, '07-cancel-1440');
  await dialog.getByRole('button', { name: 'Cancel db-01' }).click();
  await check.that('the tentacle hears of it', () => tentacle.hears('task.cancel'));
  await check.that('the page shows it as cancelled', () => page.getByText('Cancelled').waitFor());

  const failed = await orderByApi(tentacle, '52:54:00:65:d5:44', 'mail-01');
  tentacle.taskStatus(failed, 'failed', 'partitioning', 25, 'the disk has 2.0 GiB, the image needs 3.0 GiB');
  await check.that('a failure is shown with its sentence', () => task(page, failed).getByText('the image needs 3.0 GiB').waitFor());
  const running = await orderByApi(tentacle, '52:54:00:65:d5:45', 'build-07');
  tentacle.timeline(running, 'offer', 'BIOS was offered undionly.kpxe', Date.now() - 40_000);
  tentacle.taskStatus(running, 'installing', 'applying', 62, '1.9 of 3.0 GiB written');
  await task(page, running).getByText('1.9 of 3.0 GiB written').waitFor();
  await orderByApi(tentacle, '52:54:00:65:d5:46', 'build-08');

  tentacle.send({ type: 'image.progress', imageId: (await api('GET', '/api/v1/provisioning/images')).images[0].id, state: 'pulling', presentBytes: 2 * 2 ** 20, sizeBytes: 4 * 2 ** 20, reason: '' });
  await check.that('an image that is being pulled shows how far it is', () => page.getByText('50 % here').waitFor());
  await browser.shot(page, '08-pxe-1440');
  await page.getByText('Ended', { exact: true }).click();
  await check.that('the filter of tasks is in the address', async () => {
    await page.waitForURL(/\/pxe\?show=done$/);
    await task(page, running).waitFor({ state: 'detached' });
  });
  await page.goBack();
  await check.that('and the back button takes it back', () => task(page, running).waitFor());
}

async function usesNetwork(browser, page, tentacle) {
  await page.getByRole('tab', { name: 'Network' }).click();
  await check.that('an empty segment says what to do next', () => page.getByText('Nothing was discovered yet').waitFor());
  await page.getByRole('button', { name: 'Scan now' }).click();
  const scan = await tentacle.hears('scan.start');
  check.is('a scan reaches the tentacle', Boolean(scan.commandId));
  const now = Date.now();
  const device = (mac, ip, hostname, vendor, daysKnown) => ({
    mac,
    ip,
    hostname,
    vendor,
    interface: 'eth0',
    firstSeen: new Date(now - daysKnown * 86400_000).toISOString(),
    lastSeen: new Date(now).toISOString(),
  });
  tentacle.send({
    type: 'discovery.result',
    scanId: scan.commandId,
    startedAt: new Date(now - 5000).toISOString(),
    finishedAt: new Date(now).toISOString(),
    targets: ['192.168.20.0/24'],
    devices: [
      device('00:11:22:33:44:55', '192.168.20.1', 'router', 'CIMSYS Inc', 40),
      device('52:54:00:aa:00:05', '192.168.20.5', 'tentacle-berlin', 'QEMU', 40),
      device('00:15:5d:01:02:03', '192.168.20.50', 'srv-db-01', 'Microsoft Corporation', 12),
      device('00:15:5d:01:02:04', '192.168.20.51', HOSTILE, 'Microsoft Corporation', 12),
      device('b8:27:eb:00:00:10', '192.168.20.9', '', 'Raspberry Pi Foundation', 0),
      device('52:54:00:11:22:33', '192.168.20.100', REVERSED, '', 0),
    ],
  });
  await check.that('devices appear live', () => page.locator('[data-device="00:11:22:33:44:55"]').getByText('router').waitFor());
  await check.that('the scan is said to be over', () => page.getByText('Scan finished').waitFor());
  const order = await page.locator('[data-device]').evaluateAll((rows) => rows.map((one) => one.firstElementChild.textContent));
  check.is('addresses are ordered as numbers', order.join(' ') === '192.168.20.1 192.168.20.5 192.168.20.9 192.168.20.50 192.168.20.51 192.168.20.100', order.join(' '));
  await check.that('a device that is a node links to it', () =>
    page.locator('[data-device="52:54:00:aa:00:05"]').getByRole('link', { name: 'Managed' }).waitFor(),
  );
  await check.that('hostile names of devices are text', () => page.getByRole('cell', { name: HOSTILE }).waitFor());
  await isUnharmed(page, 'no name of a device became an element');
  await page.getByRole('button', { name: 'Wake srv-db-01' }).click();
  const wake = await tentacle.hears('wake');
  check.is('waking a device reaches the tentacle', wake.mac === '00:15:5d:01:02:03', JSON.stringify(wake));
  await page.getByText('Packet ordered').waitFor();
  await browser.shot(page, '09-network-1440');
  await page.getByLabel('Search devices').fill('raspberry');
  await check.that('a search leaves what matches, and is in the address', async () => {
    await page.getByText('1 of 6 shown').waitFor();
    await page.waitForURL(/\/network\?q=raspberry$/);
  });
  await page.getByRole('button', { name: 'Install 192.168.20.9' }).click();
  await check.that('a device can be installed from here', async () => {
    const mac = page.getByRole('dialog', { name: 'Install a machine at' }).getByLabel('MAC address');
    await mac.waitFor();
    if ((await mac.inputValue()) !== 'b8:27:eb:00:00:10') throw new Error(await mac.inputValue());
  });
  await page.keyboard.press('Escape');
}

async function runsScript(browser, page, tentacle) {
  await page.getByRole('tab', { name: 'Jobs' }).click();
  await page.getByLabel('Script').fill('uname -a\ndf -h /');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const order = await tentacle.hears('job.run');
  check.is('a script reaches the node', order.job.script === 'uname -a\ndf -h /' && order.job.timeoutSeconds === 300, JSON.stringify(order));
  tentacle.send({
    type: 'job.result',
    jobId: order.job.id,
    status: 'failed',
    success: false,
    exitCode: 3,
    stdout: `Linux tentacle-berlin 6.1.0-32-amd64 x86_64 GNU/Linux\n${HOSTILE}\n`,
    stderr: 'df: no such file\n',
    errorMessage: 'the script ended with exit code 3',
    durationMs: 48,
  });
  await check.that('its exit code and output appear live', async () => {
    await page.getByText('exit 3').waitFor();
    await page.getByLabel('Output').getByText(HOSTILE).waitFor();
    await page.getByLabel('Errors').getByText('df: no such file').waitFor();
  });
  await isUnharmed(page, 'no output of a script became an element');
  await browser.shot(page, '10-jobs-1440');
}

async function enrollByApi(facts) {
  const { token } = await api('POST', '/api/v1/enrollment-tokens', { maxUses: 1, description: 'test' });
  const other = new FakeTentacle(new URL(BACKEND_URL).origin);
  await other.enroll(token, facts);
  return other;
}

async function removesAndFilters(browser, page, tentacle) {
  const net = (mac, address) => ({ interfaces: [{ name: 'eth0', mac, addresses: [address] }] });
  const munich = await enrollByApi({ name: 'Munich', hostname: 'tentacle-munich', os: 'Raspberry Pi OS 12', network: net('b8:27:eb:00:00:01', '10.10.0.5/16') });
  const hostile = await enrollByApi({ name: HOSTILE, hostname: REVERSED, os: HOSTILE, network: net('02:00:00:00:00:09', '172.16.5.10/24') });
  await munich.connect();
  munich.send({ type: 'metrics', time: new Date().toISOString(), cpuPercent: 91.4, memoryPercent: 77, diskPercent: 40 });
  await page.goto(at('/nodes'));
  await check.that('a hostile name of a node is text', () => page.getByRole('link', { name: HOSTILE }).waitFor());
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
  await check.that('the address alone brings the same view back', () => page.getByText('1 of 3 shown').waitFor());

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
}

// Each view in both colour schemes and both widths: accessible, and never wider than the window.
async function looksRight(browser, page, tentacle) {
  const views = [
    ['nodes', '/nodes', (p) => row(p, tentacle.nodeId)],
    ['overview', `/nodes/${tentacle.nodeId}`, (p) => p.getByRole('img', { name: /CPU/ })],
    ['pxe', `/nodes/${tentacle.nodeId}/pxe`, (p) => p.getByText('1.9 of 3.0 GiB written')],
    ['timeline', `/nodes/${tentacle.nodeId}/pxe?task=1`, (p) => p.getByRole('list', { name: 'Timeline' })],
    ['order', `/nodes/${tentacle.nodeId}/pxe?install=`, (p) => p.getByLabel('Host name')],
    ['network', `/nodes/${tentacle.nodeId}/network`, (p) => p.getByText('srv-db-01')],
    ['hardware', `/nodes/${tentacle.nodeId}/hardware`, (p) => p.getByText('Samsung SSD 980 1TB')],
    ['jobs', `/nodes/${tentacle.nodeId}/jobs?job=1`, (p) => p.getByLabel('Output')],
  ];
  for (const [name, path, landmark] of views) {
    for (const [scheme, size, tag] of [['light', WIDE, '1440'], ['dark', WIDE, '1440-dark'], ['light', NARROW, '390'], ['dark', NARROW, '390-dark']]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.goto(at(path));
      await landmark(page).first().waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      const wrong = await violations(page);
      check.is(`${name}, ${scheme}, ${size.width} px: accessible`, wrong.length === 0, wrong.join(' | '));
      if (size === NARROW) check.is(`${name}, ${scheme}, ${size.width} px: fits its window`, (await overflow(page)) <= 0, String(await overflow(page)));
      await browser.shot(page, `20-${name}-${tag}`);
    }
  }
  await page.setViewportSize(WIDE);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

async function losesConnection(browser, page) {
  await browser.expecting(/ERR_FAILED|ERR_CONNECTION/, async () => {
    await page.route('**/api/v1/events', (route) => route.abort());
    await page.goto(at('/nodes'));
    await check.that('a lost connection is said, with the time of the data', () => page.getByText(/Connection lost, data as of \d\d:\d\d/).waitFor());
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

async function losesTentacle(browser, page, tentacle) {
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

await main();
