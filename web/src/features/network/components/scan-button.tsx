import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';

import { RadarIcon } from '@/components/ui/icons';
import { sentence } from '@/lib/api-client';
import { revealInvisible } from '@/lib/format';
import { useLiveChange } from '@/lib/live';
import type { Node } from '@/types/api';

import { useScan } from '../api/devices';
import classes from './scan-button.module.css';

// A scan of a large segment at the default rate takes this long; who has not answered then, was asked in vain.
const PATIENCE_MS = 120_000;

// Asks for a scan, and says so until its result is here.
export function ScanButton({ node }: { node: Node }) {
  const scan = useScan(node.id);
  const [state, setState] = useState<'idle' | 'asked' | 'silent' | 'done'>('idle');

  useLiveChange((change) => {
    if (
      change.kind === 'device' &&
      (change.tentacleId ?? change.id) === node.id &&
      state === 'asked'
    )
      setState('done');
  });
  useEffect(() => {
    if (state !== 'asked') return;
    const timer = setTimeout(() => setState('silent'), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [state]);

  const words = {
    idle: '',
    asked: node.online ? 'Scanning the segment …' : 'Kept until the tentacle is back',
    silent: 'No result has come yet',
    done: 'Scan finished',
  }[state];
  return (
    <>
      <span className={classes.words} role="status">
        {scan.error ? revealInvisible(sentence(scan.error)) : words}
      </span>
      <Button
        size="xs"
        leftSection={<RadarIcon size={14} />}
        loading={scan.isPending || (state === 'asked' && node.online)}
        onClick={() => {
          // First this: the result may be here before the answer to the order.
          setState('asked');
          scan.mutate(undefined, { onError: () => setState('idle') });
        }}
      >
        Scan now
      </Button>
    </>
  );
}
