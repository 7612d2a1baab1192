import { useMutation, useQuery } from '@tanstack/react-query';

import { get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { Device, Segment } from '@/types/api';

const at = (tentacleId: string) => `/api/v1/tentacles/${encodeURIComponent(tentacleId)}`;

export function useDevices(tentacleId: string) {
  return useQuery({
    queryKey: keys.devices(tentacleId),
    queryFn: async () => (await get<{ devices: Device[] }>(`${at(tentacleId)}/devices`)).devices,
  });
}

export const devicesCsv = (tentacleId: string) => `${at(tentacleId)}/devices.csv`;

export function useSegment(tentacleId: string) {
  return useQuery({
    // Under the devices' key, so that what changes one asks for the other again.
    queryKey: [...keys.devices(tentacleId), 'segment'],
    queryFn: () => get<Segment>(`${at(tentacleId)}/network`),
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
