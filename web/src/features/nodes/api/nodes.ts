import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { ApiError, del, get } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { Inventory, MetricSample, Node, WatchedUnit } from '@/types/api';

// Beside the live feed: a feed that has died without a word is noticed by this one failing.
const LOOK_ANYWAY_MS = 30_000;
const METRICS_MINUTES = 60;

const at = (id: string) => `/api/v1/nodes/${encodeURIComponent(id)}`;

export function useNodes({ enabled = true } = {}) {
  return useQuery({
    enabled,
    queryKey: keys.nodes,
    queryFn: async () => (await get<{ nodes: Node[] }>('/api/v1/nodes')).nodes,
    refetchInterval: LOOK_ANYWAY_MS,
  });
}

export function useNode(id: string) {
  return useQuery({
    queryKey: keys.node(id),
    queryFn: () => get<Node>(at(id)),
    refetchInterval: LOOK_ANYWAY_MS,
  });
}

// Null: this node has sent none yet.
export function useInventory(id: string) {
  return useQuery({
    queryKey: keys.inventory(id),
    queryFn: async () => {
      try {
        return await get<Inventory>(`${at(id)}/inventory`);
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
  });
}

export function useWatchedUnits(id: string) {
  return useQuery({
    queryKey: keys.units(id),
    queryFn: async () => (await get<{ units: WatchedUnit[] }>(`${at(id)}/units`)).units,
  });
}

export function useMetrics(id: string) {
  return useQuery({
    queryKey: keys.metrics(id),
    queryFn: async () =>
      (await get<{ samples: MetricSample[] }>(`${at(id)}/metrics?minutes=${METRICS_MINUTES}`))
        .samples,
  });
}

export function useRemoveTentacle() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => del(`/api/v1/tentacles/${encodeURIComponent(id)}`),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.nodes }),
  });
}

export function useForgetClone() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => del(`/api/v1/tentacles/${encodeURIComponent(id)}/clone`),
    onSuccess: (_, id) => queries.invalidateQueries({ queryKey: keys.node(id) }),
  });
}
