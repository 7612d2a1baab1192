import { useMutation } from '@tanstack/react-query';

import { post } from '@/lib/api-client';
import type { CreatedToken } from '@/types/api';

export interface TokenOrder {
  description: string;
  expiresHours: number;
  maxUses: number;
  // The only one that may enroll with it; empty: any.
  name: string;
}

export function useCreateToken() {
  return useMutation({
    mutationFn: (order: TokenOrder) =>
      post<CreatedToken>('/api/v1/enrollment-tokens', { ...order, createdBy: 'page' }),
  });
}
