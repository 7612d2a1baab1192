import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { Job } from '@/types/api';

export function useJobs() {
  return useQuery({
    queryKey: keys.jobs,
    queryFn: async () => (await get<{ jobs: Job[] }>('/api/v1/jobs')).jobs,
  });
}

export interface ScriptOrder {
  nodeId: string;
  script: string;
  interpreter: string;
  timeoutSeconds: number;
}

export function useRunScript() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ nodeId, script, interpreter, timeoutSeconds }: ScriptOrder) =>
      post<Job>('/api/v1/jobs', {
        targetType: 'device',
        targetId: nodeId,
        commandType: 'script',
        commandData: { script, interpreter },
        timeoutSeconds,
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.jobs }),
  });
}
