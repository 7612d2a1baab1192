// Signing in and out. The key is sent once and not kept; what is carried on is an HttpOnly cookie that
// this page cannot read. Whether there should be one is remembered, so that nobody is asked in vain.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

import { del, onApiEvent, post } from '@/lib/api-client';

const MARK = 'octofleet.signed-in';

export type SessionState = 'signed-in' | 'signed-out' | 'ended';

let state: SessionState = localStorage.getItem(MARK) ? 'signed-in' : 'signed-out';
const watchers = new Set<() => void>();

function set(next: SessionState) {
  if (next === 'signed-in') localStorage.setItem(MARK, 'yes');
  else localStorage.removeItem(MARK);
  state = next;
  for (const watcher of watchers) watcher();
}

onApiEvent((event) => {
  if (event === 'signed-out' && state === 'signed-in') set('ended');
});

export function useSessionState(): SessionState {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => state,
  );
}

export async function signIn(apiKey: string): Promise<void> {
  await post<void>('/api/v1/session', { apiKey });
  set('signed-in');
}

export function useSignIn() {
  return useMutation({ mutationFn: signIn });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => del('/api/v1/session'),
    onSettled: () => {
      set('signed-out');
      queries.clear();
    },
  });
}

// `#key=…` signs in once: a link that a person got from the demo. It leaves the address bar before
// anything else happens. Null when there is none.
export function takeKeyFromAddress(): string | null {
  const match = /^#key=(.+)$/.exec(window.location.hash);
  if (!match?.[1]) return null;
  window.history.replaceState(
    window.history.state,
    '',
    window.location.pathname + window.location.search,
  );
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}
