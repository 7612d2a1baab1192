import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { CachedImage, Image } from '@/types/api';

const IMAGES = '/api/v1/provisioning/images';

// All images of the backend.
export function useImages() {
  return useQuery({
    queryKey: keys.images,
    queryFn: async () => (await get<{ images: Image[] }>(IMAGES)).images,
  });
}

// The ready ones among them, and what the tentacle has of each.
export function useCachedImages(tentacleId: string) {
  return useQuery({
    queryKey: keys.cachedImages(tentacleId),
    queryFn: async () =>
      (
        await get<{ images: CachedImage[] }>(
          `/api/v1/tentacles/${encodeURIComponent(tentacleId)}/images`,
        )
      ).images,
  });
}

export interface ImageOrder {
  name: string;
  displayName: string;
  path: string;
  osType: string;
}

export function useRegisterImage() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (order: ImageOrder) => post<Image>(IMAGES, order),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.images }),
  });
}

export function usePrepull(tentacleId: string) {
  return useMutation({
    mutationFn: (imageId: string) =>
      post<{ commandId: string }>(`/api/v1/tentacles/${encodeURIComponent(tentacleId)}/prepull`, {
        imageId,
      }),
  });
}
