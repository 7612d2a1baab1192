// Debian's Chromium, watched: what it asks for, what it complains about, and how its pages look.
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };

export class Browser {
  // What no page may do.
  complaints = [];
  foreign = [];
  #backend;
  #screenshots;
  #expected = null;

  static async open({ backend, executablePath, profile, screenshots }) {
    const browser = new Browser();
    browser.#backend = new URL(backend).origin;
    browser.#screenshots = screenshots;
    await mkdir(screenshots, { recursive: true });
    browser.context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: FLAGS,
      viewport: WIDE,
      colorScheme: 'light',
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    });
    browser.context.on('request', (request) => {
      if (new URL(request.url()).origin !== browser.#backend) browser.foreign.push(request.url());
    });
    browser.context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        browser.#complain(message.text());
    });
    browser.context.on('weberror', (error) => browser.#complain(String(error.error())));
    return browser;
  }

  #complain(text) {
    if (!this.#expected?.test(text)) this.complaints.push(text);
  }

  // While `work` runs, complaints like this one are what is to be seen.
  async expecting(pattern, work) {
    this.#expected = pattern;
    try {
      return await work();
    } finally {
      this.#expected = null;
    }
  }

  async shot(page, name) {
    await page.screenshot({
      path: join(this.#screenshots, `${name}.png`),
      fullPage: true,
    });
  }

  close() {
    return this.context.close();
  }
}

// WCAG 2.2 A and AA; each violation in one line.
export async function violations(page) {
  await page.evaluate(AXE);
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    }),
  );
  return result.violations.map((one) => {
    const node = one.nodes[0];
    return `${one.id} (${one.nodes.length}): ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`;
  });
}

// How far the page is wider than its window.
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
