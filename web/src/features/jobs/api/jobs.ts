import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { Job } from '@/types/api';

// Without what they wrote.
export function useJobs(nodeId: string) {
  return useQuery({
    queryKey: keys.jobsOf(nodeId),
    queryFn: async () =>
      (await get<{ jobs: Job[] }>(`/api/v1/jobs?nodeId=${encodeURIComponent(nodeId)}`)).jobs,
  });
}

// One job and what it wrote.
export function useJob(id: string) {
  return useQuery({
    queryKey: keys.job(id),
    queryFn: () => get<Job>(`/api/v1/jobs/${encodeURIComponent(id)}`),
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
