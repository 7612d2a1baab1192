import { Button, Container, Stack, Title } from '@mantine/core';
import { useRouteError } from 'react-router';

import { Problem } from './problem';

// A fault of the page itself. Reloading is safe: everything is kept at the backend.
export function RouteError() {
  return (
    <Container size="sm" py="xl">
      <Stack>
        <Title order={1} size="h3">
          This page has failed
        </Title>
        <Problem title="What happened" error={useRouteError()} />
        <Button onClick={() => window.location.reload()}>Load it again</Button>
      </Stack>
    </Container>
  );
}
