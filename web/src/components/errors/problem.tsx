import { Alert, Button } from '@mantine/core';

import { AlertIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { sentence } from '@/lib/api-client';

interface ProblemProps {
  title: string;
  error: unknown;
  onRetry?: () => void;
}

// What went wrong, in the backend's own sentence.
export function Problem({ title, error, onRetry }: ProblemProps) {
  return (
    <Alert color="red" variant="light" title={title} icon={<AlertIcon />} role="alert">
      <OutsideText text={sentence(error)} />
      {onRetry ? (
        <div>
          <Button mt="xs" size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        </div>
      ) : null}
    </Alert>
  );
}
