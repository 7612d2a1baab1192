import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Outlet } from 'react-router';

import { Layout } from '@/components/layout/layout';
import {
  takeKeyFromAddress,
  useSessionState,
  useSignIn,
  useSignOut,
} from '@/features/session/api/session';
import { SignIn } from '@/features/session/components/sign-in';
import { LiveContext, LiveFeed } from '@/lib/live';

// Everything behind the session: nothing is asked of the backend before there is one.
export function Root() {
  const session = useSessionState();
  if (session !== 'signed-in') return <SignIn state={session} />;
  return <SignedIn />;
}

function SignedIn() {
  const queries = useQueryClient();
  const signOut = useSignOut();
  const { mutate: signIn } = useSignIn();
  const [feed] = useState(() => new LiveFeed(queries));

  useEffect(() => {
    // A link with a key is followed by somebody who has signed in before, perhaps to another backend.
    const key = takeKeyFromAddress();
    if (key) signIn(key, { onSuccess: () => void queries.invalidateQueries() });
  }, [queries, signIn]);

  useEffect(() => {
    feed.start();
    return () => feed.stop();
  }, [feed]);

  return (
    <LiveContext value={feed}>
      <Layout onSignOut={() => signOut.mutate()}>
        <Outlet />
      </Layout>
    </LiveContext>
  );
}
