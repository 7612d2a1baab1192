import {
  Button,
  Group,
  Modal,
  NativeSelect,
  SegmentedControl,
  SimpleGrid,
  Skeleton,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { OutsideText } from '@/components/ui/outside-text';
import { fieldOf } from '@/lib/api-client';
import { formatBytes, revealInvisible } from '@/lib/format';
import type { Image, Node, Prepull, PrepullForecast } from '@/types/api';

import { useForecast, useOrderPrepull } from '../api/prepulls';
import {
  checkFields,
  type FieldErrors,
  formField,
  type PrepullFields,
  sitesOf,
  toOrder,
} from '../prepull-form';
import { chanceOf } from '../prepull-view';
import classes from './order-prepull.module.css';
import { ChancePill } from './prepull-marks';

// What other features know.
export interface OrderSources {
  images: UseQueryResult<Image[]>;
  nodes: UseQueryResult<Node[]>;
}

interface OrderPrepullProps extends OrderSources {
  opened: boolean;
  // A tentacle that was chosen elsewhere.
  tentacleId: string;
  onClose: () => void;
  onOrdered: (prepull: Prepull) => void;
}

export function OrderPrepull({ opened, onClose, ...form }: OrderPrepullProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title="Order a prepull"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened ? <WithSources {...form} onClose={onClose} /> : null}
    </Modal>
  );
}

function WithSources({ images, nodes, ...form }: Omit<OrderPrepullProps, 'opened'>) {
  if (images.isPending || nodes.isPending) return <Skeleton height={240} />;
  if (!images.data)
    return <Problem title="No images" error={images.error} onRetry={() => void images.refetch()} />;
  if (!nodes.data)
    return (
      <Problem title="No tentacles" error={nodes.error} onRetry={() => void nodes.refetch()} />
    );
  return (
    <Form
      {...form}
      images={images.data.filter((image) => image.state === 'ready')}
      tentacles={nodes.data.filter((node) => node.isTentacle)}
    />
  );
}

interface FormProps {
  images: Image[];
  tentacles: Node[];
  tentacleId: string;
  onClose: () => void;
  onOrdered: (prepull: Prepull) => void;
}

function firstFields({ images, tentacles, tentacleId }: FormProps): PrepullFields {
  const chosen = tentacles.find((one) => one.id === tentacleId) ?? tentacles[0];
  return {
    imageId: images[0]?.id ?? '',
    where: 'tentacle',
    tentacleId: chosen?.id ?? '',
    site: sitesOf(tentacles)[0]?.[0] ?? '',
    notBefore: '',
    deadline: '',
    windows: '',
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

function Form(props: FormProps) {
  const { images, tentacles, onClose, onOrdered } = props;
  const [fields, setFields] = useState<PrepullFields>(() => firstFields(props));
  const [errors, setErrors] = useState<FieldErrors>({});
  const form = useRef<HTMLFormElement>(null);
  const order = useOrderPrepull();
  const forecast = useForecast();
  const sites = sitesOf(tentacles);

  const set = (next: PrepullFields) => {
    setFields(next);
    // What was said of another order is not said of this one.
    forecast.reset();
  };
  const text = (name: Exclude<keyof PrepullFields, 'where'>) => ({
    name,
    value: fields[name],
    error: errors[name],
    onChange: (event: { currentTarget: { value: string } }) => {
      set({ ...fields, [name]: event.currentTarget.value });
      setErrors({ ...errors, [name]: undefined });
    },
  });
  const show = (found: FieldErrors) => {
    setErrors(found);
    const first = Object.keys(found)[0];
    form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
  };
  const fieldNamed = (error: unknown) => formField(fieldOf(error)?.[0] ?? '');
  const onError = (error: unknown) => {
    const field = fieldNamed(error);
    if (field) show({ [field]: revealInvisible(fieldOf(error)?.[1] ?? '') });
  };
  const isGood = () => {
    const found = checkFields(fields);
    show(found);
    return Object.keys(found).length === 0;
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isGood()) order.mutate(toOrder(fields), { onSuccess: onOrdered, onError });
  };
  const look = () => {
    if (isGood()) forecast.mutate(toOrder(fields), { onError });
  };

  const error = order.error ?? forecast.error;
  return (
    <form ref={form} onSubmit={submit} noValidate>
      <Stack>
        <NativeSelect
          label="Image"
          description={images.length === 0 ? 'No image is registered and ready.' : undefined}
          required
          data={images.map((image) => ({
            value: image.id,
            label: `${revealInvisible(image.displayName)} (${formatBytes(image.sizeBytes)})`,
          }))}
          {...text('imageId')}
        />
        <div>
          <Text size="sm" fw={500} mb={4} id="prepull-where">
            Where
          </Text>
          <SegmentedControl
            aria-labelledby="prepull-where"
            value={fields.where}
            onChange={(where) => set({ ...fields, where: where as PrepullFields['where'] })}
            data={[
              { value: 'tentacle', label: 'One tentacle' },
              { value: 'site', label: 'All of a site' },
            ]}
          />
        </div>
        {fields.where === 'tentacle' ? (
          <NativeSelect
            label="Tentacle"
            required
            data={tentacles.map((node) => ({
              value: node.id,
              label: `${revealInvisible(node.name)}${node.online ? '' : ' (offline)'}`,
            }))}
            {...text('tentacleId')}
          />
        ) : (
          <NativeSelect
            label="Site"
            description={sites.length === 0 ? 'No tentacle has been given a site.' : undefined}
            required
            data={sites.map(([site, count]) => ({
              value: site,
              label: `${revealInvisible(site)} (${count === 1 ? '1 tentacle' : `${count} tentacles`})`,
            }))}
            {...text('site')}
          />
        )}
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            label="Deadline"
            description="The next day of that name, or 2026-12-01T07:00:00Z."
            placeholder="Tue 07:00"
            autoComplete="off"
            {...text('deadline')}
          />
          <TextInput
            label="Not before"
            description="At once when empty."
            placeholder="Mon 18:00"
            autoComplete="off"
            {...text('notBefore')}
          />
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <Textarea
            label="Windows"
            description="Only then it is pulled. One a line; at any time when empty."
            placeholder="Mon-Fri 22:00-06:00"
            autosize
            minRows={2}
            maxRows={6}
            {...text('windows')}
          />
          <TextInput
            label="Time zone"
            description="By whose clock days and times are meant."
            placeholder="Europe/Berlin"
            {...text('timeZone')}
          />
        </SimpleGrid>
        {forecast.data ? <Forecast targets={forecast.data} /> : null}
        {error && !fieldNamed(error) ? <Problem title="Not ordered" error={error} /> : null}
        <Group justify="space-between">
          <Button variant="default" loading={forecast.isPending} onClick={look}>
            Will it be in time?
          </Button>
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" loading={order.isPending}>
              Order
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

function Forecast({ targets }: { targets: PrepullForecast[] }) {
  return (
    <div role="status">
      <ul className={classes.forecast} aria-label="Forecast" tabIndex={0}>
        {targets.map((target) => (
          <li key={target.tentacleId}>
            <ChancePill chance={chanceOf(target)} />
            <span>
              <strong>
                <OutsideText text={target.tentacleName} />
              </strong>
              {': '}
              <OutsideText text={target.forecast} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
