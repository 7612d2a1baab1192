// What every part of the journey needs: where the backend is, what was found, and how to ask it directly.
import { violations } from './browser.mjs';
import { Checks } from './checks.mjs';
import { FakeTentacle } from './fake_tentacle.mjs';

export const { API_KEY, IMAGE_DIR, CHROMIUM, PROFILE_DIR, SCREENSHOTS } = process.env;
export const BACKEND = new URL(process.env.BACKEND_URL).origin;
export const HOSTILE = '<img src=x onerror="window.hacked=1">';
export const REVERSED = 'srv\u202Etxt.exe';

export const check = new Checks();

export const at = (path) => new URL(path, BACKEND).href;
export const row = (page, nodeId) => page.locator(`[data-node="${nodeId}"]`);
export const task = (page, taskId) => page.locator(`[data-task="${taskId}"]`);

export async function api(method, path, body) {
  const response = await fetch(at(path), {
    method,
    headers: {
      'X-API-Key': API_KEY,
      ...(body ? { 'Content-Type': 'application/json' } : {}),
    },
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

export async function isAccessible(page, what) {
  const wrong = await violations(page);
  check.is(`${what} is accessible`, wrong.length === 0, wrong.join(' | '));
}

export async function isUnharmed(page, what) {
  const harm = await page.evaluate(
    () => window.hacked === 1 || document.querySelector('img') !== null,
  );
  check.is(what, !harm);
}

export async function orderByApi(tentacle, mac, hostname) {
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

export async function enrollByApi(facts) {
  const { token } = await api('POST', '/api/v1/enrollment-tokens', {
    maxUses: 1,
    description: 'test',
  });
  const other = new FakeTentacle(BACKEND);
  await other.enroll(token, facts);
  return other;
}
