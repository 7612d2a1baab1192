import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { ShellSession, ShellTicket } from '@/types/api';

// Who approves may do it at another backend, which tells this page nothing.
const ASK_AGAIN_MS = 3_000;

export function useShells(nodeId: string, { waits = false } = {}) {
  return useQuery({
    queryKey: keys.shells(nodeId),
    refetchInterval: waits ? ASK_AGAIN_MS : false,
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

// Where each shell needs a second person: what the first one waits with, and what the second one does.
export function useTakeTicket() {
  return useMutation({
    mutationFn: (sessionId: string) =>
      post<ShellTicket>(`/api/v1/shells/${encodeURIComponent(sessionId)}/ticket`, {}),
  });
}

export function useApproveShell(nodeId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (sessionId: string) =>
      post<void>(`/api/v1/shells/${encodeURIComponent(sessionId)}/approve`, {}),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.shells(nodeId) }),
  });
}

export function socketAddress(ticket: string): string {
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${window.location.host}/api/v1/shells/ws?ticket=${encodeURIComponent(ticket)}`;
}

export function recordingAddress(sessionId: string): string {
  return `/api/v1/shells/${encodeURIComponent(sessionId)}/recording`;
}
