// What is shown of discovered devices. Pure.
import { ipOrder } from '@/lib/format';
import type { Device, Ping } from '@/types/api';

export type DeviceFilter = 'all' | 'new' | 'managed' | 'unknown';
export type DeviceSort = 'address' | 'newest' | 'seen' | 'name';

export type DeviceKind = 'managed' | 'new' | 'known' | 'flapping' | 'gone';

// For a day, somebody may want to know that it is new here.
const NEW_MS = 24 * 3600 * 1000;

export function kindOf(device: Device, nowMs: number): DeviceKind {
  if (device.state === 'gone' || device.state === 'flapping') return device.state;
  if (device.isManaged) return 'managed';
  return nowMs - Date.parse(device.firstSeen) < NEW_MS ? 'new' : 'known';
}

export function selectDevices(
  devices: Device[],
  filter: DeviceFilter,
  search: string,
  sort: DeviceSort,
  nowMs: number,
): Device[] {
  const wanted = search.trim().toLowerCase();
  return devices
    .filter((device) => {
      if (filter === 'managed' && !device.isManaged) return false;
      if (filter === 'unknown' && device.isManaged) return false;
      if (filter === 'new' && kindOf(device, nowMs) !== 'new') return false;
      if (!wanted) return true;
      return [device.mac, device.ip, device.hostname, device.vendor].some((text) =>
        text?.toLowerCase().includes(wanted),
      );
    })
    .sort(ORDERS[sort]);
}

const ORDERS: Record<DeviceSort, (a: Device, b: Device) => number> = {
  address: (a, b) => ipOrder(a.ip) - ipOrder(b.ip),
  newest: (a, b) => Date.parse(b.firstSeen) - Date.parse(a.firstSeen),
  seen: (a, b) => Date.parse(b.lastSeen) - Date.parse(a.lastSeen),
  // Those without a name come last.
  name: (a, b) =>
    (a.hostname ? 0 : 1) - (b.hostname ? 0 : 1) ||
    (a.hostname ?? '').localeCompare(b.hostname ?? ''),
};

// Who answers worst now, then who did in the last day.
export function worstFirst(pings: Ping[]): Ping[] {
  return [...pings].sort(
    (a, b) =>
      b.lossPercent - a.lossPercent || a.dayPercent - b.dayPercent || ipOrder(a.ip) - ipOrder(b.ip),
  );
}

// The last round trip; null for one that never answered.
export function roundTripOf(ping: Ping): string | null {
  return ping.weekPercent > 0 ? `${String(ping.roundTripMs)} ms` : null;
}

// What came of the last wake; null when there was none.
export function wakeWords(device: Device): string | null {
  const wake = device.lastWake;
  if (!wake) return null;
  const seconds = Math.round((wake.afterMs ?? 0) / 1000);
  switch (wake.state) {
    case 'woke':
      return `Woke after ${String(seconds)} s`;
    case 'was-awake':
      return 'Was awake already';
    case 'silent':
      return 'Did not wake';
    default:
      return 'Packets sent';
  }
}

export function lastScan(devices: Device[]): string | null {
  return devices.reduce<string | null>(
    (latest, device) =>
      !latest || Date.parse(device.lastSeen) > Date.parse(latest) ? device.lastSeen : latest,
    null,
  );
}
