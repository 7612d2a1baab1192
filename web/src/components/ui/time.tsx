import { useEffect, useState } from 'react';

import { formatAgo, formatExact, formatSpan } from '@/lib/format';

export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

// "5 min ago"; the exact time, local and UTC, on hover.
export function Ago({ time }: { time: string | undefined | null }) {
  const now = useNow(5_000);
  if (!time) return <>never</>;
  return (
    <time dateTime={time} title={formatExact(time)}>
      {formatAgo(time, now)}
    </time>
  );
}

// "5 min": for how long something has been so.
export function Since({ time }: { time: string | undefined | null }) {
  const now = useNow(5_000);
  if (!time) return null;
  return (
    <time dateTime={time} title={formatExact(time)}>
      {formatSpan((now - Date.parse(time)) / 1000)}
    </time>
  );
}
