// How each view looks, and whether everyone can use it.
import { NARROW, overflow, WIDE } from './browser.mjs';
import { at, check, isAccessible, row } from './world.mjs';

// Each view in both colour schemes and both widths: accessible, and never wider than the window.
export async function looksRight(browser, page, tentacle) {
  const views = [
    ['nodes', '/nodes', (p) => row(p, tentacle.nodeId)],
    ['overview', `/nodes/${tentacle.nodeId}`, (p) => p.getByRole('img', { name: /CPU/ })],
    ['pxe', `/nodes/${tentacle.nodeId}/pxe`, (p) => p.getByText('1.9 of 3.0 GiB written')],
    [
      'timeline',
      `/nodes/${tentacle.nodeId}/pxe?task=1`,
      (p) => p.getByRole('list', { name: 'Timeline' }),
    ],
    ['order', `/nodes/${tentacle.nodeId}/pxe?install=`, (p) => p.getByLabel('Host name')],
    ['network', `/nodes/${tentacle.nodeId}/network`, (p) => p.getByText('srv-db-01')],
    ['hardware', `/nodes/${tentacle.nodeId}/hardware`, (p) => p.getByText('Samsung SSD 980 1TB')],
    ['system', `/nodes/${tentacle.nodeId}/system`, (p) => p.getByText('Required', { exact: true })],
    [
      'journal',
      `/nodes/${tentacle.nodeId}/journal`,
      (p) => p.getByRole('list', { name: 'Journal lines' }),
    ],
    [
      'prepulls',
      '/prepulls?open=1',
      (p) => p.getByRole('region', { name: 'Tentacles of this prepull' }),
    ],
    ['access', '/access', (p) => p.getByRole('region', { name: 'What was done' })],
    ['prepull-order', '/prepulls?order=', (p) => p.getByLabel('Deadline')],
    ['jobs', `/nodes/${tentacle.nodeId}/jobs?job=1`, (p) => p.getByLabel('Output')],
  ];
  for (const [name, path, landmark] of views) {
    for (const [scheme, size, tag] of [
      ['light', WIDE, '1440'],
      ['dark', WIDE, '1440-dark'],
      ['light', NARROW, '390'],
      ['dark', NARROW, '390-dark'],
    ]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.goto(at(path));
      await landmark(page).first().waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await isAccessible(page, `${name}, ${scheme}, ${size.width} px,`);
      if (size === NARROW)
        check.is(
          `${name}, ${scheme}, ${size.width} px: fits its window`,
          (await overflow(page)) <= 0,
          String(await overflow(page)),
        );
      await browser.shot(page, `20-${name}-${tag}`);
    }
  }
  await page.setViewportSize(WIDE);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}
