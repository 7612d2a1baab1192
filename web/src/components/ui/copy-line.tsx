import { Button } from '@mantine/core';
import { useRef, useState } from 'react';

import { CheckIcon, CopyIcon } from './icons';
import classes from './copy-line.module.css';

// For how long the button says that it has copied.
const SAID_MS = 2_000;

// A command to be run somewhere else, and a button that copies it.
export function CopyLine({ text, label }: { text: string; label: string }) {
  const line = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await putOnClipboard(text, line.current))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), SAID_MS);
  };
  return (
    <div className={classes.line}>
      <pre ref={line} className={classes.text} tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <Button
        size="xs"
        variant="default"
        onClick={() => void copy()}
        leftSection={copied ? <CheckIcon size={14} /> : <CopyIcon size={14} />}
      >
        {copied ? 'Copied' : 'Copy'}
      </Button>
    </div>
  );
}

// Over plain HTTP a browser has no clipboard for pages: then the line is selected, and copied the old
// way; at the least it stays selected for Ctrl-C.
async function putOnClipboard(text: string, line: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (!line) return false;
    window.getSelection()?.selectAllChildren(line);
    return document.execCommand('copy');
  }
}
