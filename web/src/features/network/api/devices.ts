import { useMutation, useQuery } from '@tanstack/react-query';

import { get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { Device } from '@/types/api';

const at = (tentacleId: string) => `/api/v1/tentacles/${encodeURIComponent(tentacleId)}`;

export function useDevices(tentacleId: string) {
  return useQuery({
    queryKey: keys.devices(tentacleId),
    queryFn: async () => (await get<{ devices: Device[] }>(`${at(tentacleId)}/devices`)).devices,
  });
}

export function useScan(tentacleId: string) {
  return useMutation({
    mutationFn: () => post<{ commandId: string }>(`${at(tentacleId)}/scan`, {}),
  });
}

export function useWake(tentacleId: string) {
  return useMutation({
    mutationFn: (mac: string) => post<{ commandId: string }>(`${at(tentacleId)}/wake`, { mac }),
  });
}
