import { keepPreviousData, useQuery } from '@tanstack/react-query';

import { get } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { JournalEntry } from '@/types/api';

import { type JournalFilter, queryOf } from '../journal-view';

// Lines are no event of the live feed; a node sends what is new this often.
const LOOK_AGAIN_MS = 15_000;

// Newest first. What was found before stays until the next answer is there.
export function useJournal(nodeId: string, filter: JournalFilter, limit: number) {
  const query = queryOf(filter, limit);
  return useQuery({
    queryKey: [...keys.journal(nodeId), query],
    queryFn: async () =>
      (
        await get<{ entries: JournalEntry[] }>(
          `/api/v1/nodes/${encodeURIComponent(nodeId)}/journal?${query}`,
        )
      ).entries,
    placeholderData: keepPreviousData,
    refetchInterval: LOOK_AGAIN_MS,
  });
}
