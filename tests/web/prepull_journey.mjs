// Bringing an image to a tentacle before somebody needs it.
import { api, at, check, HOSTILE, isAccessible, isUnharmed } from './world.mjs';

const prepull = (page, id) => page.locator(`[data-prepull="${id}"]`);

export async function ordersPrepull(browser, page, tentacle) {
  await api('PUT', `/api/v1/tentacles/${tentacle.nodeId}`, { site: 'berlin' });
  await page.goto(at(`/nodes/${tentacle.nodeId}/pxe`));
  await page.getByRole('link', { name: 'Plan a prepull' }).click();
  const form = page.getByRole('dialog', { name: 'Order a prepull' });
  await check.that('a tentacle’s images lead to the form, with it chosen', async () => {
    const chosen = await form.getByRole('combobox', { name: 'Tentacle' }).inputValue();
    if (chosen !== tentacle.nodeId) throw new Error(chosen);
  });
  await form.getByLabel('Deadline').fill('some day');
  await form.getByRole('button', { name: 'Order', exact: true }).click();
  await check.that('what is no time is said at its field', () =>
    form.getByText('A day and a time, for example Tue 07:00.').waitFor(),
  );
  await form.getByLabel('Deadline').fill('Tue 07:00');
  await form.getByLabel('Windows').fill('Mon-Fri 22:00-06:00');
  await form.getByRole('button', { name: 'Will it be in time?' }).click();
  await check.that('whether it will be in time is said before it is ordered', () =>
    form.getByText('has not been measured').waitFor(),
  );
  await isAccessible(page, 'the form of a prepull');
  await browser.shot(page, '17-prepull-order-1440');
  check.is(
    'asking for it orders nothing',
    (await api('GET', '/api/v1/provisioning/prepulls')).prepulls.length === 0,
  );
  await form.getByRole('button', { name: 'Order', exact: true }).click();
  const order = await tentacle.hears('image.prepull', (one) => Boolean(one.scheduleId));
  check.is(
    'the tentacle hears the order as it was filled in',
    order.windows.join() === 'Mon-Fri 22:00-06:00' &&
      order.timeZone === 'Europe/Berlin' &&
      new Date(order.deadline) > new Date(),
    JSON.stringify(order),
  );
  await isFollowed(browser, page, tentacle, order);
  await isCancelled(page, tentacle, order);
  await isOrderedForSite(page, tentacle);
}

async function isFollowed(browser, page, tentacle, order) {
  const here = prepull(page, order.scheduleId);
  await check.that('the page shows it with its tentacle', async () => {
    await page.waitForURL(at(`/prepulls?open=${order.scheduleId}`));
    await here.getByText('Mon-Fri 22:00-06:00 (Europe/Berlin)').waitFor();
    await here.getByRole('link', { name: 'Berlin Office' }).waitFor();
  });
  tentacle.send({
    type: 'prepull.status',
    scheduleId: order.scheduleId,
    imageId: order.imageId,
    state: 'waiting',
    feasible: false,
    expectedAt: new Date(Date.parse(order.deadline) + 3 * 3600_000).toISOString(),
    forecast: `not feasible ${HOSTILE}: 61 % would be there`,
    reason: '',
  });
  await check.that('what the tentacle tells of it appears live, as text', async () => {
    await here.getByText('Not in time').first().waitFor();
    await here.getByText(HOSTILE).first().waitFor();
  });
  await isUnharmed(page, 'no forecast became an element');
  await browser.shot(page, '18-prepulls-1440');
}

async function isCancelled(page, tentacle, order) {
  await page.getByRole('button', { name: 'Cancel this prepull of Debian 12' }).click();
  const dialog = page.getByRole('dialog', { name: 'Cancel a prepull' });
  await check.that('cancelling asks, and names image and place', async () => {
    await dialog.getByText('Debian 12').waitFor();
    await dialog.getByText('Berlin Office').waitFor();
  });
  await isAccessible(page, 'the question before cancelling a prepull');
  await dialog.getByRole('button', { name: 'Cancel the prepull' }).click();
  await check.that('the tentacle hears of it', () =>
    tentacle.hears('prepull.cancel', (one) => one.scheduleId === order.scheduleId),
  );
  await check.that('the page shows it as cancelled', () =>
    prepull(page, order.scheduleId).getByText('Cancelled').first().waitFor(),
  );
}

async function isOrderedForSite(page, tentacle) {
  await page.getByRole('button', { name: 'Order a prepull' }).click();
  const form = page.getByRole('dialog', { name: 'Order a prepull' });
  await form.getByText('All of a site').click();
  await form.getByRole('combobox', { name: 'Site' }).selectOption('berlin (1 tentacle)');
  await form.getByRole('button', { name: 'Order', exact: true }).click();
  const order = await tentacle.hears(
    'image.prepull',
    (one) => Boolean(one.scheduleId) && !one.deadline,
  );
  await check.that(
    'one for a site reaches the tentacle there, and is followed to its end',
    async () => {
      const here = prepull(page, order.scheduleId);
      await here.getByText('Ordered', { exact: true }).first().waitFor();
      tentacle.send({
        type: 'prepull.status',
        scheduleId: order.scheduleId,
        imageId: order.imageId,
        state: 'done',
        feasible: true,
        forecast: '',
        reason: '',
      });
      await here.getByText('Done', { exact: true }).first().waitFor();
    },
  );
  await page.getByText('Ended', { exact: true }).click();
  await check.that('both are over then', () => page.getByText('0 open, 2 in all').waitFor());
}
