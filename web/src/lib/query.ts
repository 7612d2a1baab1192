// The cache of what the backend said, the names of its parts, and which of them a change concerns.
import { QueryClient, type QueryKey } from '@tanstack/react-query';

import { ApiError } from '@/lib/api-client';
import type { Change } from '@/types/api';

export const keys = {
  me: ['me'] as const,
  apiKeys: ['api-keys'] as const,
  audit: ['audit'] as const,
  nodes: ['nodes'] as const,
  node: (id: string) => ['node', id] as const,
  inventory: (id: string) => ['inventory', id] as const,
  metrics: (id: string) => ['metrics', id] as const,
  units: (id: string) => ['units', id] as const,
  journal: (id: string) => ['journal', id] as const,
  devices: (id: string) => ['devices', id] as const,
  cachedImages: (id: string) => ['cached-images', id] as const,
  images: ['images'] as const,
  prepulls: ['prepulls'] as const,
  tasks: (tentacleId: string) => ['tasks', tentacleId] as const,
  boots: (tentacleId: string) => ['boots', tentacleId] as const,
  jobs: ['jobs'] as const,
  jobsOf: (nodeId: string) => ['jobs', 'of', nodeId] as const,
  shells: (nodeId: string) => ['shells', nodeId] as const,
  job: (id: string) => ['jobs', 'one', id] as const,
};

const RETRIES = 2;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The live feed says when something is old.
        staleTime: 30_000,
        networkMode: 'always',
        // What the backend refused it refuses again; what did not arrive may arrive.
        retry: (failures, error) =>
          failures < RETRIES && !(error instanceof ApiError && error.status !== 0),
      },
      mutations: { networkMode: 'always' },
    },
  });
}

// The queries that a change makes old.
export function keysOf(change: Change): QueryKey[] {
  const tentacle = change.tentacleId ?? '';
  switch (change.kind) {
    case 'node':
      return [
        keys.nodes,
        keys.node(change.id),
        keys.inventory(change.id),
        keys.metrics(change.id),
        keys.units(change.id),
        keys.shells(change.id),
        keys.boots(change.id),
      ];
    case 'task':
      // Installers' callbacks come without the tentacle: then it may be anybody's.
      return [
        tentacle ? keys.tasks(tentacle) : ['tasks'],
        keys.nodes,
        tentacle ? keys.node(tentacle) : ['node'],
      ];
    case 'image':
      return [keys.images, tentacle ? keys.cachedImages(tentacle) : ['cached-images'], keys.nodes];
    case 'device':
      return [keys.devices(tentacle || change.id), keys.nodes];
    case 'job':
      return [keys.jobs];
    case 'prepull':
      return [keys.prepulls];
  }
}
