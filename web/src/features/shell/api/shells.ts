import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { ShellSession, ShellTicket } from '@/types/api';

export function useShells(nodeId: string) {
  return useQuery({
    queryKey: keys.shells(nodeId),
    queryFn: async () =>
      (await get<{ shells: ShellSession[] }>(`/api/v1/nodes/${encodeURIComponent(nodeId)}/shells`))
        .shells,
  });
}

export interface ShellRequest {
  nodeId: string;
  user: string;
  reason: string;
}

export function useOpenShell() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ nodeId, user, reason }: ShellRequest) =>
      post<ShellTicket>(`/api/v1/nodes/${encodeURIComponent(nodeId)}/shells`, { user, reason }),
    onSettled: (_ticket, _error, { nodeId }) =>
      queries.invalidateQueries({ queryKey: keys.shells(nodeId) }),
  });
}

export function socketAddress(ticket: string): string {
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${window.location.host}/api/v1/shells/ws?ticket=${encodeURIComponent(ticket)}`;
}

export function recordingAddress(sessionId: string): string {
  return `/api/v1/shells/${encodeURIComponent(sessionId)}/recording`;
}
