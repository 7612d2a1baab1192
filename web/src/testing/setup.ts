// What a browser has and jsdom has not.
import { cleanup, configure } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';

import { FakeEventSource } from './fake-event-source';

class NoResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}

// Mantine measures a growing text field again when fonts have come.
Object.defineProperty(document, 'fonts', { value: new EventTarget() });

// What is awaited comes at once, unless the machine does other things too; the usual second is too short then.
configure({ asyncUtilTimeout: 15_000 });
vi.setConfig({ testTimeout: 60_000 });

beforeEach(() => {
  vi.stubGlobal('EventSource', FakeEventSource);
  vi.stubGlobal('ResizeObserver', NoResizeObserver);
  vi.stubGlobal('matchMedia', (media: string) => ({
    media,
    matches: false,
    addEventListener: () => {},
    removeEventListener: () => {},
    addListener: () => {},
    removeListener: () => {},
  }));
  Element.prototype.scrollIntoView = () => {};
});

afterEach(() => {
  cleanup();
  localStorage.clear();
  FakeEventSource.all.length = 0;
});
