import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { openShellSocket } from './shell-socket';

class FakeSocket {
  static readonly OPEN = 1;
  static last: FakeSocket;
  readyState = FakeSocket.OPEN;
  sent: string[] = [];
  closed = false;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(readonly address: string) {
    FakeSocket.last = this;
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
    this.onclose?.();
  }
  hear(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

describe('the socket of a shell', () => {
  const handlers = { onOutput: vi.fn(), onState: vi.fn(), onClosed: vi.fn() };
  beforeEach(() => {
    vi.stubGlobal('WebSocket', FakeSocket);
    for (const one of Object.values(handlers)) one.mockClear();
  });
  afterEach(() => vi.unstubAllGlobals());

  it('passes on what the shell prints and how it goes', () => {
    openShellSocket('ws://x', handlers);
    FakeSocket.last.hear({ type: 'info', state: 'ready' });
    FakeSocket.last.hear({ type: 'output', data: 'hi' });
    expect(handlers.onState).toHaveBeenCalledWith('ready');
    expect(handlers.onOutput).toHaveBeenCalledWith('hi');
  });

  it('cuts a paste between characters', () => {
    const socket = openShellSocket('ws://x', handlers);
    const paste = '🐙'.repeat(4500);
    socket.type(paste);
    const pieces = FakeSocket.last.sent.map((text) => JSON.parse(text) as { data: string });
    expect(pieces).toHaveLength(3);
    expect(pieces.map((one) => one.data).join('')).toBe(paste);
    // A half of a character cannot be encoded.
    expect(() => pieces.map((one) => encodeURIComponent(one.data))).not.toThrow();
  });

  it('closes once, with the reason that was given', () => {
    openShellSocket('ws://x', handlers);
    FakeSocket.last.hear({ type: 'closed', reason: 'enough' });
    expect(handlers.onClosed).toHaveBeenCalledExactlyOnceWith('enough');
    expect(FakeSocket.last.closed).toBe(true);
  });

  it('says so when the line breaks', () => {
    openShellSocket('ws://x', handlers);
    FakeSocket.last.close();
    expect(handlers.onClosed).toHaveBeenCalledExactlyOnceWith('the line to the backend broke');
  });

  it('tells the shell to stop when the viewer leaves', () => {
    const socket = openShellSocket('ws://x', handlers);
    socket.close();
    expect(FakeSocket.last.sent).toEqual(['{"type":"stop"}']);
  });
});
