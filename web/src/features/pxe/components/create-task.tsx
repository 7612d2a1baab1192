import {
  Alert,
  Button,
  Group,
  Modal,
  NativeSelect,
  PasswordInput,
  SegmentedControl,
  SimpleGrid,
  Skeleton,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { type FormEvent, useRef, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { CopyLine } from '@/components/ui/copy-line';
import { AlertIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { fieldOf } from '@/lib/api-client';
import { formatBytes, revealInvisible } from '@/lib/format';
import type { Image, Node, OrderedTask, Task } from '@/types/api';

import { useImages } from '../api/images';
import { useCreateTask } from '../api/tasks';
import {
  checkFields,
  emptyFields,
  type FieldErrors,
  formField,
  needsPassword,
  sourceOf,
  standbyChoices,
  type TaskFields,
  toOrder,
  WITHOUT_IMAGE,
} from '../task-form';
import { PLATFORMS } from '../task-view';
import { MoreSettings } from './more-settings';

interface CreateTaskProps {
  opened: boolean;
  tentacleId: string;
  tentacleName: string;
  tentacleOnline: boolean;
  // The other tentacles, in the order in which they are offered.
  standbys: Node[];
  // A machine that was chosen elsewhere, among the discovered devices.
  mac: string;
  onClose: () => void;
  onCreated: (task: Task) => void;
}

export function CreateTask(props: CreateTaskProps) {
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
      title={
        <>
          Install a machine at <OutsideText text={props.tentacleName} />
        </>
      }
    >
      {props.opened ? <WithImages {...props} /> : null}
    </Modal>
  );
}

function WithImages(props: CreateTaskProps) {
  const images = useImages();
  if (images.isPending) return <Skeleton height={240} />;
  if (!images.data)
    return <Problem title="No images" error={images.error} onRetry={() => void images.refetch()} />;
  const ready = images.data.filter((image) => image.state === 'ready');
  return <Form {...props} images={ready} />;
}

function Form({
  images,
  tentacleId,
  tentacleOnline,
  standbys,
  mac,
  onClose,
  onCreated,
}: CreateTaskProps & { images: Image[] }) {
  const [fields, setFields] = useState<TaskFields>(() => ({
    ...emptyFields(mac),
    imageId: images[0]?.id ?? WITHOUT_IMAGE[0]?.[0] ?? '',
  }));
  const [errors, setErrors] = useState<FieldErrors>({});
  const [more, setMore] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const create = useCreateTask();
  const [made, setMade] = useState<OrderedTask | null>(null);

  const text = (name: keyof TaskFields) => ({
    name,
    value: String(fields[name]),
    error: errors[name],
    onChange: (event: { currentTarget: { value: string } }) => {
      setFields({ ...fields, [name]: event.currentTarget.value });
      setErrors({ ...errors, [name]: undefined });
    },
  });

  const show = (found: FieldErrors) => {
    setErrors(found);
    if (found.diskSerial || found.timezone || found.standbyTentacleId) setMore(true);
    const first = Object.keys(found)[0];
    form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const source = sourceOf(fields.imageId, images);
    const found = checkFields(fields);
    if (!source || Object.keys(found).length > 0) {
      show(found);
      return;
    }
    create.mutate(toOrder(fields, tentacleId, source), {
      onSuccess: (task) => (task.adminPassword ? setMade(task) : onCreated(task)),
      onError: (error) => {
        const [name, why] = fieldOf(error) ?? [];
        const field = name ? formField(name) : null;
        if (field && why) show({ [field]: revealInvisible(why) });
      },
    });
  };

  if (made?.adminPassword)
    return <MadePassword password={made.adminPassword} onDone={() => onCreated(made)} />;
  const unplaced =
    create.error && !formField(fieldOf(create.error)?.[0] ?? '') ? create.error : null;
  return (
    <form ref={form} onSubmit={submit} noValidate>
      <Stack>
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            label="Host name"
            placeholder="web-01"
            autoFocus
            autoComplete="off"
            required
            {...text('hostname')}
          />
          <TextInput
            label="MAC address"
            placeholder="52:54:00:65:d5:42"
            autoComplete="off"
            required
            {...text('mac')}
          />
          <NativeSelect
            label="Image"
            description={images.length === 0 ? 'No image is registered and ready.' : undefined}
            required
            data={[
              ...images.map((image) => ({
                value: image.id,
                label: `${revealInvisible(image.displayName)} (${formatBytes(image.sizeBytes)})`,
              })),
              ...WITHOUT_IMAGE.map(([value, label]) => ({ value, label })),
            ]}
            {...text('imageId')}
          />
          <NativeSelect
            label="Platform"
            data={PLATFORMS.map(([value, label]) => ({ value, label }))}
            {...text('platform')}
          />
        </SimpleGrid>
        <div>
          <Text size="sm" fw={500} mb={4} id="network-kind">
            Network
          </Text>
          <SegmentedControl
            aria-labelledby="network-kind"
            value={fields.dhcp ? 'dhcp' : 'static'}
            onChange={(value) => setFields({ ...fields, dhcp: value === 'dhcp' })}
            data={[
              { value: 'dhcp', label: 'DHCP' },
              { value: 'static', label: 'Fixed address' },
            ]}
          />
        </div>
        {fields.dhcp ? null : (
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput label="Address" placeholder="192.168.20.50" required {...text('ip')} />
            <TextInput label="Prefix length" inputMode="numeric" required {...text('prefix')} />
            <TextInput label="Gateway" placeholder="192.168.20.1" {...text('gateway')} />
            <TextInput label="Name servers" placeholder="192.168.20.1 9.9.9.9" {...text('dns')} />
          </SimpleGrid>
        )}
        <PasswordInput
          label="Administrator’s password"
          description={
            needsPassword(sourceOf(fields.imageId, images))
              ? 'Only the machine itself is told. Left empty, a random one is made and shown once.'
              : 'Only the machine itself is told. Without one, Linux lets nobody in with a password.'
          }
          autoComplete="new-password"
          {...text('adminPassword')}
        />
        <Textarea
          label="SSH public keys"
          description="One a line. Without one nobody can sign in over the network."
          placeholder="ssh-ed25519 AAAA… you@host"
          autosize
          minRows={2}
          maxRows={6}
          {...text('sshKeys')}
        />
        <MoreSettings
          expanded={more}
          onToggle={() => setMore(!more)}
          input={text}
          standbys={standbyChoices(standbys, fields.standbyTentacleId)}
        />
        {tentacleOnline ? null : (
          <Alert color="yellow" variant="light" icon={<AlertIcon />}>
            The tentacle is offline. It gets this order when it is back.
          </Alert>
        )}
        {unplaced ? <Problem title="Not ordered" error={unplaced} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" loading={create.isPending}>
            Install this machine
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function MadePassword({ password, onDone }: { password: string; onDone: () => void }) {
  return (
    <Stack>
      <Text>
        The machine is ordered. This is its administrator’s password; it is shown only now.
      </Text>
      <CopyLine text={password} label="Administrator’s password" />
      <Group justify="flex-end">
        <Button onClick={onDone} data-autofocus>
          I have it
        </Button>
      </Group>
    </Stack>
  );
}
