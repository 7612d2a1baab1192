// What runs on a node, what is waiting to be done there, and what it wrote.
import { at, check, HOSTILE, isUnharmed, REVERSED } from './world.mjs';

export async function seesSystem(browser, page, tentacle) {
  await page.getByRole('tab', { name: 'Overview' }).click();
  tentacle.send({
    type: 'unit.changed',
    unit: 'nginx.service',
    state: 'failed',
    expected: false,
    time: new Date(Date.now() - 5 * 60_000).toISOString(),
  });
  await check.that('a watched unit that fails is said in the overview, live', () =>
    page.getByText('A watched unit is not active').waitFor(),
  );
  await browser.shot(page, '14-unit-alert-1440');
  await page.getByRole('button', { name: 'Look at them' }).click();
  await page.waitForURL(at(`/nodes/${tentacle.nodeId}/system`));
  const units = page.getByRole('region', { name: 'List of watched units' });
  await check.that('and among the watched units, with its state and for how long', async () => {
    await units.getByText('failed').waitFor();
    await units.getByText('5 min').waitFor();
  });
  tentacle.send({
    type: 'unit.changed',
    unit: 'backup.timer',
    state: HOSTILE,
    expected: false,
    time: new Date().toISOString(),
  });
  await check.that('hostile text of a unit is text', () => units.getByText(HOSTILE).waitFor());
  await isUnharmed(page, 'no state of a unit became an element');
  await check.that(
    'updates are listed, those for security first, and a restart is said',
    async () => {
      await page.getByText('2 pending, 1 for security').waitFor();
      await page.getByText('linux-image-6.1.0-33-amd64').waitFor();
      const rows = page.getByRole('region', { name: 'List of pending updates' }).getByRole('row');
      await rows.nth(1).getByText('openssl').waitFor();
    },
  );
  await check.that('services are listed, those that failed first', () =>
    page
      .getByRole('region', { name: 'List of services' })
      .getByRole('row')
      .nth(1)
      .getByText('nginx.service')
      .waitFor(),
  );
  await browser.shot(page, '15-system-1440');
  await page.getByRole('button', { name: 'Journal of nginx.service' }).click();
  await check.that('a unit leads to what it wrote', () =>
    page.waitForURL(/\/journal\?unit=nginx\.service$/),
  );
}

function tellsJournal(tentacle) {
  const now = Date.now();
  const entry = (minutesAgo, priority, unit, identifier, message) => ({
    cursor: `s=1;i=${minutesAgo}`,
    time: new Date(now - minutesAgo * 60_000).toISOString(),
    priority,
    unit,
    identifier,
    pid: unit ? 812 : 0,
    message,
  });
  tentacle.send({
    type: 'journal',
    entries: [
      entry(90, 4, 'ssh.service', 'sshd', 'older than an hour'),
      entry(9, 6, 'cron.service', 'CRON', '(root) CMD (run-parts /etc/cron.hourly)'),
      entry(8, 4, '', 'kernel', 'nvme0n1: I/O error, dev nvme0n1, sector 2048\nsecond line'),
      entry(6, 4, 'ssh.service', 'sshd', `Invalid user ${HOSTILE} from ${REVERSED}`),
      entry(5, 3, 'nginx.service', 'nginx', 'bind() to 0.0.0.0:80 failed (98: Address in use)'),
      entry(4, 2, 'nginx.service', 'systemd', 'Failed to start nginx.service'),
    ],
  });
}

export async function readsJournal(browser, page, tentacle) {
  await check.that('a search that finds nothing says so', () =>
    page.getByText('No line matches').waitFor(),
  );
  tellsJournal(tentacle);
  const lines = page.getByRole('list', { name: 'Journal lines' }).getByRole('listitem');
  await check.that('lines appear without a reload', () => page.getByText('2 found').waitFor());
  check.is(
    'the newest is first',
    (await lines.first().innerText()).includes('Failed to start nginx.service'),
    await lines.first().innerText(),
  );
  await page.goto(at(`/nodes/${tentacle.nodeId}/journal`));
  await page.getByText('5 found').waitFor();
  await check.that('hostile text of a line is text', async () => {
    await page.getByText(`Invalid user ${HOSTILE}`).waitFor();
    await page.getByText('srv⟨U+202E⟩txt.exe').waitFor();
  });
  await isUnharmed(page, 'no line became an element');
  await browser.shot(page, '16-journal-1440');
  await page.getByLabel('Priority').selectOption('Error and above');
  await page.getByText('2 found').waitFor();
  await page.getByLabel('Priority').selectOption('Every priority');
  await page.getByLabel('Time').selectOption('Last 7 days');
  await page.getByText('6 found').waitFor();
  await page.getByRole('button', { name: 'Only lines of ssh.service' }).first().click();
  await page.getByLabel('Search messages').fill('invalid USER');
  await check.that('priority, time, unit and text narrow it, and are in the address', async () => {
    await page.getByText('1 found').waitFor();
    await page.waitForURL(/\/journal\?q=invalid\+USER&unit=ssh\.service&minutes=10080$/);
  });
  await page.reload();
  await check.that('the address alone brings the same search back', () =>
    page.getByText('1 found').waitFor(),
  );
}
