import { Button, Collapse, NativeSelect, SimpleGrid, Stack, TextInput } from '@mantine/core';

import type { TaskFields } from '../task-form';

interface FieldInput {
  name: string;
  value: string;
  error: string | undefined;
  onChange: (event: { currentTarget: { value: string } }) => void;
}

interface MoreSettingsProps {
  expanded: boolean;
  onToggle: () => void;
  // What ties an input to its field of the form.
  input: (name: keyof TaskFields) => FieldInput;
  // "None" is one of them.
  standbys: { value: string; label: string }[];
}

// What few machines need.
export function MoreSettings({ expanded, onToggle, input, standbys }: MoreSettingsProps) {
  return (
    <div>
      <Button size="compact-sm" variant="subtle" aria-expanded={expanded} onClick={onToggle}>
        {expanded ? 'Fewer settings' : 'More settings'}
      </Button>
      <Collapse expanded={expanded}>
        <Stack mt="xs">
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput
              label="Serial number of the disk"
              description="Only the disk with it is written."
              {...input('diskSerial')}
            />
            <TextInput
              label="Time zone"
              description="The image’s own when empty."
              placeholder="Europe/Berlin"
              {...input('timezone')}
            />
          </SimpleGrid>
          {standbys.length > 1 ? (
            <NativeSelect
              label="Standby tentacle"
              description="Answers the machine when this tentacle leaves two of its attempts unanswered. While the backend cannot be reached neither of them starts the machine."
              data={standbys}
              {...input('standbyTentacleId')}
            />
          ) : null}
        </Stack>
      </Collapse>
    </div>
  );
}
