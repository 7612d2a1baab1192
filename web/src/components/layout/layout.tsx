import { Button, Container } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

import { AlertIcon, CheckIcon, ClockIcon, SignOutIcon, TentacleIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Pill } from '@/components/ui/pill';
import { formatExact, formatHourMinute } from '@/lib/format';
import { useLiveState } from '@/lib/live';
import { useMe } from '@/lib/role';

import classes from './layout.module.css';

interface LayoutProps {
  onSignOut: () => void;
  children: ReactNode;
}

export function Layout({ onSignOut, children }: LayoutProps) {
  const live = useLiveState();
  const me = useMe();
  return (
    <>
      <a className={classes.skip} href="#content">
        Skip to the content
      </a>
      <header className={classes.header}>
        <Container size="xl" className={classes.bar}>
          <Link to="/nodes" className={classes.brand}>
            <TentacleIcon size={26} />
            <span>Octofleet</span>
          </Link>
          <div className={classes.right}>
            <LiveMark phase={live.phase} />
            {me ? (
              <span className={classes.me} title={`Signed in with the key ${me.name}`}>
                <OutsideText text={me.name} />, {me.role}
              </span>
            ) : null}
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              leftSection={<SignOutIcon size={16} />}
              onClick={onSignOut}
              className={classes.signOut}
            >
              Sign out
            </Button>
          </div>
        </Container>
      </header>
      {live.phase === 'down' && live.downSince ? (
        <div className={classes.banner} role="alert">
          <AlertIcon />
          <span title={formatExact(live.downSince.toISOString())}>
            Connection lost, data as of {formatHourMinute(live.downSince)}.
          </span>
          <Button size="compact-sm" variant="white" color="dark" onClick={live.retryNow}>
            Try now
          </Button>
        </div>
      ) : null}
      <Container
        component="main"
        id="content"
        size="xl"
        className={classes.content}
        data-stale={live.phase === 'down' || undefined}
        tabIndex={-1}
      >
        {children}
      </Container>
    </>
  );
}

function LiveMark({ phase }: { phase: 'starting' | 'up' | 'down' }) {
  switch (phase) {
    case 'up':
      return (
        <Pill tone="good" icon={<CheckIcon />}>
          Live
        </Pill>
      );
    case 'starting':
      return (
        <Pill tone="quiet" icon={<ClockIcon />}>
          Connecting
        </Pill>
      );
    case 'down':
      return (
        <Pill tone="bad" icon={<AlertIcon />}>
          Not live
        </Pill>
      );
  }
}
