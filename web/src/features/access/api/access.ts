import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { del, get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { Act, ApiKey, NewApiKey, Role } from '@/types/access';

export function useApiKeys() {
  return useQuery({
    queryKey: keys.apiKeys,
    queryFn: async () => (await get<{ keys: ApiKey[] }>('/api/v1/api-keys')).keys,
  });
}

export function useAudit() {
  return useQuery({
    queryKey: keys.audit,
    queryFn: async () => (await get<{ acts: Act[] }>('/api/v1/audit')).acts,
  });
}

// Whatever was done here is the newest line of the record.
function useRefresh() {
  const queries = useQueryClient();
  return () => {
    void queries.invalidateQueries({ queryKey: keys.apiKeys });
    void queries.invalidateQueries({ queryKey: keys.audit });
  };
}

export function useMakeKey() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (fields: { name: string; role: Role }) =>
      post<NewApiKey>('/api/v1/api-keys', fields),
    onSettled: refresh,
  });
}

export function useRevokeKey() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (id: string) => del(`/api/v1/api-keys/${encodeURIComponent(id)}`),
    onSettled: refresh,
  });
}
