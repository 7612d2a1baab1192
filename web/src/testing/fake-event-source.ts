import { act } from '@testing-library/react';

import type { Change } from '@/types/api';

// The live feed in the hands of a test.
export class FakeEventSource {
  static readonly all: FakeEventSource[] = [];

  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    FakeEventSource.all.push(this);
  }

  close() {
    this.closed = true;
  }

  static latest(): FakeEventSource {
    const source = FakeEventSource.all.at(-1);
    if (!source) throw new Error('nothing listens to the live feed');
    return source;
  }

  static open() {
    act(() => FakeEventSource.latest().onopen?.());
  }

  static fail() {
    act(() => FakeEventSource.latest().onerror?.());
  }

  static tell(change: Change) {
    act(() => FakeEventSource.latest().onmessage?.({ data: JSON.stringify(change) }));
  }
}
