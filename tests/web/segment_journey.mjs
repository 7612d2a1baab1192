// Devices around a tentacle, and scripts on it.
import { check, HOSTILE, isUnharmed, REVERSED } from './world.mjs';

export async function usesNetwork(browser, page, tentacle) {
  await page.getByRole('tab', { name: 'Network' }).click();
  await check.that('an empty segment says what to do next', () =>
    page.getByText('Nothing was discovered yet').waitFor(),
  );
  await page.getByRole('button', { name: 'Scan now' }).click();
  const scan = await tentacle.hears('scan.start');
  check.is('a scan reaches the tentacle', Boolean(scan.commandId));
  tellsOfDevices(tentacle, scan.commandId);
  await showsDevices(page);
  await showsPings(page, tentacle);
  await page.getByRole('button', { name: 'Wake srv-db-01' }).click();
  const wake = await tentacle.hears('wake');
  check.is(
    'waking a device reaches the tentacle',
    wake.mac === '00:15:5d:01:02:03',
    JSON.stringify(wake),
  );
  await page.getByText('Packet ordered').waitFor();
  await browser.shot(page, '09-network-1440');
  await page.getByLabel('Search devices').fill('raspberry');
  await check.that('a search leaves what matches, and is in the address', async () => {
    await page.getByText('1 of 6 shown').waitFor();
    await page.waitForURL(/\/network\?q=raspberry$/);
  });
  await page.getByRole('button', { name: 'Install 192.168.20.9' }).click();
  await check.that('a device can be installed from here', async () => {
    const mac = page
      .getByRole('dialog', { name: 'Install a machine at' })
      .getByLabel('MAC address');
    await mac.waitFor();
    if ((await mac.inputValue()) !== 'b8:27:eb:00:00:10') throw new Error(await mac.inputValue());
  });
  await page.keyboard.press('Escape');
}

function tellsOfDevices(tentacle, scanId) {
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
    scanId,
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
}

async function showsDevices(page) {
  await check.that('devices appear live', () =>
    page.locator('[data-device="00:11:22:33:44:55"]').getByText('router').waitFor(),
  );
  await check.that('the scan is said to be over', () => page.getByText('Scan finished').waitFor());
  const order = await page
    .locator('[data-device]')
    .evaluateAll((rows) => rows.map((one) => one.firstElementChild.textContent));
  check.is(
    'addresses are ordered as numbers',
    order.join(' ') ===
      '192.168.20.1 192.168.20.5 192.168.20.9 192.168.20.50 192.168.20.51 192.168.20.100',
    order.join(' '),
  );
  await check.that('a device that is a node links to it', () =>
    page
      .locator('[data-device="52:54:00:aa:00:05"]')
      .getByRole('link', { name: 'Managed' })
      .waitFor(),
  );
  await check.that('hostile names of devices are text', () =>
    page.getByRole('cell', { name: HOSTILE, exact: true }).waitFor(),
  );
  await isUnharmed(page, 'no name of a device became an element');
}

async function showsPings(page, tentacle) {
  const ping = (ip, roundTripMs, lossPercent, hourPercent) => ({
    ip,
    roundTripMs,
    lossPercent,
    hourPercent,
    dayPercent: 99.5,
    weekPercent: 99.9,
  });
  tentacle.send({
    type: 'network.segment',
    time: new Date().toISOString(),
    dhcpServers: [],
    neighbours: [],
    gateways: ['192.168.20.1'],
    pings: [ping('192.168.20.1', 0.4, 0, 100), ping('192.168.20.51', 12.3, 25, 81.5)],
  });
  const table = page.getByRole('table', { name: 'Answers to pings' });
  await check.that('how those answered who are pinged appears live', () => table.waitFor());
  const rows = await table
    .locator('tbody tr')
    .evaluateAll((all) =>
      all.map((one) => [...one.children].map((cell) => cell.textContent.trim()).join(' | ')),
    );
  check.is(
    'the worst of them is first, with its name as text',
    rows.join(' / ') ===
      `192.168.20.51 ${HOSTILE} | 12.3 ms | 25 % | 81.5 % | 99.5 % | 99.9 % / ` +
        '192.168.20.1 router | 0.4 ms | 0 % | 100 % | 99.5 % | 99.9 %',
    rows.join(' / '),
  );
  await isUnharmed(page, 'no name of a pinged host became an element');
}

export async function runsScript(browser, page, tentacle) {
  await page.getByRole('tab', { name: 'Jobs' }).click();
  await page.getByRole('textbox', { name: 'Script' }).fill('uname -a\ndf -h /');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const order = await tentacle.hears('job.run');
  // What counts is the text that is signed.
  const { job } = JSON.parse(order.order);
  check.is(
    'a script reaches the node',
    job.script === 'uname -a\ndf -h /' && job.timeoutSeconds === 300 && job.id === order.job.id,
    JSON.stringify(order),
  );
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
