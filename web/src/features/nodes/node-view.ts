// What the list and the header say of a node, out of what the backend tells. Pure.
import { networkOf } from '@/lib/format';
import type { Inventory, Node, ServiceUnit } from '@/types/api';

export type KindFilter = 'all' | 'tentacles';
export type OnlineFilter = 'any' | 'online' | 'offline';

export interface NodeFilter {
  kind: KindFilter;
  online: OnlineFilter;
  search: string;
}

export function matches(node: Node, filter: NodeFilter): boolean {
  if (filter.kind === 'tentacles' && !node.isTentacle) return false;
  if (filter.online === 'online' && !node.online) return false;
  if (filter.online === 'offline' && node.online) return false;
  const wanted = filter.search.trim().toLowerCase();
  if (!wanted) return true;
  const macs = node.network?.interfaces?.map((one) => one.mac) ?? [];
  return [node.name, node.hostname, node.os, node.ip, segmentOf(node), ...macs].some((text) =>
    text?.toLowerCase().includes(wanted),
  );
}

// The name somebody gave the segment, or else the network of the node's first address.
export function segmentOf(node: Node): string | null {
  if (node.config?.network_segment) return node.config.network_segment;
  for (const one of node.network?.interfaces ?? []) {
    for (const address of one.addresses ?? []) {
      const network = networkOf(address);
      if (network) return network;
    }
  }
  return null;
}

export type PxeState = 'active' | 'off' | 'unknown';

// PXE is on unless it was switched off; nobody knows what a tentacle does that is away.
export function pxeStateOf(node: Node): PxeState {
  if (node.config?.pxe?.enabled === false || node.mode === 'passive') return 'off';
  return node.online ? 'active' : 'unknown';
}

export const PXE_WORDS: Record<PxeState, string> = {
  active: 'PXE active',
  off: 'PXE off',
  unknown: 'PXE unknown',
};

const MODE_WORDS: Record<string, string> = {
  full: 'Full (PXE and image cache)',
  relay: 'Relay (PXE only)',
  passive: 'Passive (no PXE)',
};

export function modeOf(node: Node): string {
  const mode = node.mode ?? 'full';
  return MODE_WORDS[mode] ?? mode;
}

// "18.4 ms ± 2.1, 1 % lost, 94 Mbit/s", as much of it as was measured.
export function lineOf(node: Node): string {
  const { latencyMs, jitterMs, lossPercent, throughputMbit } = node.link ?? {};
  if (latencyMs === undefined || latencyMs === null) return 'not measured yet';
  const parts = [`${latencyMs.toFixed(1)} ms`];
  if (jitterMs !== undefined) parts[0] += ` ± ${jitterMs.toFixed(1)}`;
  if (lossPercent) parts.push(`${lossPercent.toFixed(0)} % lost`);
  if (throughputMbit !== undefined) parts.push(`${throughputMbit.toFixed(0)} Mbit/s`);
  return parts.join(', ');
}

export function configurationOf(node: Node): string {
  if (!node.configRevision) return 'defaults';
  const result = node.configResult;
  const known = result?.revision === node.configRevision && result.status;
  return `revision ${node.configRevision}${known ? `, ${result.status}` : ''}`;
}

// "3 results, 12 metrics", or null when nothing waits.
export function backlogOf(node: Node): string | null {
  const services = node.services ?? [];
  const sum = (of: (one: (typeof services)[number]) => number | undefined) =>
    services.reduce((all, one) => all + (of(one) ?? 0), 0);
  const parts = [
    [sum((one) => one.waitingResults), 'results waiting'],
    [sum((one) => one.waitingInventories), 'inventories waiting'],
    [sum((one) => one.waitingMetrics), 'metrics waiting'],
    [sum((one) => one.thinned), 'metrics lost to a full log'],
  ] as const;
  const said = parts.filter(([many]) => many > 0).map(([many, what]) => `${many} ${what}`);
  return said.length > 0 ? said.join(', ') : null;
}

// What failed first, then what is neither active nor at rest; a text narrows it to names.
export function selectServices(units: ServiceUnit[], search: string): ServiceUnit[] {
  const wanted = search.trim().toLowerCase();
  const rank = (unit: ServiceUnit) =>
    unit.active === 'failed' ? 0 : unit.active === 'active' || unit.active === 'inactive' ? 2 : 1;
  return units
    .filter((unit) => unit.name.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

// "3 pending, 1 for security"; why nothing is known of them; or that there is none.
export function updatesOf(inventory: Inventory): string {
  const { pendingUpdates = [], pendingCount, updatesReason } = inventory.security ?? {};
  if (updatesReason) return updatesReason;
  if (!inventory.security) return 'not known';
  const all = pendingCount ?? pendingUpdates.length;
  const security = pendingUpdates.filter((one) => one.security).length;
  if (all === 0) return 'none pending';
  return `${all} pending${security > 0 ? `, ${security} for security` : ''}`;
}

export function count(number: number | undefined, one: string, many: string): string {
  return `${number ?? 0} ${number === 1 ? one : many}`;
}
