import { Button, Skeleton } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Link } from 'react-router';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { ForRole } from '@/components/ui/for-role';
import {
  AlertIcon,
  CheckIcon,
  ClockIcon,
  DiskIcon,
  DownloadIcon,
  PlusIcon,
} from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Panel } from '@/components/ui/panel';
import { Pill, type Tone } from '@/components/ui/pill';
import { Ago } from '@/components/ui/time';
import { sentence } from '@/lib/api-client';
import { formatBytes, revealInvisible } from '@/lib/format';
import { useMay } from '@/lib/role';
import type { CachedImage, Image } from '@/types/api';

import { useCachedImages, useImages, usePrepull } from '../api/images';
import classes from './cached-images.module.css';
import { RegisterImage } from './register-image';

const LOOKS: Record<CachedImage['state'], { tone: Tone; word: string; icon: ReactNode }> = {
  cached: { tone: 'good', word: 'Cached', icon: <CheckIcon /> },
  pulling: { tone: 'busy', word: 'Pulling', icon: <DownloadIcon /> },
  verifying: { tone: 'busy', word: 'Verifying', icon: <ClockIcon /> },
  failed: { tone: 'bad', word: 'Failed', icon: <AlertIcon /> },
  absent: { tone: 'quiet', word: 'Not cached', icon: <DiskIcon /> },
};

export function CachedImages({ tentacleId }: { tentacleId: string }) {
  const cached = useCachedImages(tentacleId);
  const all = useImages();
  const [registering, setRegistering] = useState(false);
  // Images that the backend itself is not done with yet.
  const unready = all.data?.filter((image) => image.state !== 'ready') ?? [];
  return (
    <Panel
      title="Images"
      note={
        cached.data
          ? `${cached.data.filter((image) => image.state === 'cached').length} of ${cached.data.length} cached here`
          : null
      }
      actions={
        <>
          <Button
            size="xs"
            variant="default"
            leftSection={<ClockIcon size={14} />}
            component={Link}
            to={`/prepulls?order=${encodeURIComponent(tentacleId)}`}
          >
            Plan a prepull
          </Button>
          <ForRole role="operator">
            <Button
              size="xs"
              variant="default"
              leftSection={<PlusIcon size={14} />}
              onClick={() => setRegistering(true)}
            >
              Register image
            </Button>
          </ForRole>
        </>
      }
      flush
    >
      {cached.isPending ? <Skeleton height={80} /> : null}
      {cached.error && !cached.data ? (
        <Problem title="No images" error={cached.error} onRetry={() => void cached.refetch()} />
      ) : null}
      {cached.data && cached.data.length + unready.length === 0 ? (
        <Empty icon={<DiskIcon size={26} />} title="No image yet">
          Put a disk image into the backend’s image folder and register it here. Tentacles fetch it
          when a machine needs it.
        </Empty>
      ) : (
        <ul className={classes.list}>
          {cached.data?.map((image) => (
            <CachedRow key={image.imageId} image={image} tentacleId={tentacleId} />
          ))}
          {unready.map((image) => (
            <UnreadyRow key={image.id} image={image} />
          ))}
        </ul>
      )}
      <RegisterImage opened={registering} onClose={() => setRegistering(false)} />
    </Panel>
  );
}

function CachedRow({ image, tentacleId }: { image: CachedImage; tentacleId: string }) {
  const prepull = usePrepull(tentacleId);
  const { tone, word, icon } = LOOKS[image.state];
  const size = image.sizeBytes ?? 0;
  const percent =
    size > 0 ? Math.min(100, Math.floor(((image.presentBytes ?? 0) / size) * 100)) : 0;
  const asked = prepull.isSuccess && image.state === 'absent';
  const words = asked ? 'Asked for' : 'Pull now';
  const mayPull = useMay('operator');
  const canPull = image.state === 'absent' || image.state === 'failed';
  return (
    <li className={classes.row} data-image={image.imageId}>
      <div className={classes.who}>
        <span className={classes.name}>
          <OutsideText text={image.name} />
        </span>
        <span className={classes.second}>
          {formatBytes(size)}
          {image.state === 'cached' ? (
            <>
              , cached <Ago time={image.cachedAt} />
            </>
          ) : null}
          {image.state === 'pulling' ? `, ${percent} % here` : null}
          {image.reason ? (
            <>
              {': '}
              <OutsideText text={image.reason} />
            </>
          ) : null}
        </span>
        {image.wrongChunks ? (
          <span className={classes.wrong}>
            {image.wrongChunks === 1
              ? 'A piece went wrong on its disk '
              : `${image.wrongChunks} pieces went wrong on its disk, the last one `}
            <Ago time={image.wrongChunkAt} />
          </span>
        ) : null}
        {image.state === 'pulling' ? (
          <div
            className={classes.track}
            role="progressbar"
            aria-label={`Pulling ${revealInvisible(image.name)}`}
            aria-valuenow={percent}
            aria-valuemin={0}
            aria-valuemax={100}
          >
            <div className={classes.fill} style={{ width: `${percent}%` }} />
          </div>
        ) : null}
        {prepull.error ? (
          <span className={classes.wrong}>{revealInvisible(sentence(prepull.error))}</span>
        ) : null}
      </div>
      <Pill tone={tone} icon={icon}>
        {word}
      </Pill>
      {canPull && mayPull ? (
        <Button
          size="compact-sm"
          variant="default"
          loading={prepull.isPending}
          disabled={asked}
          onClick={() => prepull.mutate(image.imageId)}
          aria-label={`${words}: ${revealInvisible(image.name)}`}
        >
          {words}
        </Button>
      ) : null}
    </li>
  );
}

function UnreadyRow({ image }: { image: Image }) {
  const failed = image.state === 'failed';
  return (
    <li className={classes.row} data-image={image.id}>
      <div className={classes.who}>
        <span className={classes.name}>
          <OutsideText text={image.displayName} />
        </span>
        <span className={classes.second}>
          {failed ? (
            <OutsideText text={image.reason} fallback="The backend could not read it." />
          ) : (
            'The backend computes its checksum.'
          )}
        </span>
      </div>
      <Pill tone={failed ? 'bad' : 'wait'} icon={failed ? <AlertIcon /> : <ClockIcon />}>
        {failed ? 'Unusable' : 'Hashing'}
      </Pill>
    </li>
  );
}
