// Keys for people, and the record of what they did.
import { at, BACKEND, check } from './world.mjs';

const whoIs = (key) =>
  fetch(new URL('/api/v1/session', BACKEND), { headers: { 'X-API-Key': key } });

export async function givesKeys(page) {
  await page.goto(at('/nodes'));
  await page.getByRole('link', { name: 'Access' }).click();
  await page.getByLabel('Whose').fill('Anna Schmidt');
  await page.getByLabel('Role').selectOption('operator');
  await page.getByRole('button', { name: 'Make a key' }).click();
  const shown = page.getByText(/^[0-9a-f]{64}$/);
  await shown.waitFor();
  const key = await shown.innerText();
  const answer = await whoIs(key);
  check.is(
    'a key that the page made has its name and role',
    answer.ok &&
      JSON.stringify(await answer.json()) === '{"name":"Anna Schmidt","role":"operator"}',
  );
  await check.that('what was done is on record, newest first', () =>
    page
      .getByRole('region', { name: 'What was done' })
      .getByRole('row')
      .nth(1)
      .getByText('POST /api/v1/api-keys')
      .waitFor(),
  );
  await page.getByRole('button', { name: 'Revoke the key of Anna Schmidt' }).click();
  await check.that('a revoked key is said to be', () => page.getByText(/^revoked/).waitFor());
  check.is('and is one no longer', (await whoIs(key)).status === 401);
}
