import { Alert, Button, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useEffect, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { TentacleIcon } from '@/components/ui/icons';

import { type SessionState, takeKeyOfLink, useSignIn } from '../api/session';
import classes from './sign-in.module.css';

export function SignIn({ state }: { state: SessionState }) {
  const [apiKey, setApiKey] = useState('');
  const { mutate, isPending, error } = useSignIn();

  useEffect(() => {
    const key = takeKeyOfLink();
    if (key) mutate(key);
  });

  return (
    <main className={classes.page}>
      <Paper
        className={classes.card}
        component="form"
        withBorder
        radius="lg"
        p="xl"
        onSubmit={(event) => {
          event.preventDefault();
          mutate(apiKey.trim());
        }}
      >
        <Stack>
          <div className={classes.brand}>
            <TentacleIcon size={36} />
            <Title order={1} size="h3">
              Octofleet
            </Title>
          </div>
          {state === 'ended' ? (
            <Alert color="yellow" variant="light" role="status">
              Your session is over. Sign in again to go on where you were.
            </Alert>
          ) : null}
          <PasswordInput
            label="API key"
            description={
              <>
                The key in the file that the backend was started with: <code>--api-key-file</code>.
              </>
            }
            value={apiKey}
            onChange={(event) => setApiKey(event.currentTarget.value)}
            autoComplete="current-password"
            data-autofocus
            autoFocus
            required
          />
          {error ? <Problem title="Not signed in" error={error} /> : null}
          <Button type="submit" loading={isPending}>
            Sign in
          </Button>
          <Text size="xs" c="dimmed">
            The key goes to this backend only and is not stored in the browser.
          </Text>
        </Stack>
      </Paper>
    </main>
  );
}
