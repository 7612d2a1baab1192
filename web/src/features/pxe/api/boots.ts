import { useQuery } from '@tanstack/react-query';

import { get } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { BootReport } from '@/types/api';

export function useBoots(tentacleId: string) {
  return useQuery({
    queryKey: keys.boots(tentacleId),
    queryFn: async () =>
      (
        await get<{ boots: BootReport[] }>(
          `/api/v1/tentacles/${encodeURIComponent(tentacleId)}/boots`,
        )
      ).boots,
  });
}
