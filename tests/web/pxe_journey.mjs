// Ordering machines and following their installation.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import {
  api,
  at,
  check,
  HOSTILE,
  IMAGE_DIR,
  isAccessible,
  isUnharmed,
  orderByApi,
  REVERSED,
  row,
  task,
} from './world.mjs';

const MAC = '52:54:00:65:d5:42';
const SECOND_MAC = '52:54:00:65:d5:43';

// Gives back the id of the task that was ordered in the form.
export async function ordersMachine(browser, page, tentacle) {
  await registersImage(page, tentacle);
  // A reload would lose this.
  await page.evaluate(() => {
    window.sameDocument = true;
  });
  const form = page.getByRole('dialog', { name: 'Install a machine at Berlin Office' });
  await fillsInForm(browser, page, form);
  const taskId = await isHeardAsOrdered(page, tentacle);

  await page.getByRole('button', { name: 'Install a machine' }).first().click();
  await form.getByLabel('Host name').fill('web-02');
  await form.getByLabel('MAC address').fill(MAC);
  await browser.expecting(/409/, async () => {
    await form.getByRole('button', { name: 'Install this machine' }).click();
    await check.that('a second order for a machine is refused at its field', () =>
      form.getByText('has an open task already').waitFor(),
    );
  });
  await form.getByRole('button', { name: 'Close' }).last().click();
  return taskId;
}

async function registersImage(page, tentacle) {
  await row(page, tentacle.nodeId).getByRole('link', { name: 'Berlin Office' }).press('Enter');
  await check.that('the keyboard opens a node from the list', () =>
    page.getByRole('tab', { name: 'Overview' }).waitFor(),
  );
  await page.getByRole('tab', { name: 'PXE' }).click();
  await page.waitForURL(at(`/nodes/${tentacle.nodeId}/pxe`));

  mkdirSync(IMAGE_DIR, { recursive: true });
  writeFileSync(
    join(IMAGE_DIR, 'debian.raw'),
    Buffer.alloc(4 * 2 ** 20, 'not a real disk, but bytes '),
  );
  await page.getByRole('button', { name: 'Register image' }).click();
  const register = page.getByRole('dialog', { name: 'Register an image' });
  await register.getByLabel('File').fill('debian.raw');
  await register.getByLabel('Name').fill('Debian 12');
  await register.getByRole('button', { name: 'Register' }).click();
  await check.that('a registered image is ready by itself', () =>
    page.getByText('Not cached').waitFor(),
  );
}

async function fillsInForm(browser, page, form) {
  await page.getByRole('button', { name: 'Install a machine' }).first().click();
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
  await form.getByLabel(/^Address/).fill('192.168.20.50');
  await form.getByLabel('Gateway').fill('192.168.20.1');
  await form.getByLabel('Name servers').fill('192.168.20.1 9.9.9.9');
  await form.getByLabel('SSH public keys').fill('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB you@host');
  await form.getByRole('button', { name: 'More settings' }).click();
  await form.getByLabel('Serial number of the disk').fill('QM00001');
  await browser.shot(page, '04-order-1440');
  await form.getByRole('button', { name: 'Install this machine' }).click();
}

async function isHeardAsOrdered(page, tentacle) {
  const order = await tentacle.hears('task.new');
  const { mac, hostname, osType, platform, network, disk, sshKeys } = order.task;
  const wanted = {
    mac: MAC,
    hostname: 'web-01',
    osType: 'linux-image',
    platform: 'baremetal-uefi',
    network: {
      dhcp: false,
      ip: '192.168.20.50',
      prefix: 24,
      gateway: '192.168.20.1',
      dns: ['192.168.20.1', '9.9.9.9'],
    },
    disk: { serial: 'QM00001' },
    sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB you@host'],
  };
  check.is(
    'the tentacle hears the order as it was filled in',
    isDeepStrictEqual({ mac, hostname, osType, platform, network, disk, sshKeys }, wanted),
    JSON.stringify(order.task),
  );
  await check.that('and the table with it', () =>
    tentacle.hears('tasks.sync', (one) => one.tasks.some((two) => two.id === order.task.id)),
  );
  await check.that('the page shows it as waiting', () =>
    task(page, order.task.id).getByText('Waiting').waitFor(),
  );
  return order.task.id;
}

