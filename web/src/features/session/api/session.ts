// Signing in and out. The key is sent once and not kept; what is carried on is an HttpOnly cookie that
// this page cannot read. Whether there should be one is remembered, so that nobody is asked in vain.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useReducer, useSyncExternalStore } from 'react';

import { del, get, onApiEvent, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { Me } from '@/types/access';

const MARK = 'octofleet.signed-in';

export type SessionState = 'signed-in' | 'signed-out' | 'ended';

// The key of a link that a person followed, until it is used. It wins over a session that there may be:
// the link is the newer word, perhaps of another backend at this address.
let keyOfLink = takeKeyFromAddress();
let state: SessionState = !keyOfLink && localStorage.getItem(MARK) ? 'signed-in' : 'signed-out';
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

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (apiKey: string) => post<void>('/api/v1/session', { apiKey }),
    onSuccess: () => {
      queries.clear();
      set('signed-in');
    },
  });
}

// Whose key this session was signed in with.
export function useWhoAmI() {
  return useQuery({
    queryKey: keys.me,
    queryFn: () => get<Me>('/api/v1/session'),
    staleTime: Infinity,
  });
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

// Null when no link brought one, or it was taken already.
export function takeKeyOfLink(): string | null {
  const key = keyOfLink;
  keyOfLink = null;
  return key;
}

// `#key=…` leaves the address bar before anything else happens. Null when there is none.
function takeKeyFromAddress(): string | null {
  const match = /^#key=(.+)$/.exec(window.location.hash);
  if (!match?.[1]) return null;
  const { pathname, search } = window.location;
  window.history.replaceState(window.history.state, '', pathname + search);
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}

// Heeds a link that was put into the address bar of a page that is open.
export function useKeyInAddress() {
  const [, renderAgain] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const look = () => {
      keyOfLink = takeKeyFromAddress() ?? keyOfLink;
      if (!keyOfLink) return;
      set('signed-out');
      // Who is signed out already changes no state, and is to see the key nevertheless.
      renderAgain();
    };
    window.addEventListener('hashchange', look);
    return () => window.removeEventListener('hashchange', look);
  }, []);
}
