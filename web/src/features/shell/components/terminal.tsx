// The emulator itself, in a file of its own: it is loaded when somebody opens a shell.
import '@xterm/xterm/css/xterm.css';

import { FitAddon } from '@xterm/addon-fit';
import { Terminal as Emulator } from '@xterm/xterm';
import { useEffect, useRef } from 'react';

import { openShellSocket } from '../shell-socket';
import classes from './terminal.module.css';

interface TerminalProps {
  address: string;
  onState: (state: string) => void;
  onClosed: (reason: string) => void;
}

export default function Terminal({ address, onState, onClosed }: TerminalProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!box.current) return undefined;
    const emulator = new Emulator({ cursorBlink: true, fontSize: 13, scrollback: 5000 });
    const fit = new FitAddon();
    emulator.loadAddon(fit);
    emulator.open(box.current);
    const socket = openShellSocket(address, {
      onOutput: (text) => emulator.write(text),
      onState: (state) => {
        onState(state);
        if (state === 'ready') {
          fit.fit();
          socket.resize(emulator.cols, emulator.rows);
          emulator.focus();
        }
      },
      onClosed: (reason) => {
        emulator.write(`\r\n[${reason}]\r\n`);
        onClosed(reason);
      },
    });
    const typed = emulator.onData((text) => socket.type(text));
    const sized = emulator.onResize(({ cols, rows }) => socket.resize(cols, rows));
    const watch = new ResizeObserver(() => fit.fit());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      typed.dispose();
      sized.dispose();
      socket.close();
      emulator.dispose();
    };
    // A ticket opens one shell: another address is another terminal.
  }, [address]);
  return <div ref={box} className={classes.terminal} aria-label="Terminal" role="application" />;
}