export async function followsInstallation(browser, page, tentacle, taskId) {
  const here = task(page, taskId);
  const start = Date.now() - 71_000;
  const step = (name, detail, seconds) =>
    tentacle.timeline(taskId, name, detail, start + seconds * 1000);
  await here.getByRole('button', { name: 'web-01', exact: true }).click();
  const drawer = page.getByRole('dialog', { name: 'web-01' });
  await check.that('a machine that has not asked yet gets advice', () =>
    drawer.getByText('Switch it on').waitFor(),
  );

  step('offer', 'UEFI x64 was offered snponly.efi', 0);
  step('boot-server', 'UEFI x64 was offered snponly.efi', 1.2);
  step('tftp', 'snponly.efi in 0.4 s', 1.7);
  step('script', 'iPXE fetched its script', 6.1);
  tentacle.taskStatus(taskId, 'booting', 'script', 2);
  await check.that('booting is shown live', () =>
    drawer.getByText('Booting', { exact: true }).waitFor(),
  );
  step('orders', 'given to 192.168.20.50', 14.8);
  step('image', 'Debian 12 from the cache', 15.1);
  tentacle.taskStatus(taskId, 'installing', 'downloading', 15, 'the image is on its way');
  await check.that('so is the stage with its progress and message', async () => {
    await drawer.getByRole('progressbar').and(page.locator('[aria-valuenow="15"]')).waitFor();
    await drawer.getByText('the image is on its way').waitFor();
  });
  step('applying', 'writing to /dev/vda, 3.0 GiB', 22);
  await check.that('progress moves with every report', async () => {
    for (const percent of [40, 55, 70]) {
      tentacle.taskStatus(taskId, 'installing', 'applying', percent, `${percent} % written`);
      await drawer.locator(`[aria-valuenow="${percent}"]`).waitFor();
    }
  });
  await browser.shot(page, '05-installing-1440');
  step('configuring', 'host name, network, SSH keys', 58);
  step('firstboot', 'started from its own disk', 67);
  step('done', 'reported by the machine', 71);
  tentacle.taskStatus(taskId, 'complete', 'done', 100);
  await check.that('the end is shown live', () =>
    drawer.getByText('Complete', { exact: true }).first().waitFor(),
  );
  await check.that('the timeline names every step with its duration', () => hasTimeline(drawer));
  await check.that('which steps are checked is said beside it', async () => {
    const trust = drawer.getByRole('region', { name: 'What is checked' });
    await trust.getByRole('row', { name: /Boot offer.* no / }).waitFor();
    await trust.getByRole('row', { name: /^Image yes SHA-256/ }).waitFor();
  });
  check.is('all of it without a reload', await page.evaluate(() => window.sameDocument === true));
  check.is(
    'the open timeline is in the address',
    page.url() === at(`/nodes/${tentacle.nodeId}/pxe?task=${taskId}`),
    page.url(),
  );
  await browser.shot(page, '06-complete-1440');
  await page.keyboard.press('Escape');
  await check.that('Escape closes the drawer', () => drawer.waitFor({ state: 'detached' }));
  await showsTheBoot(page, tentacle, taskId, start);
}

async function showsTheBoot(page, tentacle, taskId, start) {
  const time = (seconds) => new Date(start + seconds * 1000).toISOString();
  tentacle.send({
    type: 'boot.detected',
    id: 'boot/1',
    mac: MAC,
    taskId,
    arch: 'x64-uefi',
    firmware: 'uefi',
    time: time(0),
  });
  const boot = page.locator(`[data-boot="${MAC}"]`);
  await check.that('a boot that has begun is shown', () => boot.getByText('Goes on').waitFor());
  tentacle.send({
    type: 'boot.record',
    id: 'boot/2',
    mac: MAC,
    taskId,
    complete: true,
    verdict: 'the machine runs its new system',
    startedAt: time(0),
    time: time(71),
    stages: [
      {
        step: 'offer',
        detail: 'x64-uefi was offered snponly.efi',
        time: time(0),
        durationMs: 1700,
      },
      { step: 'tftp', detail: 'snponly.efi in 0.4 s', time: time(1.7), durationMs: 69_300 },
    ],
  });
  await check.that('and how it ended', () =>
    boot.getByText('the machine runs its new system').waitFor(),
  );
  await boot.getByRole('button', { name: 'web-01' }).click();
  const drawer = page.getByRole('dialog', { name: 'Boot of web-01' });
  await check.that('with the time of each stage', async () => {
    await drawer.getByText('Boot offer').waitFor();
    await drawer.getByText('1.7 s', { exact: true }).waitFor();
  });
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
}

async function hasTimeline(drawer) {
  const steps = drawer.getByRole('list', { name: 'Timeline' }).getByRole('listitem');
  for (const [index, words] of [
    ['Boot offer', '1.2 s'],
    ['Boot server asked', '0.5 s'],
    ['Boot loader', '4.4 s'],
    ['Boot script', '8.7 s'],
    ['Orders fetched', '0.3 s'],
    ['Image', '6.9 s'],
    ['Writing the disk', '36 s'],
    ['Configuring', '9.0 s'],
    ['First start from disk', '4.0 s'],
    ['Complete', 'after 1 min 11 s'],
  ].entries()) {
    for (const word of words) await steps.nth(index).getByText(word, { exact: true }).waitFor();
  }
}

