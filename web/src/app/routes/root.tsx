import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Outlet } from 'react-router';

import { Layout } from '@/components/layout/layout';
import {
  useKeyInAddress,
  useSessionState,
  useSignOut,
  useWhoAmI,
} from '@/features/session/api/session';
import { SignIn } from '@/features/session/components/sign-in';
import { LiveContext, LiveFeed } from '@/lib/live';
import { MeContext } from '@/lib/role';

// Everything behind the session: nothing is asked of the backend before there is one.
export function Root() {
  useKeyInAddress();
  const session = useSessionState();
  if (session !== 'signed-in') return <SignIn state={session} />;
  return <SignedIn />;
}

function SignedIn() {
  const queries = useQueryClient();
  const signOut = useSignOut();
  const me = useWhoAmI().data ?? null;
  const [feed] = useState(() => new LiveFeed(queries));

  useEffect(() => {
    feed.start();
    return () => feed.stop();
  }, [feed]);

  return (
    <LiveContext value={feed}>
      <MeContext value={me}>
        <Layout onSignOut={() => signOut.mutate()}>
          <Outlet />
        </Layout>
      </MeContext>
    </LiveContext>
  );
}
