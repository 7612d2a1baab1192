// What the list and the header say of a node, out of what the backend tells. Pure.
import { networkOf } from '@/lib/format';
import type { Node } from '@/types/api';

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

export function count(number: number | undefined, one: string, many: string): string {
  return `${number ?? 0} ${number === 1 ? one : many}`;
}