export async function showsHostileTextAsText(page, tentacle) {
  const taskId = await orderByApi(tentacle, SECOND_MAC, 'db-01');
  tentacle.timeline(taskId, HOSTILE, HOSTILE, Date.now());
  tentacle.taskStatus(taskId, 'installing', HOSTILE, 30, `${HOSTILE} and ${REVERSED}`);
  await check.that('markup in a message is text', () =>
    task(page, taskId).getByText(`${HOSTILE} and`).waitFor(),
  );
  await check.that('a character that reverses text is shown', () =>
    task(page, taskId).getByText('srv⟨U+202E⟩txt.exe').waitFor(),
  );
  await task(page, taskId).getByRole('button', { name: 'db-01', exact: true }).click();
  await check.that('markup in the timeline is text', () =>
    page.getByRole('list', { name: 'Timeline' }).getByText(HOSTILE).first().waitFor(),
  );
  await page.keyboard.press('Escape');
  await isUnharmed(page, 'no markup of a task became an element');
}

export async function cancels(browser, page, tentacle) {
  await page.getByRole('button', { name: 'Cancel the installation of db-01' }).click();
  const dialog = page.getByRole('dialog', { name: 'Cancel an installation' });
  await check.that('cancelling asks, and names machine and place', async () => {
    await dialog.getByText('db-01', { exact: true }).first().waitFor();
    await dialog.getByText(SECOND_MAC).waitFor();
    await dialog.getByText('Berlin Office').waitFor();
  });
  await isAccessible(page, 'the question');
  await browser.shot(page, '07-cancel-1440');
  await dialog.getByRole('button', { name: 'Cancel db-01' }).click();
  await check.that('the tentacle hears of it', () => tentacle.hears('task.cancel'));
  await check.that('the page shows it as cancelled', () =>
    page.getByText('Cancelled', { exact: true }).waitFor(),
  );
}

// A failed, a running and a waiting machine, and an image on its way.
export async function followsMany(browser, page, tentacle) {
  const failed = await orderByApi(tentacle, '52:54:00:65:d5:44', 'mail-01');
  tentacle.taskStatus(
    failed,
    'failed',
    'partitioning',
    25,
    'the disk has 2.0 GiB, the image needs 3.0 GiB',
  );
  await check.that('a failure is shown with its sentence', () =>
    task(page, failed).getByText('the image needs 3.0 GiB').waitFor(),
  );
  const running = await orderByApi(tentacle, '52:54:00:65:d5:45', 'build-07');
  tentacle.timeline(running, 'offer', 'BIOS was offered undionly.kpxe', Date.now() - 40_000);
  tentacle.taskStatus(running, 'installing', 'applying', 62, '1.9 of 3.0 GiB written');
  await task(page, running).getByText('1.9 of 3.0 GiB written').waitFor();
  await orderByApi(tentacle, '52:54:00:65:d5:46', 'build-08');

  tentacle.send({
    type: 'image.progress',
    imageId: (await api('GET', '/api/v1/provisioning/images')).images[0].id,
    state: 'pulling',
    presentBytes: 2 * 2 ** 20,
    sizeBytes: 4 * 2 ** 20,
    reason: '',
  });
  await check.that('an image that is being pulled shows how far it is', () =>
    page.getByText('50 % here').waitFor(),
  );
  const wrong = (await api('GET', '/api/v1/provisioning/images')).images[0].id;
  tentacle.send({ type: 'image.corrupt', imageId: wrong, chunk: 7 });
  await check.that('a piece of an image that went wrong on the disk is shown at the image', () =>
    page.getByText('A piece went wrong on its disk').waitFor(),
  );
  await browser.shot(page, '08-pxe-1440');
  await page.getByText('Ended', { exact: true }).click();
  await check.that('the filter of tasks is in the address', async () => {
    await page.waitForURL(/\/pxe\?show=done$/);
    await task(page, running).waitFor({ state: 'detached' });
  });
  await page.goBack();
  await check.that('and the back button takes it back', () => task(page, running).waitFor());
}

export async function ordersWithStandby(page, tentacle, other) {
  await page.goto(at(`/nodes/${tentacle.nodeId}/pxe?install=52:54:00:65:d5:47`));
  const form = page.getByRole('dialog', { name: 'Install a machine at Berlin Office' });
  await form.getByLabel('Host name').fill('pair-01');
  await form.getByRole('button', { name: 'More settings' }).click();
  await form.getByRole('combobox', { name: 'Standby tentacle' }).selectOption(other.nodeId);
  await form.getByRole('button', { name: 'Install this machine' }).click();
  const isIt = (one) => one.hostname === 'pair-01';
  const table = await tentacle.hears('tasks.sync', (one) => one.shared?.some(isIt));
  await task(page, table.shared.find(isIt).id)
    .getByRole('button', { name: 'pair-01', exact: true })
    .click();
  const drawer = page.getByRole('dialog', { name: 'pair-01' });
  await check.that('a machine that two tentacles can answer names the second', async () => {
    await drawer.getByText('Standby', { exact: true }).waitFor();
    await drawer.getByText('Munich', { exact: true }).waitFor();
  });
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
}
