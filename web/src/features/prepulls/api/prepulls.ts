import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { del, get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { NewPrepull, Prepull, PrepullForecast } from '@/types/api';

const PREPULLS = '/api/v1/provisioning/prepulls';
// What tentacles tell comes over the live feed; what somebody else orders or takes back does not.
const LOOK_ANYWAY_MS = 30_000;

export function usePrepulls() {
  return useQuery({
    queryKey: keys.prepulls,
    queryFn: async () => (await get<{ prepulls: Prepull[] }>(PREPULLS)).prepulls,
    refetchInterval: LOOK_ANYWAY_MS,
  });
}

// Says for each tentacle whether it can be in time; nothing is ordered.
export function useForecast() {
  return useMutation({
    mutationFn: async (order: NewPrepull) =>
      (await post<{ targets: PrepullForecast[] }>(PREPULLS, { ...order, dryRun: true })).targets,
  });
}

export function useOrderPrepull() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (order: NewPrepull) => post<Prepull>(PREPULLS, order),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.prepulls }),
  });
}

export function useCancelPrepull() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => del(`${PREPULLS}/${encodeURIComponent(id)}`),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.prepulls }),
  });
}
