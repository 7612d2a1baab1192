// What a person does with the page, from signing in to an installed machine, in a real browser against a
// real backend. The tentacle is played by the test; nothing else is.
//
// Environment: BACKEND_URL, API_KEY, IMAGE_DIR (the backend's image folder), CHROMIUM, PROFILE_DIR (a
// folder of the browser's own), SCREENSHOTS (where pictures go).
import { givesKeys } from './access_journey.mjs';
import { Browser } from './browser.mjs';
import { looksRight } from './looks.mjs';
import {
  addsTentacle,
  losesConnection,
  losesTentacle,
  removesAndFilters,
  reportsItself,
  signsIn,
} from './nodes_journey.mjs';
import {
  cancels,
  followsInstallation,
  followsMany,
  ordersMachine,
  ordersWithStandby,
  showsHostileTextAsText,
} from './pxe_journey.mjs';
import { ordersPrepull } from './prepull_journey.mjs';
import { runsScript, usesNetwork } from './segment_journey.mjs';
import { readsJournal, seesSystem } from './system_journey.mjs';
import { BACKEND, check, CHROMIUM, PROFILE_DIR, SCREENSHOTS } from './world.mjs';

async function main() {
  const browser = await Browser.open({
    backend: BACKEND,
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
    await followsMany(browser, page, tentacle);
    await usesNetwork(browser, page, tentacle);
    await runsScript(browser, page, tentacle);
    await seesSystem(browser, page, tentacle);
    await readsJournal(browser, page, tentacle);
    await ordersPrepull(browser, page, tentacle);
    const other = await removesAndFilters(browser, page, tentacle);
    await ordersWithStandby(page, tentacle, other);
    await givesKeys(page);
    await looksRight(browser, page, tentacle);
    await losesConnection(browser, page);
    await losesTentacle(browser, page, tentacle);
    check.is(
      'no page complained in the console',
      browser.complaints.length === 0,
      browser.complaints.join(' | '),
    );
    check.is(
      'every request went to the backend only',
      browser.foreign.length === 0,
      browser.foreign.join(' '),
    );
  } catch (error) {
    check.is('the journey came to its end', false, String(error?.stack ?? error));
  } finally {
    await browser.close();
  }
  process.exit(check.finish());
}

await main();
