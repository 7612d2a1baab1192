// The live feed: what changed at the backend makes the page's copies old, at once.
//
// One EventSource for the whole page. While it is down, everything shown is of the time it went down;
// `useLive` says so, and the layout greys it.
import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from 'react';

import { onApiEvent } from '@/lib/api-client';
import { keysOf } from '@/lib/query';
import type { Change } from '@/types/api';

const EVENTS = '/api/v1/events';
// Changes come in bursts: a task's status, its timeline and its node within milliseconds.
const GATHER_MS = 200;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;

export interface LiveState {
  // 'starting' until the first connection stands or fails.
  phase: 'starting' | 'up' | 'down';
  // When it went down: what is shown is of that time.
  downSince: Date | null;
}

type ChangeListener = (change: Change) => void;

export class LiveFeed {
  private state: LiveState = { phase: 'starting', downSince: null };
  private source: EventSource | null = null;
  private retryMs = RETRY_FIRST_MS;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private pending = new Map<string, QueryKey>();
  private flushing = false;
  private stopListening: (() => void) | null = null;
  private readonly watchers = new Set<() => void>();
  private readonly changeListeners = new Set<ChangeListener>();

  constructor(private readonly queries: QueryClient) {}

  start() {
    this.stopListening = onApiEvent((event) => {
      // A line that died without a word: EventSource itself would not notice for minutes.
      if (event === 'unreachable' && this.state.phase === 'up') this.lost();
    });
    this.connect();
  }

  stop() {
    this.stopListening?.();
    clearTimeout(this.retryTimer);
    this.source?.close();
    this.source = null;
    this.set({ phase: 'starting', downSince: null });
  }

  readonly get = () => this.state;

  readonly watch = (watcher: () => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  onChange(listener: ChangeListener): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  readonly retryNow = () => {
    clearTimeout(this.retryTimer);
    this.connect();
  };

  private connect() {
    this.source?.close();
    const source = new EventSource(EVENTS);
    this.source = source;
    source.onopen = () => {
      const wasDown = this.state.phase === 'down';
      this.retryMs = RETRY_FIRST_MS;
      this.set({ phase: 'up', downSince: null });
      // What changed meanwhile was told to nobody.
      if (wasDown) void this.queries.invalidateQueries();
    };
    source.onmessage = (event: MessageEvent<string>) => this.heard(event.data);
    source.onerror = () => this.lost();
  }

  private lost() {
    this.source?.close();
    this.source = null;
    this.set({ phase: 'down', downSince: this.state.downSince ?? new Date() });
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => {
      // EventSource does not tell a refusal from an absence; a request does, and ends the session if it is over.
      void this.queries.invalidateQueries({ queryKey: ['nodes'] });
      this.connect();
    }, this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }

  private heard(data: string) {
    let change: Change;
    try {
      change = JSON.parse(data) as Change;
    } catch {
      return;
    }
    for (const key of keysOf(change) ?? []) this.pending.set(JSON.stringify(key), key);
    for (const listener of this.changeListeners) listener(change);
    void this.flush();
  }

  // One round at a time: a page that fetches slowly asks less often instead of starting over and over.
  private async flush() {
    if (this.flushing) return;
    this.flushing = true;
    while (this.pending.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      const batch = [...this.pending.values()];
      this.pending.clear();
      await Promise.allSettled(
        batch.map((queryKey) => this.queries.invalidateQueries({ queryKey })),
      );
    }
    this.flushing = false;
  }

  private set(state: LiveState) {
    this.state = state;
    for (const watcher of this.watchers) watcher();
  }
}

export const LiveContext = createContext<LiveFeed | null>(null);

function useFeed(): LiveFeed {
  const feed = useContext(LiveContext);
  if (!feed) throw new Error('LiveContext is missing above this component');
  return feed;
}

export function useLiveState(): LiveState & { retryNow: () => void } {
  const feed = useFeed();
  return { ...useSyncExternalStore(feed.watch, feed.get), retryNow: feed.retryNow };
}

// For what a query cannot tell: that an answer has come although nothing in it is new.
export function useLiveChange(listener: ChangeListener) {
  const feed = useFeed();
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => feed.onChange((change) => latest.current(change)), [feed]);
}
