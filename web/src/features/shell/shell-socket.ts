// What a shell and its viewer say to each other (docs/protocol.md section 3.2).

export interface ShellHandlers {
  onOutput: (text: string) => void;
  onState: (state: string) => void;
  // Once, however it ended.
  onClosed: (reason: string) => void;
}

export interface ShellSocket {
  type: (text: string) => void;
  resize: (cols: number, rows: number) => void;
  close: () => void;
}

// Below the backend's limit for a message, also when every character becomes an escape.
const PIECE = 2000;

export function openShellSocket(address: string, handlers: ShellHandlers): ShellSocket {
  const socket = new WebSocket(address);
  let over = false;
  const end = (reason: string) => {
    if (over) return;
    over = true;
    handlers.onClosed(reason);
    socket.close();
  };
  const send = (message: unknown) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  socket.onmessage = (event: MessageEvent<string>) => {
    const message = JSON.parse(event.data) as {
      type: string;
      data?: string;
      state?: string;
      reason?: string;
    };
    if (message.type === 'output') handlers.onOutput(message.data ?? '');
    if (message.type === 'info') handlers.onState(message.state ?? '');
    if (message.type === 'closed') end(message.reason ?? '');
  };
  socket.onclose = () => end('the line to the backend broke');
  return {
    type: (text) => {
      const letters = Array.from(text);
      for (let at = 0; at < letters.length; at += PIECE) {
        send({ type: 'input', data: letters.slice(at, at + PIECE).join('') });
      }
    },
    resize: (cols, rows) => send({ type: 'resize', cols, rows }),
    close: () => {
      send({ type: 'stop' });
      end('closed');
    },
  };
}
